// What a search of the Models page finds.

/**
 * Whether every word is somewhere in the texts, in any case; nothing asked finds all.
 * @param {string} asked
 * @param {...(string | null | undefined)} texts
 */
export function finds(asked, ...texts) {
  const all = texts.filter(Boolean).join("\n").toLocaleLowerCase();
  return asked
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
