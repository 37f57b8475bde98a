// Measures of the page that its styles need: the scrollbar's width, the height of the Generate bar, and how far down
// Gradio's own messages reach. Toasts stand above those, and above the bar.
import { on } from "../core/bus.js";
import { el } from "../core/dom.js";

/** @param {string} name @param {number} px */
const measure = (name, px) => document.documentElement.style.setProperty(name, `${px}px`);

/** Scrollbars that take room of their own do so inside the margin. */
function measureScrollbar() {
  const probe = el("div", { class: "lk-scrollbar-probe" });
  document.body.append(probe);
  measure("--lk-scrollbar", probe.offsetWidth - probe.clientWidth);
  probe.remove();
}

/** @param {Element | null} node @param {(height: number) => void} told */
function follow(node, told) {
  if (node) new ResizeObserver(() => told(/** @type {HTMLElement} */ (node).offsetHeight)).observe(node);
}

/** Measure from the moment the controls are there. */
export function measureRoom() {
  on("studio:ready", () => {
    measureScrollbar();
    follow(document.querySelector(".toast-wrap"), (height) => measure("--lk-toasts-above", height && height + 8));
    follow(document.getElementById("generate-bar"), (height) => measure("--lk-bar", height));
  });
}
