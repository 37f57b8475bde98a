// Buttons, with an icon, words, or both.
import { el } from "../core/dom.js";
import { icon } from "./icons.js";

/**
 * A button; without `words` on it, its label is a tooltip. `key` is its shortcut.
 * @param {{
 *   id?: string | null, name?: import("./icons.js").IconName, label: string, words?: boolean, kind?: string, key?: string | null,
 *   run?: (event: MouseEvent) => unknown, [attribute: string]: any,
 * }} options `name`: the icon's
 */
export function button({ id, name, label, words = true, kind = "", key, run, ...rest }) {
  const title = key ? `${label} (${key})` : words ? null : label;
  const props = { type: "button", id, class: `out-button ${kind}`, title, "aria-label": label };
  const listener = run ? { onclick: run } : {};
  return el(
    "button",
    { ...props, "aria-keyshortcuts": key, ...rest, ...listener },
    name ? icon(name) : null,
    words ? el("span", {}, label) : null,
  );
}

/**
 * Other words on a button that has some, and for screen readers.
 * @param {HTMLElement} node
 * @param {string} words
 * @param {string} label what is read, where that is more
 */
export function relabel(node, words, label = words) {
  const shown = node.querySelector(":scope > span");
  if (shown) shown.textContent = words;
  node.setAttribute("aria-label", label);
}
