// The portrait modal: left the portrait large, with its versions; right what the next one is made from. A file that
// is dropped, pasted or chosen becomes a new version. Opened by `portrait:open` {id, generate} on the bus.

import { thumbnailAddress } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { showTab } from "../core/sections.js";
import { latestSnapshot, onSnapshot } from "../core/snapshot.js";
import { relabel } from "../kit/buttons.js";
import { bringsSomething, droppedFiles, PICTURE, pastedPictures } from "../kit/drops.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import { cast } from "./cast.js";
import { loadCharacter, loadedCharacter } from "./loaded.js";
import { PortraitKnobs } from "./portrait_knobs.js";
import { VersionView } from "./versions.js";

/** @import { CharacterSummary } from "../core/schemas.js" */
/** @import { Job, Snapshot } from "../core/events.js" */

const IDLE = "Each one becomes a new version.";

export class PortraitModal {
  /** @type {import("../core/events.js").Job | null} */
  job;
  /** @type {null} */
  known;
  /** @type {import("../core/schemas.js").Character} */
  character;

  constructor() {
    this.dialog = kit.dialog({ id: "portrait-modal", title: "Portrait", kind: "wide tall chr-modal", onClose: () => this.closed() });
    const toModels = () => (this.dialog.close(), showTab("models"));
    this.knobs = new PortraitKnobs({ picture: () => this.view.current?.image_id ?? null, toModels });
    this.view = new VersionView(this);
    this.progress = this.makeProgress();
    this.generate = kit.button({ id: "portrait-generate", label: "Generate", kind: "strong", run: () => this.make() });
    const right = el("div", { class: "chr-right" }, this.knobs.node, el("div", { class: "chr-make" }, this.progress.node, this.generate));
    this.dialog.body.append(el("div", { class: "chr-columns" }, this.view.node, right));
    this.listen();
  }

  makeProgress() {
    const words = el("span", { class: "chr-progress-words", role: "status" });
    const bar = el(
      "div",
      { class: "out-bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 },
      el("i"),
    );
    const cancel = kit.button({ id: "portrait-cancel", name: "close", label: "Cancel", run: () => this.cancel() });
    return { node: el("div", { class: "chr-progress" }, words, cancel, bar), words, bar, cancel };
  }

  listen() {
    const { node } = this.dialog;
    on("characters:changed", ({ id }) => this.open_ && (!id || id === this.character?.id) && this.refresh());
    onSnapshot((snapshot) => this.open_ && this.follow(snapshot));
    node.addEventListener("keydown", (event) => this.key(event));
    node.addEventListener("paste", (event) => this.paste(event));
    /** @param {DragEvent} event */
    const wanted = (event) => bringsSomething(event) || Boolean(event.dataTransfer?.types.includes(PICTURE));
    node.addEventListener("dragover", (event) => wanted(event) && (event.preventDefault(), this.view.lit(true)));
    node.addEventListener("dragleave", (event) => node.contains(/** @type {Node | null} */ (event.relatedTarget)) || this.view.lit(false));
    node.addEventListener("drop", (event) => wanted(event) && this.drop(event));
  }

  get open_() {
    return this.dialog.node.open;
  }

  /** @param {{id: string, generate?: boolean}} said */
  async open({ id, generate = false }) {
    const answer = await Promise.all([cast.get(id), cast.defaults(id)]).catch(() => null); // a toast has said why
    if (!answer || this.dialog.typing()) return;
    this.job = null;
    this.known = null;
    const [character, defaults] = answer;
    this.character = character;
    this.dialog.heading.textContent = character.name;
    await Promise.all([this.knobs.start(character, defaults), this.view.load(character, true)]);
    this.dialog.open();
    this.drawButton();
    const snapshot = latestSnapshot();
    if (snapshot) this.follow(snapshot);
    (generate ? this.knobs.prompt.box : this.view.node).focus();
  }

  closed() {
    this.view.leave();
  }

  /** The character was changed, here or in another tab. */
  async refresh() {
    const { id } = this.character;
    const character = await api(`/characters/${encodeURIComponent(id)}`, { quiet: true }).catch(({ problem }) =>
      problem?.status === 404 ? false : null,
    );
    if (character === false) return void this.dialog.close();
    if (!character || this.character.id !== id) return;
    this.character = character;
    this.dialog.heading.textContent = character.name;
    await this.view.load(character);
    this.drawButton();
  }

  drawButton() {
    const words = this.character.portrait ? "Regenerate" : "Generate";
    relabel(this.generate, words);
  }

  // --- making one -------------------------------------------------------------------------------
  async make() {
    let request = null;
    try {
      request = this.knobs.request();
    } catch (problem) {
      return void toast(/** @type {Error} */ (problem).message, "error");
    }
    this.generate.disabled = true;
    const job = await cast.generate(this.character.id, request).catch(() => null); // its toast has said why
    this.generate.disabled = false;
    if (!job) return;
    this.dialog.settled(); // its text is kept with the picture
    this.watch(job);
  }

  /** @param {Job} job */
  watch(job) {
    this.job = job;
    this.drawJob();
  }

  /** This character's job: the one asked for here, or one that was under way already. @param {Snapshot} said */
  follow({ jobs }) {
    const mine = jobs.filter((job) => job.request.character === this.character?.id);
    const active = mine.filter(kit.isActive).at(-1);
    const before = this.job;
    this.job = mine.find((job) => job.id === before?.id && kit.isActive(job)) ?? active ?? null;
    const ended = before && mine.find((job) => job.id === before.id && !kit.isActive(job));
    if (ended) this.ended(ended);
    this.drawJob();
  }

  /** @param {Job} job */
  ended(job) {
    if (job.status === "failed") toast(job.error?.message ?? "This portrait was not made. Try again.", "error");
    if (job.images.length) cast.tell(this.character.id);
  }

  drawJob() {
    const { job, progress } = this;
    progress.node.classList.toggle("off", !job);
    progress.words.textContent = job ? [kit.jobWords(job), kit.etaWords(job)].filter(Boolean).join(" · ") : IDLE;
    progress.cancel.disabled = !job || Boolean(job.cancel_requested);
    const share = job ? kit.progress(job) : 0;
    progress.bar.classList.toggle("unknown", job?.status === "running" && share === null);
    progress.bar.children[0].style.setProperty("--share", share ?? 0);
    this.view.preview(job);
  }

  cancel() {
    if (this.job) api(`/jobs/${encodeURIComponent(this.job.id)}/cancel`, { method: "POST" }).catch(() => {}); // its toast has said why
  }

  // --- bringing one -----------------------------------------------------------------------------
  /** @param {File[]} files */
  async take(files) {
    for (const file of files) await cast.addFile(this.character.id, file).catch(() => {}); // its toast has said why
    await this.keepPerson();
  }

  /** @param {string} imageId */
  async takePicture(imageId) {
    await cast.addPicture(this.character.id, imageId).catch(() => {}); // its toast has said why
    await this.keepPerson();
  }

  /** A portrait was given: the next one is to show the same person. */
  async keepPerson() {
    const { id } = this.character;
    const [defaults] = await Promise.all([cast.defaults(id).catch(() => null), this.view.load(this.character, true)]);
    if (defaults && this.character.id === id) this.knobs.follow(defaults);
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    event.stopPropagation(); // the Studio below takes pasted pictures, too
    const files = pastedPictures(event);
    if (!files.length) return;
    event.preventDefault();
    this.take(files);
  }

  /** @param {DragEvent} event */
  drop(event) {
    event.preventDefault();
    event.stopPropagation();
    this.view.lit(false);
    const { dataTransfer } = event;
    if (dataTransfer?.types.includes(PICTURE)) this.takePicture(dataTransfer.getData(PICTURE));
    else droppedFiles(event).then((files) => this.take(files));
  }

  // --- hands ------------------------------------------------------------------------------------
  /** @param {KeyboardEvent} event */
  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") return (event.preventDefault(), this.generate.click());
    if (kit.isTyping(event) || closest(event, "[popover]")) return undefined;
    const by = { ArrowLeft: 1, ArrowRight: -1 }[event.key];
    if (!by || event.shiftKey) return undefined;
    event.preventDefault();
    return this.view.step(by);
  }

  /** To the studio with this portrait as the reference, and the character loaded. @param {string} imageId */
  toStudio(imageId) {
    this.dialog.close();
    loadCharacter(this.character);
    showTab("studio");
    if (imageId) requestChange({ action: "edit", image_id: imageId });
  }
}

/** From the studio: a picture becomes a version of a character, then its avatar. @param {{id: string}} said */
export async function applyTo({ id: imageId }) {
  const loaded = loadedCharacter();
  const all = await cast.list({}).catch(() => []);
  if (!all.length) return void toast("There is no character yet. Make one in the Characters section first.");
  const dialog = kit.dialog({ id: "apply-to-character", title: "Apply to a character", onClose: () => dialog.node.remove() });
  /** @param {CharacterSummary} one */
  const use = async (one) => {
    dialog.close();
    const added = await cast.addPicture(one.id, imageId).catch(() => null); // its toast has said why
    if (!added) return;
    toast(`${one.name} has a new portrait.`, "success");
    await open({ id: one.id });
    const character = await cast.get(one.id).catch(() => null); // its toast has said why
    if (character) emit("crop:open", { character, version: added[0], words: `Cancel keeps the avatar of ${one.name} as it is.` });
  };
  const order = [...all].sort((a, b) => Number(b.id === loaded?.id) - Number(a.id === loaded?.id));
  dialog.body.append(
    el(
      "div",
      { class: "chr-choose" },
      order.map((one) =>
        el(
          "button",
          { type: "button", class: "lk-menu-item", "data-character": one.id, onclick: () => use(one) },
          one.portrait ? el("img", { src: thumbnailAddress(one.portrait.image_id), alt: "" }) : el("span", { class: "chr-noface" }),
          el("span", {}, one.name),
        ),
      ),
    ),
  );
  dialog.open();
  dialog.body.querySelector("button")?.focus();
}

/** @type {PortraitModal | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{id: string, generate?: boolean}} options */
export function open(options) {
  shown ??= new PortraitModal();
  return shown.open(options);
}
