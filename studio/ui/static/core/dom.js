// Elements made from words, never from HTML.

/** @typedef {Node | string | number | false | null | undefined} Child */
/** @typedef {Record<string, any>} Attributes An "on…" is a listener; true is "", and false, null, undefined are left out. */

/**
 * el("button", {class: "x", onclick: f, "aria-label": "…"}, "text", child): attributes, listeners, children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  const kept = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  node.append(.../** @type {Node[]} */ (kept));
  return node;
}

/**
 * Give a node these elements. One that is as before stays the same, with the focus and what is being typed in it;
 * where the focused one is replaced, the one of its id takes the focus.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function refill(parent, wanted) {
  const focused = parent.contains(document.activeElement) ? document.activeElement?.id : "";
  const old = [...parent.children];
  wanted.forEach((node, index) => {
    if (!old[index]) parent.append(node);
    else if (!old[index].isEqualNode(node)) old[index].replaceWith(node);
  });
  for (const node of old.slice(wanted.length)) node.remove();
  if (focused && !parent.contains(document.activeElement)) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** What an event happened in, of its kind, or null. @param {Event} event @param {string} selector @returns {HTMLElement | null} */
export const closest = (event, selector) =>
  event.target instanceof HTMLElement || event.target instanceof SVGElement ? event.target.closest(selector) : null;

/** Whether an event happened on one of its kind. @param {Event} event @param {string} selector */
export const matches = (event, selector) => event.target instanceof Element && event.target.matches(selector);
