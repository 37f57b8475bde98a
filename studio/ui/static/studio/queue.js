// The queue of all tabs as a strip in the Studio while something runs or waits, and the rows that the Queue section has,
// too. Rows are kept and updated, so focus stays where it is.
import { sized } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { showTab } from "../core/sections.js";
import { onSnapshot } from "../core/snapshot.js";
import * as kit from "../kit/kit.js";

/** @import { Job, Part, Snapshot } from "../core/events.js" */

const REFERENCES = 3;

/** @param {string[]} ids @param {((id: string) => unknown) | undefined} open */
export function miniatures(ids, open = undefined) {
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
export class Row {
  /** @param {Job} job */
  constructor(job) {
    this.job = job;
    this.words = el("strong", { class: "out-job-state" });
    this.eta = el("span", { class: "out-job-eta" });
    this.bar = el("i");
    this.cancel = kit.button({ name: "close", label: "Cancel this job", words: false, kind: "ghost", run: () => this.stop() });
    const references = job.request.references.map((reference) => reference.image_id);
    const prompt = el("span", { class: "out-job-prompt", title: kit.promptWords(job.request) }, kit.promptWords(job.request));
    this.what = el("span", { class: "out-job-line" }, prompt);
    this.how = el("span", { class: "out-job-line" }, this.words, this.eta);
    this.node = el(
      "li",
      { class: "out-job", "data-job": job.id },
      references.length ? miniatures(references) : null,
      el("div", { class: "out-job-what" }, this.what, this.how),
      this.cancel,
      el("span", { class: "out-job-bar" }, this.bar),
    );
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    const share = kit.progress(job);
    this.words.textContent = kit.jobWords(job);
    this.eta.textContent = kit.etaWords(job);
    this.node.dataset.status = job.status;
    this.node.classList.toggle("unknown", job.status === "running" && share === null);
    this.bar.style.setProperty("--share", String(kit.isActive(job) ? (share ?? 0) : 0));
    this.cancel.hidden = !kit.isActive(job);
    this.cancel.disabled = job.cancel_requested;
  }

  stop() {
    this.cancel.disabled = true;
    api(`/jobs/${encodeURIComponent(this.job.id)}/cancel`, { method: "POST" }).catch(() => (this.cancel.disabled = false));
  }
}

/** A list of jobs that follows the order it is given. */
export class JobList {
  /** @param {string} label @param {(job: Job) => Row} make */
  constructor(label, make) {
    this.make = make;
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.node = el("ul", { class: "out-jobs", "aria-label": label });
  }

  /** @param {Job[]} jobs */
  show(jobs) {
    const ids = new Set(jobs.map((job) => job.id));
    for (const [id, row] of this.rows) if (!ids.has(id)) row.node.remove(), this.rows.delete(id);
    jobs.forEach((job, index) => {
      const row = this.rows.get(job.id) ?? this.make(job);
      row.update(job);
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
    this.list = new JobList("Queue", (job) => new Row(job));
    this.count = el("span", { class: "out-queue-count" }, "Queue");
    const resume = () => api("/queue/resume", { method: "POST" });
    this.goOn = el("button", { type: "button", class: "out-link", hidden: true, onclick: resume }, "Go on");
    const open = el("button", { type: "button", class: "out-link", onclick: () => showTab("queue") }, "Show all");
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

/** @param {Part} said */
export const queueSummary = ({ element }) => new Summary(element);
