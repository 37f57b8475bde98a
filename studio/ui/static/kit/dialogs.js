// Dialogs over the page: the modal one, the question with two buttons, the line of text that is asked for, the picture
// large. Text goes in as text, never as HTML.
import { fileAddress } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { button } from "./buttons.js";
import { field } from "./fields.js";
import { icon } from "./icons.js";
import { toastBox } from "./toasts.js";

const host = globalThis.document && el("div", { class: "out" });

/**
 * A modal dialog of the page: Esc and a press that began beside it close it, focus goes back to where it was. Where text
 * was changed in it, the artist is asked first; `saves`: it keeps text by itself, `close()` asks nothing. `typing()`: an
 * answer that comes only now, of a press twice, must not fill the fields anew.
 * @param {{id: string, title: string, kind?: string, saves?: boolean, onClose?: () => unknown}} options
 */
export function dialog({ id, title, kind = "", saves = false, onClose }) {
  const heading = el("h2", { class: "out-dialog-title", id: `${id}-title` }, title);
  const body = el("div", { class: "out-dialog-body" });
  const closer = button({ name: "close", label: "Close", words: false, kind: "ghost", run: () => leave() });
  const head = el("div", { class: "out-dialog-head" }, heading, closer);
  const node = el("dialog", { id, class: `out-dialog ${kind}`, "aria-labelledby": `${id}-title` }, head, body);
  /** @type {HTMLElement | null | undefined} */
  let opener = null;
  /** @type {HTMLElement | null | undefined} */
  let grid = null; // that the opener is a cell of: it may be drawn anew meanwhile
  const typed = watchText(node);
  const mayLose = async () => saves || !typed.changed() || confirm(LOSE);
  const leave = async () => (await mayLose()) && node.close();
  closeFromBeside(node, leave);
  node.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Escape" || event.defaultPrevented || node.querySelector(":popover-open")) return;
    event.preventDefault(); // else the browser closes it, whatever was typed
    leave();
  });
  node.addEventListener("cancel", (event) => {
    if (event.target !== node) return; // a choice of files was left
    event.preventDefault();
    leave();
  });
  node.addEventListener("close", () => {
    node.removeAttribute("aria-modal");
    const below = [...host.querySelectorAll("dialog[open]")].at(-1);
    (below ?? document.body).append(toastBox());
    onClose?.();
    const back = opener?.isConnected ? opener : inGrid(grid, opener?.dataset.picture);
    back?.focus({ preventScroll: true });
    opener = grid = null;
  });
  const open = () => {
    typed.forget();
    if (node.open) return;
    opener = /** @type {HTMLElement | null} */ (document.activeElement);
    grid = /** @type {HTMLElement | null | undefined} */ (opener?.closest("[role=grid]"));
    host.append(node);
    if (!host.isConnected) document.body.append(host); // moved, it would take an open dialog out of the top layer
    node.append(toastBox()); // outside an open modal dialog nothing can be clicked
    node.setAttribute("aria-modal", "true");
    node.showModal();
  };
  const typing = () => node.open && !saves && typed.changed();
  return { node, head, body, heading, open, close: () => node.close(), mayLose, typing, settled: typed.forget };
}

/** The cell of a picture, else the one that can be reached. @param {HTMLElement | null | undefined} grid @param {string | undefined} id */
const inGrid = (grid, id) =>
  /** @type {HTMLElement | null | undefined} */ (
    grid?.querySelector(`[data-picture="${CSS.escape(id ?? "")}"]`) ?? grid?.querySelector("[data-picture][tabindex='0']")
  );

const LOSE = {
  id: "lose-dialog",
  title: "Leave what you have typed?",
  words: "It is not saved. If you leave, it is lost.",
  yes: "Leave it",
  no: "Go on writing",
};

/**
 * What was typed in a dialog: whether any of its fields holds something else than when the artist came to it.
 * @param {HTMLElement} node
 */
function watchText(node) {
  /** @type {Map<HTMLInputElement, string>} */
  const before = new Map();
  const text = "textarea, input:not([type=search], [type=range], [type=file], [type=checkbox], [type=radio])";
  node.addEventListener("focusin", ({ target }) => {
    const field = /** @type {HTMLInputElement} */ (target);
    if (field.matches(text) && !field.readOnly && !before.has(field)) before.set(field, field.value);
  });
  const changed = () => [...before].some(([field, value]) => field.isConnected && field.value !== value);
  return { changed, forget: () => before.clear() };
}

/**
 * A press beside the dialog leaves it: one that began there, not one that selected text and ended there.
 * @param {HTMLElement} node
 * @param {() => unknown} leave
 */
function closeFromBeside(node, leave) {
  /** @param {MouseEvent} event */
  const beside = ({ target, clientX, clientY }) => {
    const box = node.getBoundingClientRect();
    return target === node && (clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom);
  };
  let began = false;
  node.addEventListener("pointerdown", (event) => (began = beside(event)));
  node.addEventListener("click", (event) => began && beside(event) && leave());
}

/**
 * Ask before something that cannot be taken back, or that binds: true where the artist agrees.
 * @param {{
 *   title: string, words: string | (Node | string)[], yes: string, no?: string, id?: string, kind?: string,
 * }} question `words`: a paragraph for each text
 * @returns {Promise<boolean>}
 */
export function confirm({ title, words, yes, no = "Cancel", id = "confirm-dialog", kind = "danger" }) {
  return new Promise((answer) => {
    let agreed = false;
    const asked = dialog({ id, title, onClose: () => (asked.node.remove(), answer(agreed)) });
    const agree = button({ id: `${id}-yes`, label: yes, kind, run: () => ((agreed = true), asked.close()) });
    const refuse = button({ id: `${id}-no`, label: no, kind: "ghost", run: () => asked.close() });
    asked.body.append(...[words].flat().map((each) => (each instanceof Node ? each : el("p", {}, each))));
    asked.node.append(el("div", { class: "out-dialog-foot end" }, refuse, agree));
    asked.open();
    refuse.focus();
  });
}

/**
 * Ask for a line of text, to be given to one of the buttons; resolves to {text, by} or, where it was left, to null.
 * @param {{
 *   id: string, title: string, label: string, value?: string, props?: Record<string, unknown>,
 *   buttons: {name: string, label: string, kind?: string}[],
 * }} question Enter presses the last of the buttons
 * @returns {Promise<{text: string, by: string} | null>}
 */
export function askLine({ id, title, label, value = "", props = {}, buttons }) {
  return new Promise((answer) => {
    /** @type {{text: string, by: string} | null} */
    let given = null;
    const asked = dialog({ id, title, onClose: () => (asked.node.remove(), answer(given)) });
    const line = field(label, { id: `${id}-name`, value, autocomplete: "off", ...props });
    /** @param {string | undefined} by */
    const done = (by) => {
      const text = line.input.value.trim();
      if (!text || !by) return void line.input.focus();
      given = { text, by };
      return asked.close();
    };
    // by its default Enter would press the button that gets the focus back
    line.input.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), done(buttons.at(-1)?.name)));
    asked.body.append(line.node);
    const made = buttons.map((one) =>
      button({ id: `${id}-${one.name}`, label: one.label, kind: one.kind ?? "ghost", run: () => done(one.name) }),
    );
    asked.node.append(
      el("div", { class: "out-dialog-foot end" }, button({ label: "Cancel", kind: "ghost", run: () => asked.close() }), made),
    );
    asked.open();
    line.input.focus();
  });
}

/**
 * The picture large, over the page.
 * @param {string} id
 * @param {string} words
 */
export function enlarge(id, words) {
  const closer = el(
    "button",
    { type: "button", class: "lk-icon-button", "aria-label": "Close", onclick: () => viewer.close() },
    icon("close"),
  );
  const viewer = el("dialog", { class: "lk-viewer", "aria-label": words }, el("img", { src: fileAddress(id), alt: words }), closer);
  viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());
  viewer.addEventListener("close", () => viewer.remove());
  document.body.append(viewer);
  viewer.showModal();
}
