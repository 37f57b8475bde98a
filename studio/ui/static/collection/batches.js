// The history by batch: the pictures of each Generate together, newest first, under prompt, settings and time.
// Grows as one scrolls. Part of the Collection.

import { sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { api } from "../core/rest.js";
import * as kit from "../kit/kit.js";
import { titleOf } from "../studio/sweep_words.js";
import * as pictures from "./pictures.js";
import * as toolbar from "./toolbar.js";

/** @import { Batch, BatchPage, ImageSummary } from "../core/schemas.js" */
/** @import { Picture } from "../core/events.js" */

const PAGE = 20;
const MOST_OF_A_SWEEP = 24; // pictures of it in the list; its grid shows all

export class Batches {
  /** @type {string | null} */
  next;
  /** @type {boolean} */
  wanted;

  /** `filters`: those of the listing. @param {import("./filters.js").Filters} filters */
  constructor(filters) {
    this.filters = filters;
    this.next = null;
    this.turn = 0;
    this.list = el("div", { class: "out-history" });
    this.words = el("p", { class: "out-empty", hidden: true, role: "status" });
    this.sentinel = el("div", { class: "out-sentinel" });
    this.node = el("div", { hidden: true }, this.list, this.words, this.sentinel);
    this.list.addEventListener("keydown", (event) => this.key(event));
    new IntersectionObserver((entries) => this.near(entries.some((entry) => entry.isIntersecting)), { rootMargin: "600px" }).observe(
      this.sentinel,
    );
    on("pictures:new", () => this.refresh());
    on("pictures:marked", () => this.refresh());
    on("picture:changed", (record) => this.changed(record));
  }

  /** @param {boolean} shown */
  show(shown) {
    this.node.hidden = !shown;
    if (shown) this.refresh();
  }

  refresh() {
    if (!this.node.hidden) this.load(true);
  }

  /** @param {boolean} visible */
  near(visible) {
    this.wanted = visible;
    if (visible && this.next) this.load(false);
  }

  /** @param {boolean} anew */
  async load(anew) {
    const turn = anew ? ++this.turn : this.turn;
    const cursor = anew ? null : this.next;
    this.next = null;
    const shown = this.list.children.length;
    const limit = anew ? Math.max(PAGE, Math.min(100, shown)) : PAGE;
    const query = kit.query({ ...this.filters.query(), sort: null, limit, cursor });
    /** @type {BatchPage | Error} */
    const page = await api(`/batches?${query}`, { quiet: true }).catch((/** @type {Error} */ error) => error);
    if (turn !== this.turn) return;
    const failed = page instanceof Error;
    this.words.hidden = !failed;
    if (failed) return void (this.words.textContent = page.message);
    this.next = page.next;
    const nodes = page.items.filter((batch) => batch.images.length).map((batch) => this.batch(batch));
    if (anew) this.replace(nodes);
    else this.list.append(...nodes);
    this.words.hidden = this.list.childElementCount > 0;
    this.words.textContent = this.filters.plain
      ? "No batches yet. Everything you make in one Generate is kept together here."
      : "No batch has a picture that fits. Try fewer words, or clear a filter.";
    if (this.next && this.wanted) this.load(false);
  }

  /** New rows in place of the old ones; the focus stays with its picture. @param {HTMLElement[]} nodes */
  replace(nodes) {
    const held = this.list.contains(document.activeElement) && document.activeElement?.dataset.picture;
    this.list.replaceChildren(...nodes);
    if (held) (this.find(held) ?? this.list.querySelector("[data-picture]"))?.focus({ preventScroll: true });
  }

  /** @param {string} id */
  find(id) {
    return this.list.querySelector(`[data-picture="${CSS.escape(id)}"]`);
  }

  /** @param {Batch} said */
  batch({ job_id: id, created_at: created, title, sweep, request, images, seconds, trashed }) {
    const ids = images.map((image) => image.id);
    const [one] = images;
    const mode = kit.modeWords(request.mode);
    const how = sweep
      ? [`Sweep: ${titleOf(sweep.axes, sweep.request)}`, kit.count(sweep.total)]
      : [mode, kit.settingsLine(request, { model: one.label }), seconds ? kit.seconds(seconds) : null];
    const parts = [kit.clock(created), ...how, trashed ? `${trashed} in the trash` : null];
    const words = title ?? kit.promptWords(sweep?.request ?? request);
    const shown = sweep ? images.slice(0, MOST_OF_A_SWEEP) : images;
    const all = sweep
      ? kit.button({ name: "sweep", label: "Open the grid", words: false, kind: "ghost", run: () => emit("sweep:open", sweep.id) })
      : null;
    const winners = kit.button({
      name: "winners",
      label: "Pick winners",
      key: "W",
      words: false,
      kind: "ghost",
      run: () => this.pick(id, ids),
    });
    winners.hidden = ids.length < 2;
    return el(
      "article",
      { class: "out-past", "data-batch": id, "data-pictures": ids.join(" "), "aria-label": words },
      el(
        "header",
        {},
        el(
          "div",
          { class: "out-past-words" },
          el("p", { class: "out-past-prompt" }, words),
          el("p", { class: "out-batch-meta" }, parts.filter(Boolean).join(" · ")),
        ),
        all,
        winners,
      ),
      el(
        "div",
        { class: "out-batch-row" },
        shown.map((image) => this.thumb(image, ids)),
        sweep && images.length > shown.length
          ? kit.button({
              label: `${images.length - shown.length} more`,
              kind: "ghost",
              run: () => emit("sweep:open", sweep.id),
            })
          : null,
      ),
    );
  }

  /** @param {ImageSummary} image @param {string[]} ids */
  thumb(image, ids) {
    const node = el(
      "div",
      {
        class: `out-thumb${image.starred ? " starred" : ""}`,
        role: "button",
        tabindex: 0,
        "data-picture": image.id,
        "aria-label": `${pictures.alt(image)}${image.seed === null ? "" : `, seed ${image.seed}`}${image.starred ? ", starred" : ""}`,
        onclick: () => toolbar.perform("details", image.id, ids),
      },
      el("img", { ...sized(image.id, 152), alt: "", loading: "lazy", decoding: "async" }),
      el("span", { class: "out-thumb-star" }, kit.icon("star")),
    );
    node.style.setProperty("--ratio", image.width / image.height);
    return pictures.draggable(node, () => image.id);
  }

  /** @param {string} id @param {string[]} ids */
  pick(id, ids) {
    if (ids.length > 1) emit("winners:open", { job_id: id, ids });
  }

  /** @param {Picture} record */
  changed(record) {
    const node = this.find(record.id);
    if (node) node.classList.toggle("starred", record.starred);
    if (node && record.trashed_at) this.refresh();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const current = closest(event, "[data-picture]");
    const id = current?.dataset.picture;
    if (!current || !id || kit.isTyping(event)) return;
    const batch = current.closest("[data-batch]");
    const ids = batch?.dataset.pictures?.split(" ") ?? [];
    const target = kit.arrowTarget([...this.list.querySelectorAll("[data-picture]")], current, event.key);
    const action = event.key === " " ? "details" : toolbar.keyAction(event);
    if (target) target.focus();
    else if (batch?.dataset.batch && event.key.toLowerCase() === "w") this.pick(batch.dataset.batch, ids);
    else if (action) toolbar.perform(action, id, ids);
    else return;
    event.preventDefault();
  }
}
