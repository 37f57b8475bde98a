// Keys: where an arrow leads among pictures, whether the artist writes, and Ctrl+Enter for Generate.
import { currentSection } from "../core/sections.js";

/** @param {Element[]} items @param {Element} from @param {1 | -1} direction */
function nearestRow(items, from, direction) {
  const here = from.getBoundingClientRect();
  const middle = here.left + here.width / 2;
  /** @type {{item: Element, score: number} | null} */
  let best = null;
  for (const item of items) {
    const box = item.getBoundingClientRect();
    const rows = (box.top - here.top) * direction;
    if (rows < here.height / 2) continue;
    const score = rows * 4 + Math.abs(box.left + box.width / 2 - middle);
    if (!best || score < best.score) best = { item, score };
  }
  return best?.item ?? null;
}

/**
 * The item an arrow, Home or End key leads to, or null.
 * @param {Element[]} items
 * @param {Element} current
 * @param {string} key
 * @returns {Element | null}
 */
export function arrowTarget(items, current, key) {
  const index = items.indexOf(current);
  if (key === "ArrowRight") return items[index + 1] ?? null;
  if (key === "ArrowLeft") return items[index - 1] ?? null;
  if (key === "Home") return items[0] ?? null;
  if (key === "End") return items.at(-1) ?? null;
  if (key === "ArrowDown") return nearestRow(items, current, 1);
  if (key === "ArrowUp") return nearestRow(items, current, -1);
  return null;
}

/** True while the artist writes: shortcuts of single letters must not fire. @param {KeyboardEvent} event */
export function isTyping(event) {
  const at = /** @type {HTMLInputElement} */ (event.target);
  const writes = at.isContentEditable || (at.matches("input, textarea, select") && at.type !== "range");
  return event.ctrlKey || event.metaKey || event.altKey || writes;
}

/** @param {KeyboardEvent} event */
function pressGenerate(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  if (currentSection() !== "studio" || document.querySelector("[aria-modal=true]:not([hidden])")) return;
  const button = /** @type {HTMLButtonElement | null} */ (document.getElementById("generate"));
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
}

/** The wheel scrolls the page: over a number that has the focus it would change it. @param {WheelEvent} event */
function leaveNumber(event) {
  const field = /** @type {HTMLInputElement | null} */ (document.activeElement);
  if (field?.type === "number" && field === event.target) field.blur();
}

/** Numbers change by keys and by their arrows, not by scrolling past them. */
export const keepNumbersFromWheel = () => document.addEventListener("wheel", leaveNumber, { capture: true, passive: true });

/** Ctrl or Cmd and Enter press Generate, anywhere in the Studio. */
export const listenForGenerate = () => document.addEventListener("keydown", pressGenerate);
