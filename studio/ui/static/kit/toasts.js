// Messages that stand for a moment. Errors stay until closed, the others for six seconds.
import { on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { button } from "./buttons.js";
import { icon } from "./icons.js";

const SHOWN = 6000; // ms
const MOST = 4;

/** The box they stand in, wherever it is at the moment: an open dialog takes it along. */
export function toastBox() {
  const box = document.getElementById("likeness-toasts");
  return box ?? el("div", { id: "likeness-toasts", role: "region", "aria-label": "Messages" });
}

/**
 * @param {string} text
 * @param {"info" | "success" | "warning" | "error"} kind
 * @param {...Node} more what stands between the words and the button that closes it
 */
export function toast(text, kind = "info", ...more) {
  const box = toastBox();
  if (!box.isConnected) document.body.append(box);
  const urgent = kind === "error" || kind === "warning";
  const close = el("button", { type: "button", "aria-label": "Close", onclick: () => node.remove() }, icon("close"));
  const node = el(
    "div",
    { class: `lk-toast lk-toast-${kind}`, role: urgent ? "alert" : "status" },
    el("span", {}, String(text)),
    more,
    close,
  );
  box.append(node);
  while (box.children.length > MOST) box.firstChild?.remove();
  if (kind !== "error") setTimeout(() => node.remove(), SHOWN);
  return node;
}

/**
 * Something was done that can be taken back by `run`, which says itself why where it could not.
 * @param {string} words
 * @param {() => unknown} run
 */
export function toastWithUndo(words, run) {
  const undo = button({ label: "Undo", kind: "undo", run: () => (note.remove(), Promise.resolve(run()).catch(() => {})) });
  const note = toast(words, "info", el("div", { class: "out" }, undo));
}

on("refused", (words) => toast(words, "error"));
