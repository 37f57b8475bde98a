// The Queue section: what runs, what waits and what has ended, each job with all there is to say and do.
import * as pictures from "../collection/pictures.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { latestSnapshot, onSnapshot } from "../core/snapshot.js";
import { tabId } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { JobList, miniatures, Row } from "./queue.js";
import { JobActions, letDrag, Switches } from "./queue_steering.js";

/** @import { Job, Part, Snapshot } from "../core/events.js" */

/** @type {Snapshot} */
const NOTHING = {
  version: 0,
  worker: { state: "starting", device: null, detail: "", hardware: null, workers: [] },
  jobs: [],
  waiting: 0,
  held: null,
  paused: false,
  loaded_first: false,
};

/** A row with mode, settings, error, notices, pictures and what can be done. */
class FullRow extends Row {
  /** @param {Job} job */
  constructor(job) {
    super(job);
    this.shown = "";
    this.pictures = el("span", { class: "out-job-pictures" });
    this.error = el("p", { class: "out-job-error" });
    this.notices = el("ul", { class: "out-notes" });
    this.meta = el("span", { class: "out-job-meta" });
    this.actions = new JobActions(job);
    this.what.prepend(el("span", { class: "out-chip" }, kit.modeWords(job.request.mode)));
    this.how.append(this.meta);
    this.how.after(this.error, this.notices);
    this.cancel.before(this.pictures, this.actions.node);
  }

  /** @param {Job} job */
  update(job) {
    super.update(job);
    this.actions.update(job);
    this.node.draggable = job.status === "queued";
    const own = job.tab === tabId() ? "" : "another tab";
    const model = pictures.modelLabel(job.request.model);
    const by = job.worker ? `on ${job.worker}` : "";
    this.meta.textContent = [kit.clock(job.created_at), own, by, kit.settingsLine(job.request, { model })].filter(Boolean).join(" · ");
    this.error.textContent = job.error?.message || "";
    this.notices.replaceChildren(...[...new Set(job.notices)].map((notice) => el("li", {}, notice)));
    const key = job.images.join();
    if (key !== this.shown) this.pictures.replaceChildren(...(job.images.length ? [miniatures(job.images, (id) => this.open(id))] : []));
    this.shown = key;
  }

  /** @param {string} id */
  open(id) {
    emit("details:open", { id, ids: [...this.job.images] });
  }
}

class QueuePage {
  /** @param {HTMLElement} element */
  constructor(element) {
    /** @type {Job[]} */
    this.older = [];
    this.switches = new Switches();
    this.sections = [
      ["running", "Running", "Nothing is running."],
      ["queued", "Waiting", "Nothing is waiting."],
      ["ended", "Finished", "Nothing has finished yet. Jobs you start in the Studio appear here."],
    ].map(([name, title, none]) => this.section(name, title, none));
    element.replaceChildren(
      el(
        "div",
        { class: "out-queue-page" },
        el("h2", { class: "lk-visually-hidden" }, "Queue"),
        this.switches.node,
        this.sections.map((section) => section.node),
      ),
    );
    onSnapshot((snapshot) => this.take(snapshot));
    on("models:known", () => this.take(latestSnapshot() ?? NOTHING));
    on("tab:shown", (name) => name === "queue" && this.load());
    this.load();
  }

  /** @param {string} name @param {string} title @param {string} none */
  section(name, title, none) {
    const list = new JobList(title, (job) => new FullRow(job));
    if (name === "queued") letDrag(list.node);
    const words = el("p", { class: "out-empty" }, none);
    const node = el("section", { "aria-label": title, "data-section": name }, el("h3", {}, title), words, list.node);
    return { name, list, words, node };
  }

  /** Jobs that are too old for the snapshot. */
  async load() {
    this.older = await api("/jobs?limit=100", { quiet: true }).catch(() => this.older);
    this.take(latestSnapshot() ?? NOTHING);
  }

  /** @param {Snapshot} snapshot */
  take(snapshot) {
    const { jobs } = snapshot;
    this.switches.show(snapshot);
    const now = new Set(jobs.map((job) => job.id));
    const all = [...jobs, ...this.older.filter((job) => !now.has(job.id) && !kit.isActive(job))];
    /** @type {Record<string, Job[]>} */
    const of = { running: [], queued: [], ended: [] };
    all.forEach((job) => (of[job.status] || of.ended).push(job));
    this.sections.forEach(({ name, list, words }) => {
      list.show(of[name]);
      words.hidden = of[name].length > 0;
    });
  }
}

/** @param {Part} said */
export const queuePage = ({ element }) => new QueuePage(element);
