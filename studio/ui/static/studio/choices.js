// What the assistant's menu and the model selector share. An unavailable choice can be read but not taken.
import { el, refill } from "../core/dom.js";

/** To the choice that holds, or to the first. @param {HTMLElement} panel */
export const focusCurrent = (panel) =>
  (panel.querySelector("[aria-checked=true], [aria-selected=true]") ?? panel.querySelector("button"))?.focus();

/**
 * Draw the choices there are now, also while they are being chosen from: the focus stays in an open menu.
 * @param {HTMLElement} panel
 * @param {HTMLElement[]} choices
 */
export const refillMenu = (panel, choices) => {
  const inside = panel.contains(document.activeElement);
  refill(panel, choices);
  if (inside && !panel.contains(document.activeElement)) focusCurrent(panel);
};

/**
 * A choice in words: its title, then lines.
 * @param {string | Node} title
 * @param {...(string | Node | null | undefined | false)} lines
 */
export const words = (title, ...lines) =>
  el("span", { class: "lk-choice-words" }, el("span", { class: "lk-choice-title" }, title), lines.filter(Boolean));
