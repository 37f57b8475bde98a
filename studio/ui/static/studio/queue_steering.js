// What an artist does to the queue: pause, clear, order, try again, repeat.
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { relabel } from "../kit/buttons.js";
import { tick } from "../kit/fields.js";
import * as kit from "../kit/kit.js";
import { toastWithUndo } from "../kit/toasts.js";

/** @import { Job, Snapshot } from "../core/events.js" */

/** @param {string} path @param {object} [json] @param {string} [method] */
const send = (path, json, method = "POST") => api(path, { method, json });
/** @param {Job} job @param {string} verb */
const pathOf = (job, verb) => `/jobs/${encodeURIComponent(job.id)}/${verb}`;

/** Let a waiting job go one place up or down, to the front, or before another. @param {Job} job @param {object} where */
const move = (job, where) => send(pathOf(job, "move"), where);

async function clear() {
  const cleared = await send("/queue/clear");
  const { length } = cleared.job_ids;
  if (length) toastWithUndo(`${length === 1 ? "1 job" : `${length} jobs`} taken out of the queue.`, () => send("/queue/restore", cleared));
}

/** The switches above the lists of the Queue page. */
export class Switches {
  constructor() {
    this.paused = false;
    this.pause = kit.button({ id: "queue-pause", name: "pause", label: "Pause", run: () => this.toggle() });
    this.clear = kit.button({ name: "trash", label: "Clear what waits", kind: "ghost", run: () => clear() });
    const first = tick("Jobs of the loaded model may go first", {
      onchange: () => send("/queue", { loaded_first: this.first.checked }, "PATCH"),
    });
    this.first = first.input;
    this.words = el("p", { class: "out-queue-paused", role: "status" });
    this.node = el("div", { class: "out-queue-switches" }, this.pause, this.clear, first.node, this.words);
  }

  /** @param {Snapshot} said */
  show({ paused, loaded_first, jobs }) {
    const waiting = jobs.filter((job) => job.status === "queued").length;
    if (paused !== this.paused) this.pause.querySelector("svg")?.replaceWith(kit.icon(paused ? "go" : "pause"));
    this.paused = paused;
    this.pause.setAttribute("aria-pressed", String(paused));
    relabel(this.pause, paused ? "Go on" : "Pause");
    const words = paused ? "Paused: what runs is finished, and nothing else begins until you press Go on." : "";
    if (this.words.textContent !== words) this.words.textContent = words;
    this.first.checked = loaded_first;
    this.clear.disabled = !waiting;
  }

  toggle() {
    return send(this.paused ? "/queue/resume" : "/queue/pause");
  }
}

/** The buttons of one job on the Queue page. */
export class JobActions {
  /** @param {Job} job */
  constructor(job) {
    this.job = job;
    this.handle = kit.button({
      name: "grip",
      label: "Move this job: arrow keys, or drag",
      words: false,
      kind: "ghost",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
    });
    this.front = kit.button({
      name: "first",
      label: "Run this job next",
      words: false,
      kind: "ghost",
      run: () => move(this.job, { to: "front" }),
    });
    this.repeat = kit.button({
      name: "repeat",
      label: "Repeat with new seeds until you stop it",
      words: false,
      kind: "ghost",
      run: () => send(pathOf(this.job, "repeat"), { on: !this.job.repeat }),
    });
    this.retry = kit.button({ name: "again", label: "Try again", kind: "ghost", run: () => send(pathOf(this.job, "retry")) });
    this.node = el("span", { class: "out-job-actions" }, this.handle, this.front, this.repeat, this.retry);
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    const waiting = job.status === "queued";
    this.handle.hidden = this.front.hidden = !waiting;
    this.front.disabled = job.position === 0;
    this.repeat.hidden = !kit.isActive(job);
    this.repeat.setAttribute("aria-pressed", String(Boolean(job.repeat)));
    this.retry.hidden = job.status !== "failed" && job.status !== "cancelled";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const up = event.key === "ArrowUp";
    if (!up && event.key !== "ArrowDown") return;
    event.preventDefault();
    const row = this.node.closest("[data-job]");
    const other = up ? row?.previousElementSibling : row?.nextElementSibling;
    if (!(other instanceof HTMLElement)) return;
    const before = up ? other.dataset.job : /** @type {HTMLElement | null} */ (other.nextElementSibling)?.dataset.job;
    move(this.job, before ? { before } : { to: "back" });
  }
}

/** Let the rows of a list be dragged to another place. @param {HTMLElement} list */
export function letDrag(list) {
  /** @type {HTMLElement | null} */
  let dragged = null;
  /** @param {Event} event */
  const rowOf = (event) => /** @type {Element} */ (event.target).closest?.("[data-job]");
  const unmark = () => list.querySelectorAll(".out-drop").forEach((row) => row.classList.remove("out-drop"));
  list.addEventListener("dragstart", (event) => {
    dragged = /** @type {HTMLElement | null} */ (rowOf(event));
    event.dataTransfer?.setData("text/plain", dragged?.dataset.job ?? "");
  });
  list.addEventListener("dragend", () => (unmark(), (dragged = null)));
  list.addEventListener("dragover", (event) => {
    const row = rowOf(event);
    if (!dragged || !row) return;
    event.preventDefault();
    unmark();
    if (row !== dragged) row.classList.add("out-drop");
  });
  list.addEventListener("drop", (event) => {
    const row = /** @type {HTMLElement | null} */ (rowOf(event));
    if (!dragged || !row || row === dragged) return;
    event.preventDefault();
    send(`/jobs/${encodeURIComponent(dragged.dataset.job ?? "")}/move`, { before: row.dataset.job });
  });
}
