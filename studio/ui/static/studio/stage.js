// The stage of the Studio: what this tab's job is doing right now, or the picture the artist has chosen,
// with its toolbar. Its boxes keep their size, so nothing moves while a job runs.
import * as pictures from "../collection/pictures.js";
import * as toolbar from "../collection/toolbar.js";
import { apiAddress, fileAddress, thumbnailAddress } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { onSnapshot } from "../core/snapshot.js";
import { tabId } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { requestChange } from "./changes.js";
import { shownIds } from "./gallery.js";

const TOOLS = ["use", "add", "edit", "compare", "tree", "reuse_settings", "reuse_seed", "download", "character", "star", "trash", "restore", "details"];

const painted = (url) => {
  const next = el("img", { src: url, class: "out-steady" });
  return next.decode().then(() => next);
};

/** An image that changes only once the next one can be painted; of many in a hurry only the last is shown. */
function steadyImage(label) {
  let node = el("img", { class: "out-steady", alt: label });
  let shown = "";
  let wanted = "";
  let busy = false;
  let turn = 0; // rises with clear(): what was on its way then is not shown any more
  const put = (next, url) => {
    next.alt = node.alt;
    node.replaceWith(next);
    node = next;
    shown = url;
  };
  const step = async (url, now) => {
    const next = await painted(url).catch(() => null); // a preview may be gone by now
    if (now !== turn) return;
    if (next) put(next, url);
    else if (wanted === url) wanted = shown;
  };
  const pump = async () => {
    if (busy) return;
    busy = true;
    while (wanted && shown !== wanted) await step(wanted, turn);
    busy = false;
  };
  const show = (url, alt) => {
    wanted = url;
    if (alt) node.alt = alt;
    pump();
  };
  const clear = () => {
    turn += 1;
    wanted = "";
    put(el("img", { class: "out-steady" }), "");
  };
  return { first: node, show, clear };
}

const ratio = (size) => (size?.width && size?.height ? size.width / size.height : 1);

/** The box of one picture: as large as fits, in the picture's own shape from the first moment. */
function frame(label, kind) {
  const image = steadyImage(label);
  const back = el("img", { class: "out-frame-back", alt: "", hidden: true });
  const box = el("div", { class: "out-frame-box" }, back, image.first);
  const node = el("figure", { class: `out-frame ${kind}` }, box);
  const shape = (size) => box.style.setProperty("--ratio", ratio(size));
  const backdrop = (url) => {
    back.hidden = !url;
    if (url && back.getAttribute("src") !== url) back.src = url;
  };
  return { node, box, image, shape, backdrop };
}

function statusRow() {
  const phase = el("strong", { class: "out-phase" });
  const eta = el("span", { class: "out-eta" });
  const said = el("span", { class: "out-said", role: "status" });
  const bar = el("div", { class: "out-bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 },
    el("i"));
  const cancel = kit.button({ id: "cancel", name: "close", label: "Cancel", kind: "cancel" });
  const live = kit.button({ name: "live", label: "Watch live", kind: "ghost" });
  const node = el("div", { class: "out-status" }, el("div", { class: "out-status-words" }, phase, eta), live, cancel, bar, said);
  return { node, phase, eta, said, bar, cancel, live };
}

/** Say a phase once: every step would talk over everything else. */
function announce(row, job) {
  const words = !job ? "" : job.phase === "denoising" && kit.isActive(job) ? "Drawing" : kit.jobWords(job);
  if (row.said.textContent !== words) row.said.textContent = words;
}

function drawBar(row, job) {
  const share = job ? kit.progress(job) : 0;
  const running = Boolean(job && job.status === "running");
  row.bar.classList.toggle("unknown", running && share === null);
  row.bar.classList.toggle("off", !job || !kit.isActive(job));
  row.bar.firstChild.style.setProperty("--share", share ?? 0);
  if (share === null) row.bar.removeAttribute("aria-valuenow");
  else row.bar.setAttribute("aria-valuenow", Math.round(share * 100));
}

function idleWords(worker, ended) {
  if (ended) return ended.status === "done" && ended.started_at && ended.finished_at ? doneWords(ended) : kit.jobWords(ended);
  if (worker?.state === "starting") return "Getting ready. You can already write your prompt.";
  if (worker?.state === "restarting") return "Starting again. Your jobs are safe.";
  if (worker?.state === "down") return worker.detail || "The studio cannot draw right now.";
  return "Ready";
}

const doneWords = (job) => `Done in ${kit.seconds((kit.date(job.finished_at) - kit.date(job.started_at)) / 1000)}`;

/** What to do first, for an empty studio. */
function invitation() {
  const go = (id, act) => () => {
    const target = document.getElementById(id);
    const control = target?.matches("button, textarea") ? target : target?.querySelector("button, textarea");
    if (control) act(control);
  };
  const step = (text) => el("li", {}, text);
  return el("div", { class: "out-invite" },
    el("h3", {}, "Your portrait begins here"),
    el("ol", {}, step("Load a portrait as a reference, or start from words alone."), step("Say what you want to see or change."),
      step("Press Generate, keep the best, and use it as the next reference.")),
    el("div", { class: "out-invite-buttons" },
      kit.button({ name: "add", label: "Add a reference", kind: "strong", run: go("reference-add", (node) => node.click()) }),
      kit.button({ name: "edit", label: "Describe a portrait", run: go("prompt", (node) => node.focus()) })));
}

function failureCard(dismiss) {
  const words = el("p", {});
  const node = el("div", { class: "out-failure", role: "alert" }, el("h3", {}, "This picture was not made"), words,
    kit.button({ label: "Dismiss", run: dismiss }));
  return { node, words };
}

class Stage {
  constructor(element, act) {
    this.act = act;
    this.follow = false;
    this.job = null; // this tab's running, else its next queued job
    this.ended = null; // the last one of this tab that ended
    this.dismissed = new Set();
    this.known = null;
    this.selected = null;
    this.build(element);
    onSnapshot((snapshot) => this.take(snapshot));
    on("gallery:selected", (event) => this.choose(event));
    on("picture:changed", (record) => record.id === this.wanted && this.showPicture(record));
    on("pictures:marked", ({ ids }) => ids.includes(this.wanted) && pictures.get(this.wanted).then((record) => this.showPicture(record), () => {}));
    on("models:known", () => this.draw());
  }

  build(element) {
    this.row = statusRow();
    this.row.cancel.addEventListener("click", () => this.cancel());
    this.row.live.addEventListener("click", () => ((this.follow = true), this.draw()));
    this.live = frame("The picture as far as it is drawn", "live");
    this.control = frame("The lines the picture follows", "control");
    this.control.node.append(el("figcaption", {}, "Structure"));
    this.picture = frame("The chosen picture", "picture");
    this.picture.box.append(this.opener());
    this.invite = invitation();
    this.failure = failureCard(() => this.dismiss());
    this.notices = el("ul", { class: "out-notices" });
    this.area = el("div", { class: "out-area" }, this.live.node, this.control.node, this.picture.node, this.invite, this.failure.node);
    this.bar = toolbar.bar(TOOLS, {
      ids: true, icons: ["tree", "download", "character", "star", "trash", "restore", "details"], label: "The chosen picture",
      target: () => [this.selected.id, this.act, shownIds()],
    });
    this.caption = el("p", { class: "out-caption" });
    this.node = el("section", { class: "out-stage", "aria-label": "Preview" }, this.row.node, this.area, this.bar.node, this.caption, this.notices);
    element.replaceChildren(this.node);
    element.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  /** Over the picture: opens the details, and can be dragged onto the references. */
  opener() {
    const node = el("div", { class: "out-open", role: "button", tabindex: 0, "aria-label": "Open details", onclick: () => this.perform("details") });
    node.addEventListener("keydown", (event) => event.key === "Enter" && this.perform("details"));
    node.addEventListener("dragstart", (event) => {
      const small = document.querySelector(`#gallery [data-picture="${CSS.escape(this.selected.id)}"] img`);
      if (small) event.dataTransfer.setDragImage(small, 32, 32);
    });
    return pictures.draggable(node, () => this.selected.id);
  }

  key(event) {
    const action = event.key === "Enter" ? null : toolbar.keyAction(event);
    if (!action || !this.at() || this.mode() !== "picture") return;
    event.preventDefault();
    this.perform(action);
  }

  perform(action) {
    if (this.at()) toolbar.perform(action, this.selected.id, this.act, shownIds());
  }

  /** The record of the chosen picture, or null until it is known. */
  at() {
    return this.coming ? null : this.selected;
  }

  take(snapshot) {
    this.worker = snapshot.worker;
    const mine = snapshot.jobs.filter((job) => job.tab === tabId());
    const active = mine.find((job) => job.status === "running") || mine.find((job) => job.status === "queued");
    const fresh = this.known ? mine.filter((job) => !this.known.has(job.id)) : [];
    if (this.known === null) this.follow = Boolean(active) || mine[0]?.status === "failed";
    else if (fresh.length) this.follow = true;
    const watched = [this.job?.id, ...fresh.map((job) => job.id)];
    this.known = new Set([...(this.known || []), ...mine.map((job) => job.id)]);
    this.job = active || null;
    this.ended = mine.find((job) => !kit.isActive(job)) || null;
    const finished = mine.find((job) => watched.includes(job.id) && !kit.isActive(job) && job.images.length);
    if (finished && this.follow) this.select(finished.images[0]);
    this.draw();
  }

  select(id) {
    emit("gallery:selected", { id, by: "studio" });
  }

  /** From here on this is the chosen picture; until it is known nothing can be done with it, nor with the last one. */
  async choose({ id, by }) {
    if (by === "artist") this.follow = false;
    this.begun = true;
    this.wanted = id;
    if (!id || pictures.known(id)) return this.showPicture(id ? pictures.known(id) : null);
    this.coming = true;
    this.draw();
    const record = await pictures.get(id).catch(() => null);
    return this.wanted === id && this.showPicture(record);
  }

  showPicture(record) {
    this.coming = false;
    this.selected = record && !record.trashed_at ? record : null;
    if (this.picture.node.hidden) this.picture.image.clear(); // what was shown last is not to be seen again
    if (this.selected) {
      this.picture.shape(record);
      this.picture.image.show(fileAddress(record.id), pictures.alt(record));
    } else this.picture.image.clear();
    this.draw();
  }

  dismiss() {
    this.dismissed.add(this.ended.id);
    this.draw();
  }

  async cancel() {
    if (!this.job) return;
    this.row.cancel.disabled = true;
    this.row.phase.textContent = "Cancelling…";
    await api(`/jobs/${encodeURIComponent(this.job.id)}/cancel`, { method: "POST" }).catch(() => this.draw());
  }

  mode() {
    if (this.follow && this.job) return "live";
    const failed = this.ended?.status === "failed" && !this.job && !this.dismissed.has(this.ended.id);
    if (failed && (this.follow || !this.selected)) return "failure";
    return this.selected ? "picture" : this.begun ? "invite" : "wait"; // nothing flashes by before the gallery is there
  }

  draw() {
    const mode = this.mode();
    this.node.dataset.mode = mode;
    this.drawStatus(mode);
    this.bar.update(mode === "picture" ? this.at() : null);
    if (this.coming && !this.job) return; // what is there stays until the picture is known
    if (mode === "live") this.drawLive();
    if (mode === "failure") this.failure.words.textContent = this.ended.error?.message || "Try again.";
    this.live.node.hidden = mode !== "live";
    this.control.node.hidden = mode !== "live" || !this.job.has_control_image;
    this.picture.node.hidden = mode !== "picture";
    this.invite.hidden = mode !== "invite";
    this.failure.node.hidden = mode !== "failure";
    this.drawNotices(mode);
    this.drawCaption(mode);
  }

  drawStatus(mode) {
    const { row, job } = this;
    row.phase.textContent = job ? kit.jobWords(job) : idleWords(this.worker, this.follow ? this.ended : null);
    row.eta.textContent = job ? kit.etaWords(job) : "";
    row.cancel.hidden = !job;
    row.cancel.disabled = Boolean(job?.cancel_requested);
    row.live.hidden = !job || mode === "live";
    drawBar(row, job);
    announce(row, job || (this.follow ? this.ended : null));
  }

  drawLive() {
    const { job } = this;
    const url = apiAddress(`/jobs/${encodeURIComponent(job.id)}`);
    if (this.drawn !== job.id) [this.live, this.control].forEach((one) => one.image.clear());
    this.drawn = job.id;
    this.live.shape(job.request);
    const source = job.request.references[0];
    this.live.backdrop(source && !job.preview ? thumbnailAddress(source.image_id) : null);
    this.live.box.classList.toggle("waiting", !job.preview);
    if (job.preview) this.live.image.show(`${url}/preview?v=${job.preview}`);
    this.control.shape(job.request);
    if (job.has_control_image) this.control.image.show(`${url}/control-image`);
  }

  drawNotices(mode) {
    const said = mode === "live" ? this.job.notices : mode === "picture" && this.ended?.images.includes(this.selected.id) ? this.ended.notices : [];
    const lines = [...new Set(said)];
    if (lines.join("\n") !== this.noticed) this.notices.replaceChildren(...lines.map((line) => el("li", {}, line)));
    this.noticed = lines.join("\n");
    this.notices.hidden = !lines.length;
  }

  drawCaption(mode) {
    const record = this.selected;
    const request = mode === "live" ? this.job.request : mode === "picture" ? record.request : null;
    const model = request && (record && mode === "picture" ? record.label : pictures.modelLabel(request.model));
    const words = request ? kit.settingsLine(request, { model, seed: mode === "picture" ? record.seed : null })
      : mode === "picture" ? `${record.label} · ${record.width} × ${record.height}` : "";
    const prompt = request ? el("span", { class: "out-caption-prompt", title: kit.promptWords(request) }, kit.promptWords(request)) : null;
    this.caption.replaceChildren(...[prompt, el("span", {}, words)].filter(Boolean));
  }
}

export const stage = ({ element }) => new Stage(element, requestChange);
