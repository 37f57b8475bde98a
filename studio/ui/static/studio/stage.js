// The stage of the Studio: what this tab's job is doing right now, or the picture the artist has chosen or loaded,
// with its toolbar. Its boxes keep their size, so nothing moves while a job runs. Zoom, pan and the look at the
// reference come with `view/tools.js`.
import * as pictures from "../collection/pictures.js";
import * as toolbar from "../collection/toolbar.js";
import { apiAddress, fileAddress, thumbnailAddress } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { currentSection } from "../core/sections.js";
import { onSnapshot } from "../core/snapshot.js";
import { styles } from "../core/styles.js";
import { tabId } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { shownIds } from "./gallery.js";
import { announce, drawBar, failureCard, frame, idleWords, sizeOf, statusRow, TOOLS } from "./stage_parts.js";

/** @import { ActionName, Size } from "../core/shapes.js" */
/** @import { WorkerState } from "../core/schemas.js" */
/** @import { Job, Part, Picture, Snapshot } from "../core/events.js" */

/** Its pictures are shown before they are kept. @param {Job} job */
const isProposed = (job) => job.request.mode === "fix_face";

class Stage {
  /** @type {import("../core/schemas.js").JobRecord | null} */
  job;
  /** @type {import("../core/schemas.js").JobRecord | null} */
  ended;
  /** @type {Set<string>} */
  dismissed;
  /** @type {Set<string> | null} */
  known;
  /** @type {import("../core/schemas.js").ImageRecord | null} */
  selected;
  /** @type {ReturnType<typeof statusRow>} */
  row;
  /** @type {ReturnType<typeof frame>} */
  live;
  /** @type {ReturnType<typeof frame>} */
  control;
  /** @type {ReturnType<typeof frame>} */
  picture;
  /** @type {HTMLDivElement} */
  invite;
  /** @type {ReturnType<typeof failureCard>} */
  failure;
  /** @type {HTMLUListElement} */
  notices;
  /** @type {HTMLDivElement} */
  area;
  /** @type {ReturnType<typeof toolbar.bar>} */
  bar;
  /** @type {HTMLParagraphElement} */
  caption;
  /** @type {HTMLElement} */
  node;
  /** @type {WorkerState} */
  worker;
  /** @type {boolean} */
  begun;
  /** @type {string | null} */
  wanted;
  /** @type {boolean} */
  coming;
  /** @type {string} */
  drawn;
  /** @type {string} */
  noticed;
  /** @type {string[]} */
  references;
  /** @type {Promise<void> | null} */
  proposing;
  /** @type {import("./proposals.js").Proposals | null} */
  proposals;
  /** @type {import("./view/tools.js").Tools | null} */
  view;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.follow = false;
    this.job = null; // this tab's running, else its next queued job
    this.ended = null; // the last one of this tab that ended
    this.dismissed = new Set();
    this.known = null;
    this.selected = null;
    this.references = [];
    this.view = null;
    this.inviting = false;
    this.proposing = null;
    this.proposals = null;
    this.build(element);
    onSnapshot((snapshot) => this.take(snapshot));
    on("gallery:selected", (event) => this.choose(event));
    on("picture:changed", (record) => record.id === this.wanted && this.showPicture(record));
    on("pictures:marked", ({ ids }) => this.marked(ids));
    on("models:known", () => this.draw());
    on("references:loaded", (told) => this.takeReferences(told));
    document.addEventListener("keydown", (event) => this.key(event));
    import("./view/tools.js").then(({ Tools }) => {
      this.view = new Tools(this);
      if (this.selected) this.view.show(this.selected);
      this.draw();
    });
  }

  /** @param {HTMLElement} element */
  build(element) {
    this.row = statusRow();
    this.row.cancel.addEventListener("click", () => this.cancel());
    this.row.live.addEventListener("click", () => ((this.follow = true), this.draw()));
    this.live = frame("The picture as far as it is drawn", "live");
    this.control = frame("The lines the picture follows", "control");
    this.control.node.append(el("figcaption", {}, "Structure"));
    this.picture = frame("The chosen picture", "picture");
    this.picture.box.append(this.opener());
    this.invite = el("div", { class: "out-invite", hidden: true });
    this.failure = failureCard(() => this.dismiss());
    this.notices = el("ul", { class: "out-notices", tabindex: 0, "aria-label": "What there is to say of it" });
    this.area = el("div", { class: "out-area" }, this.live.node, this.control.node, this.picture.node, this.invite, this.failure.node);
    this.bar = toolbar.bar(TOOLS, {
      ids: true,
      icons: ["fix_face", "tree", "download", "character", "star", "trash", "restore", "details"],
      label: "The chosen picture",
      target: () => [this.selected?.id ?? "", shownIds()],
    });
    this.caption = el("p", { class: "out-caption" });
    this.node = el(
      "section",
      { class: "out-stage", id: "stage", "aria-label": "Preview" },
      this.row.node,
      this.area,
      this.bar.node,
      el("div", { class: "out-under" }, this.caption, this.notices),
    );
    element.replaceChildren(this.node);
    this.draw();
  }

  /** Over the picture: opens the details by key or voice, and can be dragged onto the references. */
  opener() {
    const node = el("div", {
      class: "out-open",
      role: "button",
      tabindex: 0,
      "aria-label": "Open details",
      onclick: (/** @type {PointerEvent} */ event) => event.detail || event.pointerType || this.perform("details"),
    });
    node.addEventListener("keydown", (event) => event.key === "Enter" && this.perform("details"));
    node.addEventListener("dragstart", (event) => {
      if (this.view?.holdsPointer()) return event.preventDefault();
      const small = document.querySelector(`#gallery [data-picture="${CSS.escape(this.selected?.id ?? "")}"] img`);
      if (small) event.dataTransfer?.setDragImage(small, 32, 32);
    });
    return pictures.draggable(node, () => this.selected?.id ?? "");
  }

  /** Keys act on the chosen picture while nothing else has the focus, or the stage has. @param {KeyboardEvent} event */
  key(event) {
    if (event.defaultPrevented || currentSection() !== "studio" || kit.isTyping(event)) return;
    const at = /** @type {HTMLElement} */ (event.target);
    const ours = at === document.body || this.node.contains(at) || at.matches("#gallery [data-picture]"); // a thumbnail was pressed
    if (!ours || at.matches("input") || document.querySelector("dialog[open]")) return;
    if (this.view?.key(event) || this.step(event.key) || this.act(event)) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  act(event) {
    const action = event.key === "Enter" ? null : toolbar.keyAction(event);
    if (!action || !this.at() || this.mode() !== "picture") return false;
    this.perform(action);
    return true;
  }

  /** To the picture before or after the chosen one. @param {string} key */
  step(key) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!by) return false;
    const ids = shownIds();
    const at = ids.indexOf(this.wanted ?? "");
    const id = at < 0 ? ids[0] : ids[at + by];
    if (id) emit("gallery:selected", { id, by: "artist" });
    return true;
  }

  /**
   * What was loaded last is shown, large; not what the chosen picture was made from, which its settings brought back.
   * @param {{ids: string[], begun: boolean}} told
   */
  takeReferences({ ids, begun }) {
    const [fresh] = ids.filter((id) => !this.references.includes(id));
    this.references = ids;
    const own = this.selected?.request?.references.some((one) => one.image_id === fresh);
    if (fresh && (begun ? this.begun && !this.wanted : !own && fresh !== this.wanted)) this.select(fresh);
    else this.draw();
  }

  /** @param {ActionName} action */
  perform(action) {
    const record = this.at();
    if (record) toolbar.perform(action, record.id, shownIds());
  }

  /** The record of the chosen picture, or null until it is known. */
  at() {
    return this.coming ? null : this.selected;
  }

  /** @param {Snapshot} snapshot */
  take(snapshot) {
    this.worker = snapshot.worker;
    const mine = snapshot.jobs.filter((job) => job.tab === tabId());
    const active = mine.find((job) => job.status === "running") || mine.find((job) => job.status === "queued");
    const { known } = this;
    const fresh = known ? mine.filter((job) => !known.has(job.id)) : [];
    if (known === null) this.follow = Boolean(active) || mine[0]?.status === "failed";
    else if (fresh.length) this.follow = true;
    const watched = [this.job?.id, ...fresh.map((job) => job.id)];
    this.known = new Set([...(known || []), ...mine.map((job) => job.id)]);
    this.job = active || null;
    this.ended = mine.find((job) => !kit.isActive(job)) || null;
    const finished = mine.find((job) => watched.includes(job.id) && !kit.isActive(job) && job.images.length);
    if (finished && this.follow) this.select(isProposed(finished) ? finished.request.references[0].image_id : finished.images[0]);
    this.propose(mine.filter((job) => isProposed(job) && job.images.length));
    this.draw();
  }

  /** What is shown before it is kept, over the picture it was made from. @param {Job[]} jobs */
  async propose(jobs) {
    if (!jobs.length) return;
    this.proposing ??= import("./proposals.js").then(async ({ proposals }) => {
      this.proposals = await proposals(this.area, () => this.draw());
    });
    await this.proposing;
    this.proposals?.take(jobs);
  }

  /** @param {string} id */
  select(id) {
    emit("gallery:selected", { id, by: "studio" });
  }

  /**
   * From here on this is the chosen picture; until it is known nothing can be done with it, nor with the last one.
   * @param {{id: string | null, by: string}} said
   */
  async choose({ id: said, by }) {
    if (by === "artist") this.follow = false;
    const id = said ?? this.references[0] ?? null;
    if (by === "studio" && id && id === this.wanted && id === this.at()?.id) return; // zoom and place stay as they are
    this.begun = true;
    this.wanted = id;
    const known = id ? pictures.known(id) : null;
    if (!id || known) return this.showPicture(known ?? null);
    this.coming = true;
    this.draw();
    const record = await pictures.get(id).catch(() => null);
    return this.wanted === id && this.showPicture(record);
  }

  /** @param {string[]} ids */
  marked(ids) {
    if (!this.wanted || !ids.includes(this.wanted)) return;
    pictures.get(this.wanted).then(
      (record) => this.showPicture(record),
      () => {},
    );
  }

  /** @param {Picture | null} record */
  showPicture(record) {
    this.coming = false;
    this.selected = record && !record.trashed_at ? record : null;
    if (this.picture.node.hidden) this.picture.image.clear(); // what was shown last is not to be seen again
    if (this.selected) {
      this.picture.shape(this.selected);
      this.picture.image.show(fileAddress(this.selected.id), pictures.alt(this.selected));
      this.view?.show(this.selected);
    } else this.picture.image.clear();
    this.draw();
  }

  dismiss() {
    if (this.ended) this.dismissed.add(this.ended.id);
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
    if (this.selected && this.proposals?.of(this.wanted)) return "proposal";
    return this.selected ? "picture" : this.begun ? "invite" : "wait"; // nothing flashes by before the gallery is there
  }

  draw() {
    const mode = this.mode();
    this.node.dataset.mode = mode;
    this.drawStatus(mode);
    this.bar.update(mode === "picture" ? this.at() : null);
    if (this.coming && !this.job) return; // what is there stays until the picture is known
    if (mode === "live" && this.job) this.drawLive(this.job);
    if (mode === "failure") this.failure.words.textContent = this.ended?.error?.message || "Try again.";
    this.live.node.hidden = mode !== "live";
    this.control.node.hidden = mode !== "live" || !this.job?.has_control_image;
    this.picture.node.hidden = mode !== "picture";
    this.view?.draw(mode === "picture");
    this.proposals?.draw(mode === "proposal" ? this.proposals.of(this.wanted) : undefined);
    this.invite.hidden = mode !== "invite";
    if (mode === "invite") this.fillInvitation();
    this.failure.node.hidden = mode !== "failure";
    this.drawNotices(mode);
    this.drawCaption(mode);
  }

  /** Once, and only where a studio is empty. */
  fillInvitation() {
    if (this.inviting) return;
    this.inviting = true;
    Promise.all([import("./invitation.js"), styles("invitation")]).then(([{ invite }]) => invite(this.invite));
  }

  /** @param {string} mode */
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

  /** @param {Job} job */
  drawLive(job) {
    const url = apiAddress(`/jobs/${encodeURIComponent(job.id)}`);
    if (this.drawn !== job.id) [this.live, this.control].forEach((one) => one.image.clear());
    this.drawn = job.id;
    const source = job.request.references[0];
    this.live.shape(sizeOf(job.request, source && pictures.known(source.image_id)));
    this.live.backdrop(source && !job.preview ? thumbnailAddress(source.image_id) : null);
    this.live.box.classList.toggle("waiting", !job.preview);
    if (job.preview) this.live.image.show(`${url}/preview?v=${job.preview}`);
    this.control.shape(job.request);
    if (job.has_control_image) this.control.image.show(`${url}/control-image`);
  }

  /** @param {string} mode */
  drawNotices(mode) {
    const shown = mode === "proposal" ? this.proposals?.current?.record.id : mode === "picture" && this.selected?.id;
    const told = shown && this.ended?.images.includes(shown) ? this.ended : null;
    const lines = [...new Set((mode === "live" ? this.job : told)?.notices)];
    if (lines.join("\n") !== this.noticed) this.notices.replaceChildren(...lines.map((line) => el("li", {}, line)));
    this.noticed = lines.join("\n");
    this.notices.hidden = !lines.length;
  }

  /** @param {string} mode */
  drawCaption(mode) {
    const picture = mode === "picture" ? this.selected : null;
    const request = (mode === "live" ? this.job : picture)?.request;
    const prompt = request ? el("span", { class: "out-caption-prompt" }, kit.promptWords(request)) : null;
    const words = request ? this.settings(request, picture) : picture ? this.unmade(picture) : "";
    this.caption.replaceChildren(prompt ?? "", el("span", {}, words));
    this.caption.title = [request && kit.promptWords(request), words].filter(Boolean).join("\n");
  }

  /** @param {import("../core/events.js").Request} request @param {Picture | null} shown */
  settings(request, shown) {
    return kit.settingsLine(request, {
      model: shown?.label ?? pictures.modelLabel(request.model),
      seed: shown?.seed ?? null,
      picture: shown,
    });
  }

  /** Of a picture that was not made here. @param {Picture} picture */
  unmade({ id, label, width, height }) {
    const number = this.references.indexOf(id) + 1;
    return kit.line(number && `Reference ${number}`, label, `${width} × ${height}`);
  }
}

/** @param {Part} said */
export const stage = ({ element }) => new Stage(element);
