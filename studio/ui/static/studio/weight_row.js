// How strongly one reference acts, as a number below it.
import { el } from "../core/dom.js";

/**
 * @param {number} value 1 is normal
 * @param {number} index of the reference
 * @param {(weight: number) => unknown} changed told of a number from 0 to 2
 */
export function weightRow(value, index, changed) {
  const input = el("input", {
    class: "lk-weight",
    type: "number",
    min: "0",
    max: "2",
    step: "0.1",
    value: String(value),
    "aria-label": `Weight of reference ${index + 1}`,
    title: "How strongly it acts; 1 is normal",
    onchange: () => changed(Math.min(2, Math.max(0, Number(input.value) || 0))),
  });
  return el("label", { class: "lk-weight-row" }, "Weight", input);
}
