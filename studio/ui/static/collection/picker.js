// The picker: a dialog over the page with the saved pictures, from which the artist takes one or several.
// Opened by `picker:open` {max, answer} on the bus; answers in the order of picking: by calling `answer(ids)`, or without
// one with `picker:picked` {ids}.

import { sized } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { relabel } from "../kit/buttons.js";
import * as kit from "../kit/kit.js";
import { VirtualGrid } from "./grid.js";
import * as pictures from "./pictures.js";
import { PictureSource } from "./source.js";

/** @import { Picture } from "../core/events.js" */

const KINDS = [
  ["", "All"],
  ["generated", "Generated"],
  ["edited", "Edited"],
  ["upload", "Uploads"],
  ["imported", "Imported"],
  ["starred", "Starred"],
];

class Picker {
  /** @type {string[]} */
  picked;
  /** @type {(ids: string[]) => unknown} */
  answer;
  /** @type {boolean} */
  full;

  constructor() {
    this.picked = [];
    this.max = 10;
    this.dialog = kit.dialog({ id: "picker", title: "From the collection", kind: "wide" });
    this.search = kit.searchBox("picker-search", () => this.source.reset());
    this.filter = kit.segments("Show", KINDS, () => this.source.reset());
    this.source = new PictureSource(
      () => this.query(),
      (why) => this.changed(why),
    );
    this.grid = new VirtualGrid({
      source: this.source,
      cell: (id) => this.cell(id),
      label: "Saved pictures",
      least: 144,
      caption: 24,
      scroller: this.dialog.body,
      above: () => this.head.offsetHeight,
    });
    this.words = el("p", { class: "out-empty", hidden: true, role: "status" });
    this.count = el("span", { class: "out-picker-count", role: "status" });
    this.confirm = kit.button({ id: "picker-confirm", label: "Add", kind: "strong", run: () => this.finish() });
    const cancel = kit.button({ label: "Cancel", kind: "ghost", run: () => this.dialog.close() });
    this.head = el("div", { class: "out-picker-head" }, this.search.node, this.filter.node);
    this.dialog.body.append(this.head, this.grid.node, this.words);
    this.dialog.node.append(el("div", { class: "out-dialog-foot" }, this.count, cancel, this.confirm));
    this.dialog.node.addEventListener("keydown", (event) => this.key(event));
  }

  query() {
    const { value } = this.filter.state;
    return { q: this.search.input.value.trim(), category: value === "starred" ? null : value, starred: value === "starred" ? true : null };
  }

  /** @param {{max?: number, answer?: (ids: string[]) => unknown}} said */
  open({ max = 10, answer = (ids) => emit("picker:picked", { ids }) } = {}) {
    this.max = max;
    this.answer = answer;
    this.picked = [];
    this.search.input.value = "";
    this.grid.current = 0;
    this.dialog.open();
    this.source.reset();
    this.update();
    this.search.input.focus();
  }

  /** @param {string} why */
  changed(why) {
    const empty = !this.source.total && why !== "begun";
    this.words.hidden = !empty;
    this.words.textContent = why === "failed" ? /** @type {Error} */ (this.source.error).message : this.emptyWords();
    this.grid.refit();
  }

  emptyWords() {
    const sought = this.search.input.value.trim();
    return sought ? `No picture matches “${sought}”.` : "Nothing saved yet. Load a picture from this device first.";
  }

  /** @param {string} id @returns {import("../core/shapes.js").Cell} */
  cell(id) {
    const image = el("img", { ...sized(id, this.grid.longest), decoding: "async", alt: "" });
    const name = el("span", { class: "out-cell-name" });
    const mark = el("span", { class: "out-pick-mark", "aria-hidden": "true" });
    const node = el(
      "div",
      { class: "out-cell out-pick", tabindex: -1, onclick: () => this.toggle(id) },
      el("span", { class: "out-cell-open" }, image),
      mark,
      name,
    );
    node.addEventListener("dblclick", () => this.finish());
    /** @param {Picture} record */
    const update = (record) => {
      name.textContent = pictures.alt(record);
      node.setAttribute("aria-label", pictures.alt(record));
    };
    this.mark(node, id);
    return { node, update };
  }

  /** @param {HTMLElement} node @param {string} id */
  mark(node, id) {
    const at = this.picked.indexOf(id);
    node.setAttribute("aria-selected", String(at >= 0));
    const mark = node.querySelector(".out-pick-mark");
    if (mark) mark.textContent = at >= 0 ? String(at + 1) : "";
  }

  /** @param {string} id */
  toggle(id) {
    if (this.picked.includes(id)) this.picked = this.picked.filter((other) => other !== id);
    else if (this.max === 1) this.picked = [id];
    else if (this.picked.length < this.max) this.picked.push(id);
    else this.full = true;
    this.update();
  }

  update() {
    const number = this.picked.length;
    this.grid.cells.forEach(({ node }, id) => this.mark(node, id));
    const room = this.max === 1 ? "There is room for 1 picture." : `There is room for ${this.max} pictures.`;
    this.count.textContent = this.full ? `${room} Take one out to choose another.` : number ? `${number} chosen` : room;
    this.full = false;
    this.confirm.disabled = !number;
    const words = number > 1 ? `Add ${number} pictures` : "Add picture";
    relabel(this.confirm, words);
  }

  finish() {
    if (!this.picked.length) return;
    const ids = [...this.picked];
    this.dialog.close();
    this.answer(ids);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const current = closest(event, "[data-picture]");
    const searching = event.target === this.search.input;
    if (event.key === "Enter" && (current || searching)) {
      event.preventDefault();
      if (current && !this.picked.length) this.toggle(current.dataset.picture ?? "");
      return this.finish();
    }
    if (searching && event.key === "ArrowDown") return (event.preventDefault(), this.grid.focus());
    if (!current) return undefined;
    const target = this.grid.target(event.key);
    if (target === null && event.key !== " ") return undefined;
    event.preventDefault();
    return target === null ? this.toggle(current.dataset.picture ?? "") : this.grid.focus(target);
  }
}

/** @type {Picker | null} */
let shown = null;

/**
 * Open it; it is made when it is first asked for.
 * @param {{max?: number, answer?: (ids: string[]) => unknown}} options
 */
export function open(options) {
  shown ??= new Picker();
  shown.open(options);
}
