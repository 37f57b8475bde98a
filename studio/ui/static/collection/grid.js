// A grid of pictures of which only what is seen is on the page, so that a hundred thousand scroll like twelve.
// Rows and cells for screen readers, one stop for the Tab key, arrows within. What a cell looks like, and what a
// key does beyond moving, is its owner's.

import { closest, el } from "../core/dom.js";
import * as pictures from "./pictures.js";

/** @import { GridOptions } from "../core/shapes.js" */
/** @import { Picture } from "../core/events.js" */

const AROUND = 2; // rows kept above and below what is seen
/** By how many places a key moves. @type {Record<string, (grid: VirtualGrid) => number>} */
const MOVES = {
  ArrowRight: () => 1,
  ArrowLeft: () => -1,
  ArrowDown: (grid) => grid.columns,
  ArrowUp: (grid) => -grid.columns,
  PageDown: (grid) => grid.columns * grid.rowsSeen(),
  PageUp: (grid) => -grid.columns * grid.rowsSeen(),
  Home: () => -Infinity,
  End: () => Infinity,
};

export class VirtualGrid {
  /** @type {Map<number, {node: HTMLElement, ids: string[]}>} */
  rows;
  /** @type {Map<string, import("../core/shapes.js").Cell>} */
  cells;
  /** @type {number} */
  pitch;
  /** @type {number | null} */
  waiting;
  /** @type {number} */
  asking;

  /**
   * `source`: a PictureSource; `cell(id)` → {node, update(record)}; `least`: narrowest cell in px, `caption`: height
   * of the words below a picture in px, `above()`: px at the top of the scroll port that something else covers.
   * @param {GridOptions} said
   */
  constructor({ source, cell, label, least = 200, caption = 48, gap = 16, scroller = null, above = () => 0 }) {
    this.source = source;
    this.cell = cell;
    this.least = least;
    this.caption = caption;
    this.gap = gap;
    this.scroller = scroller;
    this.above = above;
    this.columns = 1;
    this.longest = least; // px of a picture's longest side
    this.current = 0;
    this.rows = new Map();
    this.cells = new Map();
    this.node = el("div", { class: "out-vgrid", role: "grid", "aria-label": label, "aria-multiselectable": "true" });
    this.node.addEventListener("focusin", (event) => this.follow(event));
    document.addEventListener("scroll", () => this.soon(), { capture: true, passive: true });
    window.addEventListener("resize", () => this.soon());
    new ResizeObserver(() => this.measure()).observe(this.node);
  }

  // --- measures ---------------------------------------------------------------------------

  measure() {
    const width = this.node.clientWidth;
    if (!width) return;
    const least = Math.min(this.least, (width - this.gap) / 2);
    const columns = Math.max(1, Math.floor((width + this.gap) / (least + this.gap)));
    const cell = (width - this.gap * (columns - 1)) / columns;
    const pitch = Math.round(cell * 1.25 + this.caption + this.gap);
    if (columns === this.columns && pitch === this.pitch) return;
    this.columns = columns;
    this.pitch = pitch;
    this.longest = Math.round(cell * 1.25);
    this.node.style.setProperty("--columns", columns);
    this.clear();
    this.draw();
  }

  /** The part of the grid that is seen, in px from its top. */
  port() {
    const { top } = this.node.getBoundingClientRect();
    const box = this.scroller?.getBoundingClientRect() ?? { top: 0, bottom: window.innerHeight };
    return { from: box.top + this.above() - top, to: box.bottom - top };
  }

  rowsSeen() {
    const { from, to } = this.port();
    return Math.max(1, Math.floor((to - from) / this.pitch));
  }

  // --- drawing ----------------------------------------------------------------------------

  soon() {
    this.waiting ??= requestAnimationFrame(() => ((this.waiting = null), this.draw()));
  }

  clear() {
    this.rows.forEach(({ node }) => node.remove());
    this.rows.clear();
    this.cells.clear();
  }

  draw() {
    if (!this.pitch || !this.node.clientWidth) return;
    const inside = this.node.contains(document.activeElement);
    const rows = Math.ceil(this.source.total / this.columns);
    this.current = Math.max(0, Math.min(this.current, this.source.total - 1));
    this.node.style.height = `${Math.max(0, rows * this.pitch - this.gap)}px`;
    this.node.setAttribute("aria-rowcount", rows);
    this.node.setAttribute("aria-colcount", this.columns);
    const wanted = this.wantedRows(rows);
    for (const [row, { node }] of this.rows) if (!wanted.has(row)) node.remove(), this.rows.delete(row);
    wanted.forEach((row) => this.drawRow(row));
    this.forget();
    // a place whose picture has become known is another node
    if (inside && !this.node.contains(document.activeElement))
      this.cells.get(this.keyAt(this.current))?.node.focus({ preventScroll: true });
    this.ask();
  }

  /** The listing has changed: pictures that came in front move the others, the focus stays with its picture. */
  refit() {
    const inside = this.node.contains(document.activeElement);
    const held = inside && document.activeElement?.closest("[data-picture]")?.dataset.picture;
    if (held && this.source.has(held)) this.current = this.source.indexOf(held);
    this.draw();
  }

  /** First and last row to have on the page. @param {number} rows */
  seen(rows) {
    const { from, to } = this.port();
    return [Math.max(0, Math.floor(from / this.pitch) - AROUND), Math.min(rows - 1, Math.floor(to / this.pitch) + AROUND)];
  }

  /** @param {number} rows */
  wantedRows(rows) {
    const [first, last] = this.seen(rows);
    const wanted = new Set();
    for (let row = first; row <= last; row++) wanted.add(row);
    const stop = Math.floor(this.current / this.columns); // its cell holds the focus, or would take it
    return stop < rows ? wanted.add(stop) : wanted;
  }

  /** @param {number} row */
  drawRow(row) {
    const shown = this.rows.get(row) ?? this.makeRow(row);
    this.rows.set(row, shown);
    const wanted = [];
    for (let i = row * this.columns; i < Math.min((row + 1) * this.columns, this.source.total); i++) wanted.push(this.keyAt(i));
    if (wanted.join() !== shown.ids.join()) {
      shown.ids = wanted;
      shown.node.replaceChildren(...wanted.map((id) => this.cellOf(id).node));
    }
    wanted.forEach((id, column) => this.place(id, row * this.columns + column));
  }

  /** @param {number} row */
  makeRow(row) {
    const node = el("div", { class: "out-vrow", role: "row", "aria-rowindex": row + 1 });
    node.style.transform = `translateY(${row * this.pitch}px)`;
    const next = Math.min(...[...this.rows.keys()].filter((other) => other > row));
    this.node.insertBefore(node, this.rows.get(next)?.node ?? null);
    return { node, ids: [] };
  }

  /** @param {string} id */
  cellOf(id) {
    const coming = id.startsWith("#");
    const known = coming ? null : this.cells.get(id);
    if (known) return known;
    const made = coming ? { node: el("div", { class: "out-cell out-coming" }), update() {} } : this.cell(id);
    if (!coming) made.node.dataset.picture = id;
    made.node.setAttribute("role", "gridcell");
    this.cells.set(id, made);
    const record = pictures.known(id);
    if (record) made.update(record);
    return made;
  }

  /** @param {string} id @param {number} index */
  place(id, index) {
    const node = this.cells.get(id)?.node;
    if (!node) return;
    node.tabIndex = index === this.current ? 0 : -1;
    node.dataset.index = String(index);
    node.setAttribute("aria-colindex", (index % this.columns) + 1);
  }

  forget() {
    const kept = new Set([...this.rows.values()].flatMap(({ ids }) => ids));
    for (const id of this.cells.keys()) if (!kept.has(id)) this.cells.delete(id);
  }

  /** Ask for what is seen and not known, once the scrolling rests. */
  ask() {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      const [first, last] = this.seen(Math.ceil(this.source.total / this.columns));
      this.source.need(first * this.columns, (last + 1) * this.columns - 1);
      const missing = [...this.cells.keys()].filter((id) => !id.startsWith("#") && !pictures.known(id));
      if (missing.length) pictures.many(missing).then((records) => records.forEach((record) => this.update(record)));
    }, 60);
  }

  /** @param {Picture} record */
  update(record) {
    this.cells.get(record.id)?.update(record);
  }

  // --- moving -----------------------------------------------------------------------------

  /** @param {Event} event */
  follow(event) {
    const cell = closest(event, "[data-picture]");
    if (!cell || Number(cell.dataset.index) === this.current) return;
    this.setCurrent(Number(cell.dataset.index));
  }

  /** @param {number} index */
  setCurrent(index) {
    this.cells.get(this.source.at(this.current) ?? "")?.node.setAttribute("tabindex", "-1");
    this.current = index;
    this.cells.get(this.source.at(index) ?? "")?.node.setAttribute("tabindex", "0");
  }

  /** Where a key leads from the current cell, or null. @param {string} key */
  target(key) {
    const last = this.source.total - 1;
    if (!MOVES[key] || last < 0) return null;
    const by = MOVES[key](this);
    const to = this.current + by;
    if (key === "ArrowDown" && to > last) return Math.floor(last / this.columns) > Math.floor(this.current / this.columns) ? last : null;
    if (key.startsWith("Arrow") && (to < 0 || to > last)) return null;
    return Math.max(0, Math.min(last, to));
  }

  /** Bring a cell into view and give it the focus. */
  focus(index = this.current) {
    if (!this.source.total) return;
    this.setCurrent(Math.max(0, Math.min(index, this.source.total - 1)));
    this.reveal();
    this.draw();
    this.cells.get(this.keyAt(this.current))?.node.focus({ preventScroll: true });
  }

  /**
   * What the cell at a place is known by: its picture, or the place itself until the picture is known.
   * @param {number} index
   */
  keyAt(index) {
    return this.source.at(index) ?? `#${index}`;
  }

  reveal() {
    const { from, to } = this.port();
    const top = Math.floor(this.current / this.columns) * this.pitch;
    const bottom = top + this.pitch;
    const by = top < from ? top - from : bottom > to ? bottom - to : 0;
    if (by) (this.scroller ?? document.scrollingElement ?? document.documentElement).scrollTop += by;
  }
}
