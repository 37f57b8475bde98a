// By what a batch can be ordered, and what was measured of a picture, in words.
import { api } from "../core/rest.js";
import { percent } from "../kit/formatting.js";

/** @import { Ranked, Ranking } from "../core/schemas.js" */

const PART = 1; // s of measuring, after which it is told how far it is

export const ORDERS = [
  ["", "As made"],
  ["likeness", "Most like its source"],
  ["changed", "Least changed first"],
  ["sharpness", "Sharpest first"],
];

/**
 * A batch in that order; null where there is none, and when nobody wants it any more.
 * @param {string} batch
 * @param {string} by
 * @param {(words: string) => unknown} tell
 * @param {() => boolean} wanted
 * @returns {Promise<Ranking | null>}
 */
export async function ranked(batch, by, tell, wanted) {
  tell("Measuring…");
  for (;;) {
    /** @type {Ranking | null} */
    const found = await api(`/batches/${encodeURIComponent(batch)}/ranking?by=${by}&seconds=${PART}`).catch(() => null);
    if (!wanted()) return null;
    if (!found?.waiting) return (tell(found ? orderWords(found, by) : ""), found);
    tell(`Measured ${found.items.length - found.waiting} of ${found.items.length}…`);
  }
}

/**
 * What there is to say of a finished order: that it could not be made, where nothing was measured.
 * @param {Ranking} ranking @param {string} by
 */
export function orderWords({ items }, by) {
  const known = items.some((item) => item[/** @type {"likeness" | "changed" | "sharpness"} */ (by)] !== null);
  if (known) return "";
  return by === "sharpness" ? "None could be measured: as made." : "None was made from a picture: as made.";
}

/** @param {Ranked} measured */
export function measuredWords({ likeness, changed, sharpness }) {
  const found = Object.entries({ likeness, changed, sharpness }).filter(([, share]) => share !== null);
  const words = found.map(([name, share]) => `${name} ${percent(Number(share))}`).join(", ") || "not measured";
  return words[0].toUpperCase() + words.slice(1);
}
