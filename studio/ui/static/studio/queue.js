// The queue of all tabs: a strip in the Studio while something runs or waits, and the Queue section with the finished
// jobs as well. Rows are kept and updated, so focus stays where it is.
import * as pictures from "../collection/pictures.js";
import { sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { showTab } from "../core/sections.js";
import { latestSnapshot, onSnapshot } from "../core/snapshot.js";
import { tabId } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { goOnLink, JobActions, letDrag, Switches } from "./queue_steering.js";

/** @import { Reference } from "../core/schemas.js" */
/** @import { Job, Part, Snapshot } from "../core/events.js" */

const REFERENCES = 3;
/** @type {import("../core/events.js").Snapshot} */
const NOTHING = {
  version: 0,
  worker: { state: "starting", device: null, detail: "", hardware: null },
  jobs: [],
  held: null,
  paused: false,
  loaded_first: false,
};

/** @param {string[]} ids @param {((id: string) => unknown) | undefined} open */
function miniatures(ids, open = undefined) {
  const shown = ids
    .slice(0, REFERENCES)
    .map((id) =>
      open
        ? el(
            "button",
            { type: "button", class: "out-mini", title: "Open the picture", "aria-label": "Open the picture", onclick: () => open(id) },
            thumbnail(id),
          )
        : el("span", { class: "out-mini" }, thumbnail(id)),
    );
  const more = ids.length - shown.length;
  return el("span", { class: "out-minis" }, shown, more > 0 ? el("span", { class: "out-more" }, `+${more}`) : null);
}

/** @param {string} id */
const thumbnail = (id) => el("img", { ...sized(id, 84), alt: "", loading: "lazy", decoding: "async" });

/** One job as a row. */
class Row {
  /** @type {import("../core/schemas.js").JobRecord} */
  job;
  /** @type {string} */
  shown;

  /** @param {Job} job @param {boolean} full */
  constructor(job, full) {
    this.full = full;
    this.words = el("strong", { class: "out-job-state" });
    this.eta = el("span", { class: "out-job-eta" });
    this.bar = el("i");
    this.cancel = kit.button({ name: "close", label: "Cancel this job", words: false, kind: "ghost", run: () => this.stop() });
    this.pictures = el("span", { class: "out-job-pictures" });
    this.error = el("p", { class: "out-job-error" });
    this.notices = el("ul", { class: "out-notes" });
    const references = job.request.references.map((reference) => reference.image_id);
    this.meta = el("span", { class: "out-job-meta" });
    this.actions = full ? new JobActions(job) : null;
    this.node = el(
      "li",
      { class: "out-job", "data-job": job.id },
      references.length ? miniatures(references) : null,
      el(
        "div",
        { class: "out-job-what" },
        el(
          "span",
          { class: "out-job-line" },
          full ? el("span", { class: "out-chip" }, kit.modeWords(job.request.mode)) : null,
          el("span", { class: "out-job-prompt", title: kit.promptWords(job.request) }, kit.promptWords(job.request)),
        ),
        el("span", { class: "out-job-line" }, this.words, this.eta, full ? this.meta : null),
        full ? this.error : null,
        full ? this.notices : null,
      ),
      full ? this.pictures : null,
      this.actions?.node ?? null,
      this.cancel,
      el("span", { class: "out-job-bar" }, this.bar),
    );
    this.update(job);
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    const share = kit.progress(job);
    this.words.textContent = kit.jobWords(job);
    this.eta.textContent = kit.etaWords(job);
    this.node.dataset.status = job.status;
    this.node.classList.toggle("unknown", job.status === "running" && share === null);
    this.bar.style.setProperty("--share", kit.isActive(job) ? (share ?? 0) : 0);
    this.cancel.hidden = !kit.isActive(job);
    this.cancel.disabled = job.cancel_requested;
    if (this.full) this.updateFull(job);
  }

  /** @param {Job} job */
  updateFull(job) {
    this.actions?.update(job);
    this.node.draggable = job.status === "queued";
    const own = job.tab === tabId() ? "" : "another tab";
    const model = pictures.modelLabel(job.request.model ?? "");
    this.meta.textContent = [kit.clock(job.created_at), own, kit.settingsLine(job.request, { model })].filter(Boolean).join(" · ");
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

  stop() {
    this.cancel.disabled = true;
    api(`/jobs/${encodeURIComponent(this.job.id)}/cancel`, { method: "POST" }).catch(() => (this.cancel.disabled = false));
  }
}

/** A list of jobs that follows the order it is given. */
class JobList {
  /** @type {Map<string, Row>} */
  rows;

  /** @param {string} label @param {boolean} full */
  constructor(label, full) {
    this.full = full;
    this.rows = new Map();
    this.node = el("ul", { class: "out-jobs", "aria-label": label });
  }

  /** @param {Job[]} jobs */
  show(jobs) {
    const ids = new Set(jobs.map((job) => job.id));
    for (const [id, row] of this.rows) if (!ids.has(id)) row.node.remove(), this.rows.delete(id);
    jobs.forEach((job, index) => {
      const row = this.rows.get(job.id) || new Row(job, this.full);
      if (this.rows.has(job.id)) row.update(job);
      this.rows.set(job.id, row);
      if (this.node.children[index] !== row.node) this.node.insertBefore(row.node, this.node.children[index] || null);
    });
  }
}

/** @param {number} running @param {number} queued */
const counted = (running, queued) => [running ? `${running} running` : "", queued ? `${queued} waiting` : ""].filter(Boolean).join(", ");

class Summary {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.list = new JobList("Queue", false);
    this.count = el("span", { class: "out-queue-count" }, "Queue");
    const open = el("button", { type: "button", class: "out-link", onclick: () => showTab("queue") }, "Show all");
    this.goOn = goOnLink(false);
    const title = el("div", { class: "out-queue-title" }, this.count, this.goOn, open);
    this.node = el("section", { class: "out-queue-strip", "aria-label": "Queue", hidden: true }, title, this.list.node);
    element.replaceChildren(this.node);
    onSnapshot((snapshot) => this.take(snapshot));
  }

  /** @param {Snapshot} said */
  take({ jobs, paused }) {
    const active = jobs.filter(kit.isActive);
    const running = active.filter((job) => job.status === "running").length;
    this.count.textContent = [paused ? "Paused" : "", counted(running, active.length - running)].filter(Boolean).join(": ") || "Queue";
    this.goOn.hidden = !paused;
    this.node.hidden = !active.length;
    document.getElementById("output-column")?.classList.toggle("out-busy", active.length > 0);
    this.list.show(active);
  }
}

class QueuePage {
  /** @type {import("../core/events.js").Job[]} */
  older;

  /** @param {HTMLElement} element */
  constructor(element) {
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
    const list = new JobList(title, true);
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
export const queueSummary = ({ element }) => new Summary(element);
/** @param {Part} said */
export const queuePage = ({ element }) => new QueuePage(element);
