// The Collection section: every saved picture in a grid to walk through by keys, with search, filters, trash, and
// several chosen at once. Each picture can be opened, used, edited, starred and put into the trash from here.

import { sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { closest, el, matches } from "../core/dom.js";
import { api } from "../core/rest.js";
import { CATEGORIES } from "../core/rules.js";
import { currentSection } from "../core/sections.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { Batches } from "./batches.js";
import { Filters } from "./filters.js";
import { takeDrops } from "./folder_drop.js";
import { VirtualGrid } from "./grid.js";
import { invitation } from "./invitation.js";
import * as pictures from "./pictures.js";
import { Selection, SelectionBar } from "./selection.js";
import { PictureSource } from "./source.js";
import * as toolbar from "./toolbar.js";
import { upload } from "./uploads.js";

/** @import { ActionName, Why } from "../core/shapes.js" */
/** @import { Marked, Part, Picture } from "../core/events.js" */

/** @type {ActionName[]} */
const TOOLS = ["use", "add", "edit", "download", "star", "trash", "restore"];
/** @type {Record<string, string>} */
const BULK_KEYS = { r: "use", e: "edit", c: "compare", s: "star", t: "tag", Delete: "trash", Backspace: "trash" };

class Collection {
  /** @type {HTMLInputElement} */
  upload;
  /** @type {HTMLSpanElement} */
  count;
  /** @type {HTMLButtonElement} */
  emptyTrash;
  /** @type {HTMLDivElement} */
  trashBar;
  /** @type {HTMLParagraphElement} */
  words;
  /** @type {HTMLButtonElement} */
  again;
  /** @type {HTMLButtonElement} */
  all;
  /** @type {HTMLDivElement} */
  invite;
  /** @type {HTMLDivElement} */
  skeletons;
  /** @type {HTMLElement} */
  head;
  /** @type {HTMLElement} */
  node;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.filters = new Filters(() => this.reset());
    this.source = new PictureSource(
      () => this.filters.query(),
      (why) => this.changed(why),
    );
    this.selection = new Selection(this.source, () => this.drawSelection());
    this.bar = new SelectionBar(this.selection);
    this.grid = new VirtualGrid({
      source: this.source,
      cell: (id) => this.cell(id),
      label: "Saved pictures",
      above: () => this.head.getBoundingClientRect().bottom,
    });
    this.batches = new Batches(this.filters);
    this.view = kit.segments(
      "View",
      [
        ["pictures", "Pictures"],
        ["batches", "Batches"],
      ],
      () => this.look(),
    );
    this.build(element);
    this.listen();
  }

  /** Single pictures, or the history by batch. */
  look() {
    const batches = this.view.state.value === "batches";
    if (batches && this.filters.trash) this.filters.showAll(); // what is in the trash is shown picture by picture
    this.node.classList.toggle("by-batch", batches);
    this.batches.show(batches);
    if (batches) this.selection.clear();
    else this.shown();
  }

  /** What is in the trash is shown picture by picture. */
  leaveBatches() {
    if (this.view.state.value !== "batches") return;
    this.view.pick("pictures");
    this.node.classList.remove("by-batch");
    this.batches.show(false);
  }

  /** @param {HTMLElement} element */
  build(element) {
    const { filters } = this;
    this.upload = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true, onchange: () => this.take() });
    const bring = kit.button({ name: "add", label: "Add pictures", kind: "ghost", run: () => this.upload.click() });
    const folder = kit.button({
      name: "folder",
      label: "Import a folder",
      id: "import-folder",
      kind: "ghost",
      run: () => emit("import:open"),
    });
    this.count = el("span", { class: "out-count", role: "status" });
    this.emptyTrash = kit.button({ name: "trash", label: "Empty trash", id: "empty-trash", kind: "danger", run: () => this.emptyAll() });
    this.trashBar = el(
      "div",
      { class: "out-trash-bar", hidden: true },
      el("p", {}, "Pictures stay in the trash for 30 days on which the studio is used. Restore what you still want."),
      this.emptyTrash,
    );
    this.words = el("p", { class: "out-empty", hidden: true, role: "status" });
    this.again = kit.button({ label: "Try again", run: () => this.reset() });
    this.again.hidden = true;
    this.all = kit.button({ label: "Show all pictures", id: "collection-show-all", run: () => this.filters.showAll() });
    this.all.hidden = true;
    this.invite = invitation(() => this.upload.click());
    this.skeletons = el(
      "div",
      { class: "out-vgrid-coming", "aria-hidden": "true" },
      Array.from({ length: 12 }, () => el("div", { class: "out-coming" })),
    );
    this.head = el(
      "header",
      { class: "out-collection-head" },
      el(
        "div",
        { class: "out-head-row" },
        this.view.node,
        filters.search.node,
        filters.sort.node,
        filters.toggle,
        bring,
        folder,
        this.upload,
      ),
      el("div", { class: "out-head-row kinds" }, filters.kind.node, this.count),
      filters.more,
      this.trashBar,
    );
    this.node = el(
      "section",
      { class: "out-collection unknown", "aria-label": "Collection" },
      el("h2", { class: "lk-visually-hidden" }, "Collection"),
      this.head,
      this.batches.node,
      el("div", { class: "out-listing" }, this.skeletons, this.grid.node, this.words, this.again, this.all, this.invite),
      this.bar.node,
    );
    element.replaceChildren(this.node);
  }

  listen() {
    this.grid.node.addEventListener("keydown", (event) => this.key(event));
    takeDrops(this.node);
    this.filters.search.input.addEventListener(
      "keydown",
      (event) => event.key === "ArrowDown" && (event.preventDefault(), this.grid.focus()),
    );
    on("picture:changed", (record) => this.took(record));
    on("pictures:marked", (told) => this.marked(told));
    on("pictures:new", () => this.source.refresh());
    on("collection:changed", () => this.source.started && this.reset());
    on("tags:changed", () => this.filters.offer());
    on("models:known", () => this.source.started && this.filters.offer());
    on("tab:shown", (name) => name === "collection" && this.shown());
    if (currentSection() === "collection") this.shown();
  }

  shown() {
    if (this.source.started) this.source.refresh(true);
    else this.source.reset();
    this.filters.offer();
    this.batches.refresh();
    this.grid.soon();
  }

  reset() {
    this.selection.clear();
    this.grid.current = 0;
    if (this.filters.trash) this.leaveBatches();
    this.batches.refresh();
    this.source.reset();
  }

  async take() {
    await upload([...(this.upload.files ?? [])]);
    this.upload.value = "";
  }

  // --- what is shown ----------------------------------------------------------------------

  /** @param {Why} why */
  changed(why) {
    const { source } = this;
    this.skeletons.hidden = why !== "begun";
    if (why !== "begun") this.node.classList.remove("unknown");
    this.grid.node.hidden = !source.total;
    this.again.hidden = why !== "failed";
    const empty = !source.total && why !== "begun" && why !== "failed";
    this.invite.hidden = !(empty && this.filters.plain);
    this.words.hidden = !(why === "failed" || (empty && !this.filters.plain));
    this.all.hidden = why === "failed" || this.words.hidden;
    this.words.textContent = why === "failed" ? /** @type {Error} */ (source.error).message : this.filters.words();
    this.node.classList.toggle("nothing", !this.invite.hidden);
    this.drawCount(why);
    this.grid.refit();
  }

  /** @param {Why} why */
  drawCount(why) {
    const { source } = this;
    const more = source.complete || why === "begun" ? "" : "+";
    this.count.textContent = source.total ? `${kit.grouped(source.total)}${more} ${source.total === 1 ? "picture" : "pictures"}` : "";
    this.trashBar.hidden = !this.filters.trash;
    this.emptyTrash.disabled = !source.total;
    kit.relabel(
      this.emptyTrash,
      source.total && source.complete && !this.filters.narrow ? `Empty trash (${kit.grouped(source.total)})` : "Empty trash",
    );
  }

  /** @param {string} id @returns {import("../core/shapes.js").Cell} */
  cell(id) {
    const image = el("img", { ...sized(id, this.grid.longest), decoding: "async", alt: "", draggable: "false" });
    image.addEventListener("load", () => open.classList.remove("loading"));
    const open = el("div", { class: "out-cell-open loading" }, image, el("span", { class: "out-thumb-star" }, kit.icon("star")));
    pictures.draggable(open, () => id);
    const mark = el(
      "button",
      {
        type: "button",
        class: "out-cell-mark",
        tabindex: -1,
        "aria-label": "Choose",
        onclick: (/** @type {MouseEvent} */ event) => (event.stopPropagation(), this.choose(id, event)),
      },
      kit.icon("check"),
    );
    const bar = toolbar.bar(TOOLS, { icons: TOOLS, target: () => [id, this.source.around(id)] });
    bar.node.querySelectorAll("button").forEach((node) => (node.tabIndex = -1));
    const name = el("p", { class: "out-cell-name" });
    const meta = el("p", { class: "out-cell-meta" });
    const more = this.more(bar.node);
    const node = el("div", { class: "out-cell", tabindex: -1 }, open, mark, more, bar.node, name, " ", meta);
    open.addEventListener("click", (event) => this.click(id, event));
    /** @param {Picture} record */
    const update = (record) => {
      bar.update(record);
      node.classList.toggle("starred", record.starred);
      name.textContent = pictures.alt(record);
      meta.textContent = `${CATEGORIES[record.category]} · ${kit.clock(record.created_at)}`;
      node.setAttribute("aria-label", `${name.textContent} ${meta.textContent}${record.starred ? ", starred" : ""}`);
    };
    node.setAttribute("aria-selected", String(this.selection.has(id)));
    return { node, update };
  }

  /** Where nothing hovers, what can be done with a picture comes and goes by a button. @param {HTMLElement} bar */
  more(bar) {
    const button = kit.button({ name: "more", label: "What can be done with this picture", words: false, kind: "out-cell-more" });
    button.tabIndex = -1;
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      const opened = !bar.classList.contains("opened");
      for (const other of this.grid.node.querySelectorAll(".opened")) other.classList.remove("opened");
      for (const other of this.grid.node.querySelectorAll(".out-cell-more")) other.setAttribute("aria-expanded", "false");
      bar.classList.toggle("opened", opened);
      button.setAttribute("aria-expanded", String(opened));
    });
    return button;
  }

  drawSelection() {
    this.node.classList.toggle("choosing", this.selection.size > 0);
    this.grid.cells.forEach(({ node }, id) => node.setAttribute("aria-selected", String(this.selection.has(id))));
    this.bar.draw(this.filters.trash);
  }

  // --- changes ----------------------------------------------------------------------------

  /** @param {Picture} record */
  took(record) {
    if (!this.source.started) return;
    const shows = this.filters.shows(record);
    if (this.source.has(record.id) && !shows) return void this.leave([record.id]);
    if (!this.source.has(record.id) && shows) return void this.source.refresh();
    this.grid.update(record);
  }

  /** @param {Marked} said */
  marked({ ids, action }) {
    if (!this.source.started) return;
    if (this.filters.loses(action)) return void this.leave(ids);
    if (["trash", "restore"].includes(action)) return void this.source.load("grown");
    const seen = ids.filter((id) => this.grid.cells.has(id));
    pictures.many(seen).then((records) => records.forEach((record) => this.grid.update(record)));
  }

  /** Take pictures out of the listing; the focus goes to the one that takes the place. @param {string[]} ids */
  leave(ids) {
    const focused = this.grid.node.contains(document.activeElement) || this.bar.node.contains(document.activeElement);
    this.source.remove(ids);
    this.selection.drop(ids);
    if (focused) this.grid.focus();
  }

  async emptyAll() {
    const { trashed: number } = await pictures.facets();
    const agreed = await kit.confirm({
      title: `Delete ${kit.count(number)} for good?`,
      yes: `Delete ${kit.count(number)}`,
      words: "This cannot be undone. Files that other pictures still need stay until those are gone, too.",
    });
    if (!agreed) return;
    const done = await api("/trash/empty", { method: "POST", json: { expected_count: number } }).catch(() => null); // its toast has said why
    if (done?.kept) toast(`${kit.count(done.kept, "file")} stay for the pictures that were made from them.`, "info");
    this.reset();
  }

  // --- hands ------------------------------------------------------------------------------

  /** @param {ActionName} action @param {string} id */
  perform(action, id) {
    toolbar.perform(action, id, this.source.around(id));
  }

  /** @param {string} id @param {MouseEvent} event */
  choose(id, event) {
    this.grid.focus(this.source.indexOf(id));
    if (event.shiftKey) this.selection.range(id);
    else this.selection.toggle(id);
  }

  /** @param {string} id @param {MouseEvent} event */
  click(id, event) {
    const choosing = event.ctrlKey || event.metaKey || event.shiftKey || this.selection.size;
    if (choosing) return this.choose(id, event);
    this.grid.focus(this.source.indexOf(id));
    return this.perform("details", id);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const current = closest(event, "[data-picture]");
    if (!current || (kit.isTyping(event) && !(event.key === "a" && (event.ctrlKey || event.metaKey)))) return;
    if (matches(event, "button") && ["Enter", " "].includes(event.key)) return;
    const { picture = "" } = current.dataset;
    if (this.move(event) || this.mark(event, picture) || this.use(event, picture)) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const target = this.grid.target(event.key);
    if (target === null) return event.key.startsWith("Page") && event.target === this.grid.node;
    this.grid.focus(target);
    const id = this.source.at(target);
    if (event.shiftKey && id) this.selection.range(id);
    return true;
  }

  /** @param {KeyboardEvent} event @param {string} id */
  mark(event, id) {
    const { key } = event;
    if (key === " ") this.selection.toggle(id);
    else if (key === "a" && (event.ctrlKey || event.metaKey)) this.selection.all();
    else if (key === "Escape" && this.selection.size) this.selection.clear();
    else return false;
    return true;
  }

  /** @param {KeyboardEvent} event @param {string} id */
  use(event, id) {
    if (event.shiftKey) return false;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (this.selection.size && BULK_KEYS[key] && !this.filters.trash) return (this.bar.perform(BULK_KEYS[key]), true);
    const action = key === "Enter" ? "details" : toolbar.keyAction(event);
    if (action) this.perform(action, id);
    return Boolean(action);
  }
}

/** @param {Part} said */
export const collection = ({ element }) => new Collection(element);
