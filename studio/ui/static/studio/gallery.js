// The gallery of the Studio: this tab's pictures, newest batch first, each batch under its prompt and settings;
// in a fresh tab the newest pictures of the collection. One picture is chosen; the stage shows it large. Under each
// batch stands what is different from the one before it.
import * as pictures from "../collection/pictures.js";
import * as toolbar from "../collection/toolbar.js";
import { emit, on } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { showTab } from "../core/sections.js";
import { onSnapshot } from "../core/snapshot.js";
import { store } from "../core/storage.js";
import { tabId, tabKnown } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { Batch, UPLOADS } from "./batch.js";
import { recall } from "./memory.js";

/** @import { Size } from "../core/shapes.js" */
/** @import { Problem } from "../core/schemas.js" */
/** @import { Job, Part, Picture, Request } from "../core/events.js" */

const NEWEST = 24; // pictures a fresh tab begins with
const KEEP = "selected";
export class Gallery {
  /** @type {Map<string, Batch>} */
  batches;
  /** @type {Map<string, import("../core/events.js").Job>} */
  jobs;
  /** @type {null | string | null} */
  selected;
  /** @type {HTMLHeadingElement} */
  title;
  /** @type {HTMLDivElement} */
  list;
  /** @type {HTMLDivElement} */
  skeleton;
  /** @type {HTMLParagraphElement} */
  empty;
  /** @type {IntersectionObserver} */
  watcher;
  /** @type {boolean} */
  loaded;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.batches = new Map();
    this.jobs = new Map();
    this.selected = null;
    this.build(element);
    on("gallery:selected", ({ id }) => this.mark(id));
    on("picture:changed", (record) => this.changed(record));
    on("picture:returned", (record) => this.batch(record.id, record.created_at).fromRecords([record]));
    on("pictures:marked", ({ ids }) => this.marked(ids));
    on("models:known", () => {
      this.jobs.forEach((job) => this.batches.get(job.id)?.fromJob(job));
      this.caption();
    });
    onSnapshot((snapshot) => this.takeJobs(snapshot.jobs));
    this.start();
  }

  /** @param {HTMLElement} element */
  build(element) {
    this.title = el("h3", { class: "out-unseen" }, "Pictures");
    this.list = el("div", {
      class: "out-batches",
      role: "group",
      "aria-label": "Pictures of this tab",
    });
    this.skeleton = el(
      "div",
      { class: "out-batch-row", "aria-hidden": "true" },
      [1, 2, 3, 4].map(() => el("div", { class: "out-thumb out-coming" })),
    );
    this.empty = el("p", { class: "out-empty", hidden: true }, "Your pictures will gather here, the newest first.");
    const all = el("button", { type: "button", class: "out-link", onclick: () => showTab("collection") }, "Open the collection");
    element.replaceChildren(
      el(
        "section",
        { class: "out-gallery", "aria-label": "Gallery" },
        el("div", { class: "out-film" }, this.title, this.skeleton, this.empty, this.list),
        all,
      ),
    );
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.watcher = new IntersectionObserver(
      (entries) =>
        entries
          .filter((entry) => entry.isIntersecting)
          .forEach(({ target }) => {
            this.batches.get(target.dataset.batch ?? "")?.load();
            this.watcher.unobserve(target);
          }),
      { rootMargin: "400px" },
    );
  }

  /** Everything is drawn from REST and the snapshot, so a reload finds it again. */
  async start() {
    const answer = await Promise.all([pictures.list({ limit: 60 }), api("/jobs?limit=100", { quiet: true }), tabKnown]).catch(() => null);
    const newest = answer?.[0].items ?? [];
    /** @type {Job[]} */
    const jobs = answer?.[1] ?? [];
    this.skeleton.remove();
    this.loaded = true;
    if (!jobs.some((job) => job.tab === tabId() && job.images.length)) this.fallBack(newest.slice(0, NEWEST));
    this.takeJobs(jobs);
    this.settle();
    this.restore();
  }

  restore() {
    const ids = shownIds();
    const kept = store.get("sessionStorage", KEEP);
    const loaded = (recall().references ?? []).map((/** @type {{image_id: string}} */ one) => one.image_id);
    const id = kept && (ids.includes(kept) || loaded.includes(kept)) ? kept : ids[0];
    if (!this.selected) emit("gallery:selected", { id: id ?? null, by: "studio" });
  }

  /** @param {Job[]} jobs */
  takeJobs(jobs) {
    const mine = jobs.filter((job) => job.tab === tabId() && (job.images.length || kit.isActive(job) || this.jobs.has(job.id)));
    mine.forEach((job) => this.takeJob(job));
  }

  /** Say so where there is nothing to see. */
  settle() {
    this.empty.hidden = !this.loaded || Boolean(this.list.querySelector(".out-batch:not([hidden])"));
  }

  /** @param {Job} job */
  takeJob(job) {
    const before = this.jobs.get(job.id);
    const same = before && before.images.length === job.images.length && before.status === job.status;
    if (same) return;
    this.jobs.set(job.id, job);
    this.batch(job.id, job.created_at).fromJob(job);
    if (!before) this.caption();
  }

  /** What each batch has that the one before it had not. */
  caption() {
    const made = [...this.batches.values()].filter((batch) => batch.request).sort((a, b) => b.created - a.created);
    made.forEach((batch, index) => batch.caption(made[index + 1]?.request ?? null));
  }

  /** @param {Picture[]} records */
  fallBack(records) {
    /** @type {Map<string, Picture[]>} */
    const groups = new Map();
    for (const record of records) {
      const key = record.job_id || UPLOADS;
      groups.set(key, [...(groups.get(key) || []), record]);
    }
    for (const [key, group] of groups) {
      group.sort((a, b) => (a.batch_index ?? 0) - (b.batch_index ?? 0));
      this.batch(key, group[0].created_at).fromRecords(group);
    }
    this.caption();
    if (records.length) this.title.textContent = "Newest pictures";
  }

  /**
   * The batch of a job, made and put in its place by time where it is new.
   * @param {string} id
   * @param {string} created
   */
  batch(id, created) {
    const known = this.batches.get(id);
    if (known) return known;
    const batch = new Batch(id, created, this);
    const older = [...this.batches.values()].filter((other) => other.created < batch.created);
    older.sort((a, b) => b.created - a.created);
    this.batches.set(id, batch);
    this.list.insertBefore(batch.node, older[0]?.node ?? null);
    this.watcher.observe(batch.node);
    return batch;
  }

  visible() {
    return [...this.list.querySelectorAll(".out-batch:not([hidden]) [data-picture]:not([hidden])")];
  }

  /** @param {string} id */
  node(id) {
    return this.list.querySelector(`[data-picture="${CSS.escape(id)}"]`);
  }

  /** @param {string} id */
  choose(id) {
    emit("gallery:selected", { id, by: "artist" });
  }

  /** @param {string | null} id */
  mark(id) {
    this.selected = id;
    if (id) store.set("sessionStorage", KEEP, id);
    this.list.querySelectorAll("[data-picture]").forEach((node) => {
      const chosen = node.dataset.picture === id;
      node.setAttribute("aria-selected", String(chosen));
      node.tabIndex = chosen ? 0 : -1;
    });
  }

  /** @param {Picture} record */
  changed(record) {
    const items = this.visible();
    const index = items.findIndex((node) => node.dataset.picture === record.id);
    const focused = index >= 0 && document.activeElement === items[index];
    this.batches.forEach((batch) => (batch.thumbs.get(record.id)?.update(record), batch.refresh()));
    if (!record.trashed_at || record.id !== this.selected) return;
    const next = items[index + 1] || items[index - 1];
    if (focused) next?.focus({ preventScroll: true });
    emit("gallery:selected", { id: next?.dataset.picture ?? null, by: "studio" });
  }

  /** @param {string[]} ids */
  marked(ids) {
    ids
      .filter((id) => this.node(id))
      .forEach((id) =>
        pictures.get(id).then(
          (record) => this.changed(record),
          () => {},
        ),
      ); // gone pictures are not drawn
  }

  /** @param {import("../core/shapes.js").ActionName} action @param {string} id */
  perform(action, id) {
    toolbar.perform(action, id, shownIds());
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const current = closest(event, "[data-picture]");
    if (!current) return;
    const target = kit.arrowTarget(this.visible(), current, event.key);
    const action = toolbar.keyAction(event);
    const picks = event.key.toLowerCase() === "w" && !kit.isTyping(event);
    if (!target && !action && !picks) return;
    event.preventDefault();
    event.stopPropagation();
    if (picks) return void this.batches.get(current.closest("[data-batch]")?.dataset.batch ?? "")?.pickWinners();
    if (target) {
      target.focus();
      this.choose(target.dataset.picture ?? "");
    } else if (action) this.perform(action, current.dataset.picture ?? "");
  }
}

/** @type {Gallery | null} */
let shown = null;
/** @param {Part} said */
export const gallery = ({ element }) => (shown = new Gallery(element));

/** The ids of the pictures it shows, in their order. */
export const shownIds = () => (shown ? shown.visible().map((node) => node.dataset.picture ?? "") : []);
