// The gallery of the Studio: this tab's pictures, newest batch first, each batch under its prompt and settings;
// in a fresh tab the newest pictures of the collection. One picture is chosen; the stage shows it large.
import * as pictures from "../collection/pictures.js";
import * as toolbar from "../collection/toolbar.js";
import { sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { showTab } from "../core/sections.js";
import { onSnapshot } from "../core/snapshot.js";
import { store } from "../core/storage.js";
import { tabId, tabKnown } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "./changes.js";

const RETRY_MS = 2000;
const NEWEST = 24; // pictures a fresh tab begins with
const KEEP = "selected";
const UPLOADS = "uploads";

/** One picture of a batch. */
class Thumb {
  constructor(id, gallery) {
    this.id = id;
    this.image = el("img", { ...sized(id, 160), loading: "lazy", decoding: "async", alt: "" });
    this.image.addEventListener("load", () => this.node.classList.remove("loading"));
    this.node = el("div", { // a button could not be dragged in every browser
      class: "out-thumb loading", role: "option", "aria-selected": "false", tabindex: -1, "data-picture": id,
      onclick: () => gallery.choose(id), ondblclick: () => gallery.perform("details", id),
    }, this.image, el("span", { class: "out-thumb-star" }, kit.icon("star")));
    pictures.draggable(this.node, () => id);
  }

  shape(size) {
    if (size?.width && size?.height) this.node.style.setProperty("--ratio", size.width / size.height);
  }

  update(record) {
    this.shape(record);
    this.node.classList.toggle("starred", record.starred);
    this.node.hidden = Boolean(record.trashed_at);
    const seed = record.seed === null || record.seed === undefined ? "" : `, seed ${record.seed}`;
    this.node.setAttribute("aria-label", `${pictures.alt(record)}${seed}${record.starred ? ", starred" : ""}`);
  }
}

/** The pictures of one job. */
class Batch {
  constructor(id, created, gallery) {
    this.created = kit.date(created).getTime();
    this.gallery = gallery;
    this.thumbs = new Map();
    this.prompt = el("p", { class: "out-batch-prompt" });
    this.when = el("p", { class: "out-batch-meta" });
    this.meta = el("p", { class: "out-batch-meta" });
    this.row = el("div", { class: "out-batch-row" });
    this.pick = kit.button({ name: "winners", label: "Pick winners", key: "W", words: false, kind: "ghost small", run: () => this.pickWinners() });
    this.id = id;
    this.node = el("section", { class: "out-batch", "data-batch": id }, el("header", {}, this.prompt, this.when, this.meta, this.pick), this.row);
  }

  /** The pictures that are still there. */
  ids() {
    return [...this.thumbs.values()].filter((thumb) => !thumb.node.hidden).map((thumb) => thumb.id);
  }

  /** Keep some of a Generate's pictures; there must be several to choose from. */
  pickWinners() {
    const ids = this.ids();
    if (this.id === UPLOADS || ids.length < 2) return void toast("There is only one picture in this batch.", "info");
    emit("winners:open", { job_id: this.id, ids, act: this.gallery.act });
  }

  /** From a job: also while it runs, with an empty place for every picture to come. */
  fromJob(job) {
    this.describe(job.request, job.created_at, pictures.modelLabel(job.request.model), job.images.length > 1 ? null : job.request.seed);
    const coming = kit.isActive(job) ? Math.max(0, job.request.num_images - job.images.length) : 0;
    this.fill(job.images, job.request, coming);
  }

  fromRecords(records) {
    const [one] = records;
    if (one.request) this.describe(one.request, one.created_at, one.label, records.length > 1 ? null : one.seed);
    else this.title("Uploads", kit.clock(one.created_at), "");
    this.fill(records.map((record) => record.id), one, 0);
  }

  describe(request, created, model, seed) {
    const mode = kit.modeWords(request.mode);
    this.title(kit.promptWords(request), `${kit.clock(created)} · ${mode}`, kit.settingsLine(request, { model, seed }));
  }

  title(...words) {
    [this.prompt, this.when, this.meta].forEach((node, index) => {
      node.textContent = words[index];
      node.title = words[index];
    });
  }

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

  addThumb(id, size) {
    const thumb = new Thumb(id, this.gallery);
    thumb.shape(size);
    this.thumbs.set(id, thumb);
    this.row.append(thumb.node);
    if (this.gallery.selected === id) this.gallery.mark(id); // the stage may choose it first
    const record = pictures.known(id);
    if (record) thumb.update(record);
    else if (this.seen) this.ask(thumb);
  }

  /** The batch came into view: ask for what is not known yet. */
  load() {
    this.seen = true;
    this.thumbs.forEach((thumb) => pictures.known(thumb.id) || this.ask(thumb));
  }

  ask(thumb) {
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

class Gallery {
  constructor(element, act) {
    this.act = act;
    this.batches = new Map();
    this.jobs = new Map();
    this.selected = null;
    this.build(element);
    on("gallery:selected", ({ id }) => this.mark(id));
    on("picture:changed", (record) => this.changed(record));
    on("pictures:marked", ({ ids }) => this.marked(ids));
    on("models:known", () => this.jobs.forEach((job) => this.batches.get(job.id)?.fromJob(job)));
    onSnapshot((snapshot) => this.takeJobs(snapshot.jobs));
    this.start();
  }

  build(element) {
    this.title = el("h3", {}, "Pictures");
    this.list = el("div", { class: "out-batches", role: "listbox", "aria-label": "Pictures of this tab", "aria-orientation": "horizontal" });
    this.skeleton = el("div", { class: "out-batch-row", "aria-hidden": "true" },
      [1, 2, 3, 4].map(() => el("div", { class: "out-thumb out-coming" })));
    this.empty = el("p", { class: "out-empty", hidden: true }, "Your pictures will gather here, the newest first.");
    const all = el("button", { type: "button", class: "out-link", onclick: () => showTab("collection") }, "Open the collection");
    element.replaceChildren(el("section", { class: "out-gallery", "aria-label": "Gallery" },
      el("header", { class: "out-section-head" }, this.title, all), this.skeleton, this.empty, this.list));
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.watcher = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
      this.batches.get(target.dataset.batch)?.load();
      this.watcher.unobserve(target);
    }), { rootMargin: "400px" });
  }

  /** Everything is drawn from REST and the snapshot, so a reload finds it again. */
  async start() {
    const [newest, jobs] = await Promise.all([pictures.list({ limit: 60 }), api("/jobs?limit=100", { quiet: true }), tabKnown])
      .catch(() => [{ items: [] }, []]);
    this.skeleton.remove();
    this.loaded = true;
    if (!jobs.some((job) => job.tab === tabId() && job.images.length)) this.fallBack(newest.items.slice(0, NEWEST));
    this.takeJobs(jobs);
    this.settle();
    this.restore();
  }

  restore() {
    const ids = shownIds();
    const kept = store.get("sessionStorage", KEEP);
    const id = ids.includes(kept) ? kept : ids[0];
    if (!this.selected) emit("gallery:selected", { id: id ?? null, by: "studio" });
  }

  takeJobs(jobs) {
    const mine = jobs.filter((job) => job.tab === tabId() && (job.images.length || kit.isActive(job) || this.jobs.has(job.id)));
    mine.forEach((job) => this.takeJob(job));
  }

  /** Say so where there is nothing to see. */
  settle() {
    this.empty.hidden = !this.loaded || Boolean(this.list.querySelector(".out-batch:not([hidden])"));
  }

  takeJob(job) {
    const before = this.jobs.get(job.id);
    const same = before && before.images.length === job.images.length && before.status === job.status;
    if (same) return;
    this.jobs.set(job.id, job);
    this.batch(job.id, job.created_at).fromJob(job);
  }

  fallBack(records) {
    const groups = new Map();
    for (const record of records) {
      const key = record.job_id || UPLOADS;
      groups.set(key, [...(groups.get(key) || []), record]);
    }
    for (const [key, group] of groups) {
      group.sort((a, b) => (a.batch_index ?? 0) - (b.batch_index ?? 0));
      this.batch(key, group[0].created_at).fromRecords(group);
    }
    if (records.length) this.title.textContent = "Newest pictures";
  }

  /** The batch of a job, made and put in its place by time where it is new. */
  batch(id, created) {
    if (!this.batches.has(id)) {
      const batch = new Batch(id, created, this);
      const older = [...this.batches.values()].filter((other) => other.created < batch.created);
      older.sort((a, b) => b.created - a.created);
      this.batches.set(id, batch);
      this.list.insertBefore(batch.node, older[0]?.node ?? null);
      this.watcher.observe(batch.node);
    }
    return this.batches.get(id);
  }

  visible() {
    return [...this.list.querySelectorAll(".out-batch:not([hidden]) [data-picture]:not([hidden])")];
  }

  node(id) {
    return this.list.querySelector(`[data-picture="${CSS.escape(id)}"]`);
  }

  choose(id) {
    emit("gallery:selected", { id, by: "artist" });
  }

  mark(id) {
    this.selected = id;
    if (id) store.set("sessionStorage", KEEP, id);
    this.list.querySelectorAll("[data-picture]").forEach((node) => {
      const chosen = node.dataset.picture === id;
      node.setAttribute("aria-selected", String(chosen));
      node.tabIndex = chosen ? 0 : -1;
    });
  }

  changed(record) {
    const items = this.visible();
    const index = items.findIndex((node) => node.dataset.picture === record.id);
    const focused = index >= 0 && document.activeElement === items[index];
    this.batches.forEach((batch) => batch.thumbs.get(record.id)?.update(record) || batch.refresh());
    if (!record.trashed_at || record.id !== this.selected) return;
    const next = items[index + 1] || items[index - 1];
    if (focused) next?.focus({ preventScroll: true });
    emit("gallery:selected", { id: next ? next.dataset.picture : null, by: "studio" });
  }

  marked(ids) {
    ids.filter((id) => this.node(id)).forEach((id) => pictures.get(id).then((record) => this.changed(record), () => {})); // gone pictures are not drawn
  }

  perform(action, id) {
    toolbar.perform(action, id, this.act, shownIds());
  }

  key(event) {
    const current = event.target.closest("[data-picture]");
    if (!current) return;
    const target = kit.arrowTarget(this.visible(), current, event.key);
    const action = toolbar.keyAction(event);
    const picks = event.key.toLowerCase() === "w" && !kit.isTyping(event);
    if (!target && !action && !picks) return;
    event.preventDefault();
    event.stopPropagation();
    if (picks) return void this.batches.get(current.closest("[data-batch]").dataset.batch).pickWinners();
    if (target) {
      target.focus();
      this.choose(target.dataset.picture);
    } else this.perform(action, current.dataset.picture);
  }
}

/** @type {Gallery | null} */
let shown = null;
export const gallery = ({ element }) => (shown = new Gallery(element, requestChange));

/** The ids of the pictures it shows, in their order. */
export const shownIds = () => (shown ? shown.visible().map((node) => node.dataset.picture) : []);
