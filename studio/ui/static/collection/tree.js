// The family tree: a dialog with every picture of a line, joined by what changed. Opened by `tree:open` {id} on
// the bus. One picture is chosen; beside the tree stands what is known of it. Two can be marked and compared.

import { sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { api } from "../core/rest.js";
import * as kit from "../kit/kit.js";
import { shortDrift, TreeSide } from "./drift.js";
import { curve, familyTree, inOrder, neighbour, parentOf } from "./family.js";
import * as pictures from "./pictures.js";
import * as toolbar from "./toolbar.js";

/** @import { ActionName, Line, Placed } from "../core/shapes.js" */
/** @import { DriftReport, ImageSummary } from "../core/schemas.js" */
/** @import { IconName } from "../kit/icons.js" */

const SVG = "http://www.w3.org/2000/svg";
const ZOOMS = [0.25, 0.35, 0.5, 0.7, 1, 1.4, 2];
const EDGE = 32; // px around the tree
/** @param {Placed} said */
const name = ({ image }) => (image ? pictures.alt(image) : "A picture");

export class FamilyTree {
  /** @type {string[]} */
  marked;
  /** @type {HTMLSpanElement} */
  scale;
  /** @type {symbol} */
  asked;
  /** @type {ReturnType<typeof familyTree>} */
  tree;
  /** @type {Map<string, import("../core/shapes.js").Placed>} */
  nodes;
  /** @type {Map<string, HTMLElement>} */
  cards;
  /** @type {string} */
  chosen;

  constructor() {
    this.zoom = 1;
    this.marked = [];
    this.dialog = kit.dialog({ id: "tree-dialog", title: "Family tree", kind: "wide tall full" });
    this.lines = document.createElementNS(SVG, "svg");
    this.lines.setAttribute("aria-hidden", "true");
    this.canvas = el("div", { class: "out-tree-canvas" });
    this.sizer = el("div", { class: "out-tree-sizer" }, this.canvas);
    this.view = el(
      "div",
      { class: "out-tree-view", role: "tree", "aria-label": "Family tree", "aria-multiselectable": "true" },
      this.sizer,
    );
    this.side = new TreeSide(this);
    this.note = el("p", { class: "out-tree-note", role: "status" });
    this.dialog.head.insertBefore(this.tools(), this.dialog.head.lastChild);
    this.dialog.body.append(el("div", { class: "out-tree" }, this.view, this.side.node), this.note);
    this.dialog.node.addEventListener("keydown", (event) => this.key(event));
    this.view.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.view.addEventListener("pointerdown", (event) => this.pan(event));
    on("picture:changed", (record) => this.dialog.node.open && this.nodes?.has(record.id) && this.load(this.chosen));
    on("pictures:new", () => this.dialog.node.open && this.load(this.chosen));
  }

  tools() {
    /** @param {IconName} icon @param {string} label @param {string | null} key @param {() => unknown} run */
    const make = (icon, label, key, run) => kit.button({ name: icon, label, key, words: false, kind: "ghost", run });
    this.scale = el("span", { class: "out-tree-scale", "aria-live": "polite" });
    return el(
      "div",
      { class: "out-toolbar", role: "group", "aria-label": "Tree" },
      make("minus", "Smaller", "-", () => this.zoomBy(-1)),
      this.scale,
      make("plus", "Larger", "+", () => this.zoomBy(1)),
      make("fit", "Show all", "0", () => this.fit()),
      make("download", "Export this branch", null, () => emit("export:open", { branch_of: this.chosen })),
    );
  }

  /** @param {{id: string}} said */
  async open({ id }) {
    this.marked = [];
    this.canvas.replaceChildren();
    this.dialog.open();
    await this.load(id);
    if (this.tree) this.settleView();
  }

  /** @param {string} id */
  async load(id) {
    const asked = (this.asked = Symbol("load"));
    const family = await api(pictures.path(id, "/family")).catch(() => null);
    if (asked !== this.asked) return;
    if (!family) return void this.dialog.close(); // its toast has said why
    this.tree = familyTree(family);
    this.nodes = this.tree.nodes;
    this.note.textContent = family.truncated
      ? "This family is large; a part of it is shown. Open a picture further down to see its branch."
      : "";
    this.draw();
    this.choose(this.nodes.has(id) ? id : this.tree.roots[0].id, false);
  }

  // --- drawing ----------------------------------------------------------------------------

  draw() {
    const { width, height } = this.tree;
    this.lines.setAttribute("viewBox", `0 0 ${width} ${height}`);
    Object.assign(this.lines.style, { width: `${width}px`, height: `${height}px` });
    this.lines.replaceChildren(...this.tree.lines.map((line) => this.line(line)));
    this.cards = new Map([...this.nodes].map(([id, node]) => [id, this.card(node)]));
    this.canvas.replaceChildren(this.lines, ...this.inOrder().flatMap((node) => this.cards.get(node.id) ?? []));
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.size();
  }

  /** The order for screen readers and for Tab. */
  inOrder() {
    return inOrder(this.tree.roots);
  }

  /** @param {Line} said */
  line({ from, to, primary }) {
    const node = document.createElementNS(SVG, "path");
    node.setAttribute("d", curve(from, to));
    node.setAttribute("class", primary ? "out-tree-line" : "out-tree-line other");
    node.dataset.to = primary ? to.id : "";
    return node;
  }

  /** @param {Placed} node */
  card(node) {
    const props = {
      class: "out-tree-card",
      role: "treeitem",
      tabindex: -1,
      "data-node": node.id,
      "aria-level": node.level + 1,
      "aria-selected": "false",
    };
    const card = el(
      "div",
      props,
      ...(node.image ? this.inside(node, node.image) : [el("span", { class: "out-tree-gone" }, "Not in this collection")]),
    );
    card.dataset.words = this.words(node);
    this.name(card);
    Object.assign(card.style, { left: `${node.x}px`, top: `${node.y}px` });
    if (!node.image) return card;
    card.classList.toggle("trashed", Boolean(node.image.trashed_at || node.image.purged_at));
    card.addEventListener("click", () => this.choose(node.id));
    card.addEventListener("dblclick", () => this.details(node.id));
    pictures.draggable(card, () => node.id);
    return card;
  }

  /** What is read: which picture, and all that is written on its card. @param {HTMLElement} card */
  name(card) {
    card.setAttribute("aria-label", `${card.dataset.words} ${card.textContent}`.trim());
  }

  /** @param {Placed} node */
  words(node) {
    const { anchor = false, starred = false, trashed_at: trashed = null } = node.image ?? {};
    return [name(node), anchor && "anchor", starred && "starred", trashed && "in the trash"].filter(Boolean).join(", ");
  }

  /** @param {Placed} said */
  changes({ edge }) {
    return edge?.changes ?? [];
  }

  /** @param {Placed} node @param {ImageSummary} image */
  inside(node, image) {
    const changed = this.changes(node)
      .map((change) => change.words)
      .join(" · ");
    const marks = [image.anchor && kit.icon("anchor"), image.starred && kit.icon("star")].filter(Boolean);
    return [
      el("span", { class: "out-tree-change", title: changed }, node.edge ? changed || "same settings" : ""),
      " ",
      el(
        "span",
        { class: "out-tree-picture" },
        el("img", { ...sized(image.id, 144), alt: "", loading: "lazy", decoding: "async", draggable: "false" }),
        el("span", { class: "out-tree-marks" }, marks),
        el("span", { class: "out-tree-ab" }),
      ),
      " ",
      el("span", { class: "out-tree-drift" }, node.drift ? shortDrift(node.drift) : ""),
    ];
  }

  // --- choosing ---------------------------------------------------------------------------

  /** @param {string} id @param {boolean} [focus] */
  choose(id, focus = true) {
    this.chosen = id;
    const line = this.lineOf(id);
    this.cards.forEach((card, other) => {
      card.setAttribute("aria-selected", String(other === id));
      card.tabIndex = other === id ? 0 : -1;
      card.classList.toggle("on-line", line.has(other));
    });
    [...this.lines.children].forEach((node) => node.classList.toggle("on-line", line.has(node.dataset.to)));
    if (focus) this.reveal(id);
    this.drawMarks();
    this.showSide();
  }

  /** The ids from the first picture down to this one. @param {string} id */
  lineOf(id) {
    /** @type {Set<string | undefined>} */
    const line = new Set();
    for (let node = this.nodes.get(id); node; node = parentOf(this.tree, node)) line.add(node.id);
    return line;
  }

  /** What was measured along the chosen line. @param {DriftReport} report */
  showDrift(report) {
    for (const { image_id: id, drift } of report.branch) {
      const card = this.cards.get(id);
      const words = card?.querySelector(".out-tree-drift");
      if (!card || !words) continue;
      words.textContent = shortDrift(drift);
      this.name(card);
    }
  }

  /** @param {string} id */
  reveal(id) {
    const card = this.cards.get(id);
    card?.focus({ preventScroll: true });
    card?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {string} id */
  mark(id) {
    if (!this.nodes.get(id)?.image) return;
    this.marked = this.marked.includes(id) ? this.marked.filter((other) => other !== id) : [...this.marked.slice(-1), id];
    this.drawMarks();
    this.showSide();
  }

  /** What is said of the chosen picture. */
  showSide() {
    const node = this.nodes.get(this.chosen);
    if (node) this.side.show(node);
  }

  drawMarks() {
    this.cards.forEach((card, id) => {
      const at = this.marked.indexOf(id);
      card.classList.toggle("marked", at >= 0);
      const letter = card.querySelector(".out-tree-ab");
      if (letter) letter.textContent = at >= 0 ? "AB"[at] : "";
    });
  }

  /** The two marked ones, else the chosen one with what it was made from. */
  compare() {
    const [a, b] = this.marked;
    if (b) return emit("compare:open", { id: b, against: a });
    if (a && a !== this.chosen) return emit("compare:open", { id: this.chosen, against: a });
    return toolbar.perform("compare", this.chosen);
  }

  /** @param {string} id */
  details(id) {
    emit("details:open", {
      id,
      ids: this.inOrder()
        .filter((node) => node.image)
        .map((node) => node.id),
    });
  }

  /** @param {ActionName} action */
  perform(action) {
    if (action === "compare") return this.compare();
    if (action === "details") return this.details(this.chosen);
    if (["use", "add", "edit", "reuse_settings"].includes(action)) this.dialog.close();
    return toolbar.perform(action, this.chosen);
  }

  // --- moving -----------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  key(event) {
    const card = closest(event, "[data-node]");
    if (kit.isTyping(event)) return;
    const zoom = { "+": () => this.zoomBy(1), "=": () => this.zoomBy(1), "-": () => this.zoomBy(-1), 0: () => this.fit() }[event.key];
    if (zoom) return void (event.preventDefault(), zoom());
    const id = card?.dataset.node;
    const node = id && this.nodes.get(id);
    if (!node) return;
    const target = neighbour(this.tree, node, event.key);
    const action = event.key === "Enter" ? "details" : toolbar.keyAction(event);
    if (target) this.choose(target.id);
    else if (event.key === " ") this.mark(node.id);
    else if (event.key.toLowerCase() === "a" && !event.shiftKey) this.side.makeAnchor();
    else if (action) this.perform(action);
    else return;
    event.preventDefault();
  }

  size() {
    const { width, height } = this.tree;
    const left = Math.max(EDGE, (this.view.clientWidth - width * this.zoom) / 2); // a slim tree stands in the middle
    this.canvas.style.transform = `translate(${left}px, ${EDGE}px) scale(${this.zoom})`;
    Object.assign(this.sizer.style, { width: `${width * this.zoom + 2 * EDGE}px`, height: `${height * this.zoom + 2 * EDGE}px` });
    this.scale.textContent = kit.percent(this.zoom);
  }

  /** @param {number} zoom @param {{x: number, y: number} | null} [at] */
  zoomTo(zoom, at = null) {
    const box = this.view.getBoundingClientRect();
    const point = at ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    const canvas = this.canvas.getBoundingClientRect();
    const [x, y] = [(point.x - canvas.left) / this.zoom, (point.y - canvas.top) / this.zoom];
    this.zoom = Math.max(ZOOMS[0], Math.min(ZOOMS.at(-1) ?? 1, zoom));
    this.size();
    const now = this.canvas.getBoundingClientRect();
    this.view.scrollBy(now.left + x * this.zoom - point.x, now.top + y * this.zoom - point.y);
  }

  /** @param {number} step */
  zoomBy(step) {
    const next = step > 0 ? ZOOMS.find((zoom) => zoom > this.zoom + 0.01) : ZOOMS.findLast((zoom) => zoom < this.zoom - 0.01);
    if (next) this.zoomTo(next);
  }

  fit() {
    const { width, height } = this.tree;
    const room = Math.min((this.view.clientWidth - 2 * EDGE) / width, (this.view.clientHeight - 2 * EDGE) / height);
    this.zoomTo(Math.min(1, room));
  }

  /** On opening: all of it where it can be read that small, else at the chosen picture. */
  settleView() {
    this.zoom = 1;
    this.fit();
    if (this.zoom < 0.5) this.zoomTo(0.7);
    this.cards.get(this.chosen)?.scrollIntoView({ block: "center", inline: "center" });
    this.reveal(this.chosen);
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY });
  }

  /** Drag the ground to move the tree. @param {PointerEvent} event */
  pan(event) {
    if (event.button || closest(event, "[data-node]") || event.pointerType === "touch") return;
    const start = { x: event.clientX + this.view.scrollLeft, y: event.clientY + this.view.scrollTop };
    /** @param {PointerEvent} now */
    const move = (now) => this.view.scrollTo(start.x - now.clientX, start.y - now.clientY);
    const end = () => this.view.removeEventListener("pointermove", move);
    this.view.setPointerCapture(event.pointerId);
    this.view.addEventListener("pointermove", move);
    this.view.addEventListener("pointerup", end, { once: true });
    this.view.addEventListener("pointercancel", end, { once: true });
  }
}

/** @type {FamilyTree | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{id: string}} event */
export function open(event) {
  shown ??= new FamilyTree();
  shown.open(event);
}
