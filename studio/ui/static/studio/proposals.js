// Pictures that are shown before they are kept: fixed faces, before and after on the stage. Until then they lie in the
// trash, so nothing came into the collection unasked and nothing is lost; keeping one takes it out.
import * as pictures from "../collection/pictures.js";
import { fileAddress } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { store } from "../core/storage.js";
import { styles } from "../core/styles.js";
import * as kit from "../kit/kit.js";

/** @typedef {import("../core/events.js").Job} Job */
/** @typedef {import("../core/events.js").Picture} Picture */
/** @typedef {{source: string, record: Picture}} Proposal */

const THROWN = "thrown-away"; // those the artist has decided about, in this tab
const MARGIN = 0.5; // around the faces, in their own size

/** @returns {string[]} */
const thrown = () => JSON.parse(store.get("sessionStorage", THROWN) || "[]");

/** The part of the picture in which its faces are, with some room around; all of it where that is not known. @param {Picture} record */
function around(record) {
  const returned = /** @type {{where?: number[] | null} | undefined} */ (record.provenance?.returned);
  const [left = 0, top = 0, right = 1, bottom = 1] = returned?.where ?? [];
  const size = Math.min(1, Math.max(right - left, bottom - top) * (1 + 2 * MARGIN));
  const place = (/** @type {number} */ low, /** @type {number} */ high) => Math.max(0, Math.min(1 - size, (low + high - size) / 2));
  return { x: place(left, right), y: place(top, bottom), size };
}

export class Proposals {
  /** @param {HTMLElement} area of the stage @param {() => unknown} changed */
  constructor(area, changed) {
    this.changed = changed;
    /** @type {Map<string, Proposal>} by their own ids */
    this.open = new Map();
    /** @type {Set<string>} jobs that were looked at */
    this.seen = new Set();
    this.shown = "";
    this.before = el("img", { alt: "Before" });
    this.after = el("img", { alt: "After" });
    this.range = el("input", {
      type: "range",
      id: "proposal-range",
      min: 0,
      max: 100,
      value: 50,
      "aria-label": "How much of the picture before",
    });
    this.range.addEventListener("input", () => this.cut());
    this.near = kit.button({ id: "proposal-whole", label: "Whole picture", kind: "ghost small", run: () => this.zoom(!this.close) });
    this.close = true;
    this.box = el(
      "div",
      { class: "proposal-box" },
      el("div", { class: "proposal-layer" }, this.before),
      el("div", { class: "proposal-layer proposal-after" }, this.after),
      el("span", { class: "proposal-name" }, "Before"),
      el("span", { class: "proposal-name end" }, "After"),
      el("span", { class: "proposal-line", "aria-hidden": "true" }),
    );
    this.node = el(
      "figure",
      { class: "proposal", id: "proposal", hidden: true, "aria-label": "The face before and after" },
      el("div", { class: "proposal-view" }, this.box),
      el(
        "figcaption",
        {},
        this.range,
        this.near,
        el("span", { class: "proposal-grow" }),
        kit.button({ id: "proposal-throw", name: "trash", label: "Throw away", kind: "ghost", run: () => this.throwAway() }),
        kit.button({ id: "proposal-keep", name: "check", label: "Keep", kind: "strong", run: () => this.keep() }),
      ),
    );
    for (const name of /** @type {const} */ (["pointerdown", "pointermove"])) this.box.addEventListener(name, (event) => this.drag(event));
    area.append(this.node);
    on("picture:changed", (record) => this.heard(record));
    this.cut();
  }

  /** Jobs of this tab whose pictures may wait for a decision. @param {Job[]} jobs */
  async take(jobs) {
    const fresh = jobs.filter((job) => !this.seen.has(job.id));
    for (const job of fresh) this.seen.add(job.id);
    const gone = thrown();
    for (const job of fresh) {
      for (const id of job.images.filter((one) => !gone.includes(one))) {
        const record = await pictures.full(id).catch(() => null);
        const source = job.request.references.find(({ role }) => role === "source")?.image_id;
        if (record?.trashed_at && source) this.open.set(id, { source, record });
      }
    }
    if (fresh.length) this.changed();
  }

  /** The proposal for a picture, or undefined. @param {string | null} id */
  of(id) {
    return [...this.open.values()].find(({ source }) => source === id);
  }

  /** @param {Proposal | undefined} proposal */
  draw(proposal) {
    this.node.hidden = !proposal;
    const id = proposal?.record.id ?? "";
    if (!proposal || this.shown === id) return;
    this.shown = id;
    const { record, source } = proposal;
    this.before.src = fileAddress(source);
    this.after.src = fileAddress(id);
    this.box.style.setProperty("--ratio", String((record.width || 1) / (record.height || 1)));
    this.zoom(true);
  }

  get current() {
    return this.open.get(this.shown);
  }

  /** To the faces, or to the whole picture. @param {boolean} close */
  zoom(close) {
    this.close = close;
    const { x, y, size } = close && this.current ? around(this.current.record) : { x: 0, y: 0, size: 1 };
    for (const [name, value] of Object.entries({ "--x": x, "--y": y, "--times": 1 / size }))
      this.box.style.setProperty(name, String(value));
    kit.relabel(this.near, close ? "Whole picture" : "The face");
  }

  cut() {
    this.box.style.setProperty("--cut", `${this.range.value}%`);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!(event.buttons & 1)) return;
    const { left, width } = this.box.getBoundingClientRect();
    this.range.value = String(Math.round((100 * (event.clientX - left)) / width));
    this.cut();
  }

  async keep() {
    const id = this.shown;
    if (!(await pictures.restore(id).catch(() => null))) return; // its message has said why
    emit("gallery:selected", { id, by: "artist" });
  }

  throwAway() {
    store.set("sessionStorage", THROWN, JSON.stringify([...thrown(), this.shown]));
    this.decided(this.shown);
  }

  /** Kept here or elsewhere. @param {Picture} record */
  heard(record) {
    if (this.open.has(record.id) && !record.trashed_at) this.decided(record.id);
  }

  /** @param {string} id */
  decided(id) {
    this.open.delete(id);
    this.shown = "";
    this.changed();
  }
}

/** @param {HTMLElement} area @param {() => unknown} changed */
export async function proposals(area, changed) {
  await styles("proposal");
  return new Proposals(area, changed);
}
