// The pictures of one Generate in the gallery, under what is different from the Generate before.
import * as pictures from "../collection/pictures.js";
import { sized } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { difference } from "./differences.js";

/** @import { Size } from "../core/shapes.js" */
/** @import { Problem } from "../core/schemas.js" */
/** @import { Job, Part, Picture, Request } from "../core/events.js" */

const RETRY_MS = 2000;
const LETTERS = 26; // of a caption that fit over one picture

export const UPLOADS = "uploads";

/** One picture of a batch. */
class Thumb {
  /** @param {string} id @param {import("./gallery.js").Gallery} gallery */
  constructor(id, gallery) {
    this.id = id;
    this.image = el("img", { ...sized(id, 160), loading: "lazy", decoding: "async", alt: "" });
    this.image.addEventListener("load", () => this.node.classList.remove("loading"));
    this.node = el(
      "div",
      {
        // a button could not be dragged in every browser
        class: "out-thumb loading",
        role: "option",
        "aria-selected": "false",
        tabindex: -1,
        "data-picture": id,
        onclick: () => gallery.choose(id),
        ondblclick: () => gallery.perform("details", id),
      },
      this.image,
      el("span", { class: "out-thumb-star" }, kit.icon("star")),
    );
    pictures.draggable(this.node, () => id);
  }

  /** @param {Size} size */
  shape(size) {
    if (size?.width && size?.height) this.node.style.setProperty("--ratio", size.width / size.height);
  }

  /** @param {Picture} record */
  update(record) {
    this.shape(record);
    this.node.classList.toggle("starred", record.starred);
    this.node.hidden = Boolean(record.trashed_at);
    const seed = record.seed === null || record.seed === undefined ? "" : `, seed ${record.seed}`;
    this.node.setAttribute("aria-label", `${pictures.alt(record)}${seed}${record.starred ? ", starred" : ""}`);
  }
}

/** The pictures of one job. */
export class Batch {
  /** @type {Map<string, Thumb>} */
  thumbs;
  /** @type {boolean} */
  seen;

  /** @param {string} id @param {string} created @param {import("./gallery.js").Gallery} gallery */
  constructor(id, created, gallery) {
    this.created = kit.date(created).getTime();
    this.gallery = gallery;
    this.thumbs = new Map();
    /** @type {import("../core/events.js").Request | null} */
    this.request = null;
    this.words = el("p", { class: "out-batch-prompt", "aria-hidden": "true" });
    this.full = el("p", { class: "out-unseen" });
    this.row = el("div", { class: "out-batch-row", role: "listbox", "aria-label": "Pictures", "aria-orientation": "horizontal" });
    this.pick = kit.button({
      name: "winners",
      label: "Pick winners",
      key: "W",
      words: false,
      kind: "ghost small",
      run: () => this.pickWinners(),
    });
    this.id = id;
    this.node = el("section", { class: "out-batch", "data-batch": id }, el("header", {}, this.words, this.full, this.pick), this.row);
  }

  /** The pictures that are still there. */
  ids() {
    return [...this.thumbs.values()].filter((thumb) => !thumb.node.hidden).map((thumb) => thumb.id);
  }

  /** Keep some of a Generate's pictures; there must be several to choose from. */
  pickWinners() {
    const ids = this.ids();
    if (this.id === UPLOADS || ids.length < 2) return void toast("There is only one picture in this batch.", "info");
    emit("winners:open", { job_id: this.id, ids });
  }

  /** From a job: also while it runs, with an empty place for every picture to come. @param {Job} job */
  fromJob(job) {
    this.describe(job.request, job.created_at, pictures.modelLabel(job.request.model), job.images.length > 1 ? null : job.request.seed);
    const coming = kit.isActive(job) ? Math.max(0, job.request.num_images - job.images.length) : 0;
    this.fill(job.images, job.request, coming);
  }

  /** @param {Picture[]} records */
  fromRecords(records) {
    const [one] = records;
    if (one.request) this.describe(one.request, one.created_at, one.label, records.length > 1 ? null : one.seed);
    else this.title("Uploads", kit.clock(one.created_at), "");
    this.fill(
      records.map((record) => record.id),
      one,
      0,
    );
  }

  /** @param {Request} request @param {string} created @param {string} model @param {number | string | null} seed */
  describe(request, created, model, seed) {
    const mode = kit.modeWords(request.mode);
    this.request = request;
    this.title(kit.promptWords(request), `${kit.clock(created)} · ${mode}`, kit.settingsLine(request, { model, seed }));
  }

  /** All there is to say, on hover and for screen readers. @param {...string} words */
  title(...words) {
    this.full.textContent = this.words.title = words.filter(Boolean).join("\n");
    this.row.setAttribute("aria-label", words[0] || "Pictures");
    if (!this.request) this.words.textContent = words[0] ?? "";
  }

  /** @param {import("../core/events.js").Request | null} before the request of the batch before this one */
  caption(before) {
    const room = LETTERS * Math.max(1, this.thumbs.size);
    if (this.request) this.words.textContent = difference(this.request, before, pictures.modelLabel, room);
  }

  /** @param {string[]} ids @param {Size} size @param {number} coming */
  fill(ids, size, coming) {
    for (const id of ids) if (!this.thumbs.has(id)) this.addThumb(id, size);
    this.row.querySelectorAll(".out-coming").forEach((node) => node.remove());
    for (let i = 0; i < coming; i++) {
      const node = el("div", { class: "out-thumb out-coming", "aria-hidden": "true" });
      node.style.setProperty("--ratio", size.width && size.height ? size.width / size.height : 1);
      this.row.append(node);
    }
    this.refresh();
  }

  /** @param {string} id @param {Size} size */
  addThumb(id, size) {
    const thumb = new Thumb(id, this.gallery);
    thumb.shape(size);
    this.thumbs.set(id, thumb);
    this.row.append(thumb.node);
    if (this.gallery.selected === id) this.gallery.mark(id); // the stage may choose it first
    const record = pictures.known(id);
    const proposed = this.request?.mode === "fix_face"; // in the trash until it is kept
    thumb.node.hidden = proposed;
    if (record) thumb.update(record);
    else if (this.seen || proposed) this.ask(thumb);
  }

  /** The batch came into view: ask for what is not known yet. */
  load() {
    this.seen = true;
    this.thumbs.forEach((thumb) => pictures.known(thumb.id) || this.ask(thumb));
  }

  /** @param {Thumb} thumb */
  ask(thumb) {
    /** @param {{problem: Problem | undefined}} said */
    const gone = ({ problem }) => {
      if (problem?.status !== 404) return void setTimeout(() => this.ask(thumb), RETRY_MS); // the studio is away
      thumb.node.hidden = true;
      this.refresh();
    };
    pictures.get(thumb.id).then((record) => (thumb.update(record), this.refresh()), gone);
  }

  refresh() {
    this.node.hidden = !this.row.querySelector(".out-thumb:not([hidden])");
    this.pick.hidden = this.id === UPLOADS || this.ids().length < 2;
    this.gallery.settle();
  }
}
