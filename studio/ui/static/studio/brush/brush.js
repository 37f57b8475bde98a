// Painting a mask on the stage: pointer and keys become shapes in the mask (`mask.js`), which is as large as the picture
// whatever the screen shows. "Use the mask" takes it into the collection and beside its picture into the references.
import { emit, on } from "../../core/bus.js";
import { store } from "../../core/storage.js";
import { styles } from "../../core/styles.js";
import { toast } from "../../kit/toasts.js";
import * as drafts from "./drafts.js";
import { History } from "./history.js";
import { keyDoes } from "./keys.js";
import * as masks from "./mask.js";
import * as morphology from "./morphology.js";
import { Overlay } from "./overlay.js";
import { Panel } from "./panel.js";
import { savePng } from "./png.js";
import { CORRECT, PAINT } from "./purposes.js";
import { understood } from "./reading.js";
import * as selecting from "./selecting.js";
import { fileOf, headOf, pixelsOf, subjectOf } from "./source.js";

/** @typedef {import("../../core/events.js").Picture} Picture */
/** @typedef {import("../view/tools.js").Tools} Tools */
/** @typedef {import("./mask.js").Point} Point */
/** @typedef {import("./purposes.js").Purpose} Purpose */

const KEPT_AFTER = 250; // ms of rest before a draft is kept
const PRESSED = 0.25; // of the brush's width, where a pen hardly touches

export class Brush {
  /** @param {Picture} record @param {Tools} tools @param {HTMLElement} stage @param {masks.Mask} mask @param {import("./purposes.js").Purpose} purpose */
  constructor(record, tools, stage, mask, purpose) {
    this.purpose = purpose;
    this.record = record;
    this.tools = tools;
    this.stage = stage;
    this.mask = mask;
    this.history = new History(mask);
    this.radius = Math.max(1, Math.min(mask.width, mask.height) / 16);
    this.penned = false; // once a pen has painted, fingers only pan and zoom
    /** @type {number | null} */
    this.pointer = null;
    /** @type {Point[]} */
    this.points = [];
    /** @type {masks.Tip | null} */
    this.tip = null;
    this.area = { x: 0, y: 0, width: 0, height: 0 };
    /** @type {Point} */
    this.at = { x: 0, y: 0 }; // the pointer, on the page
    /** @type {Uint8ClampedArray | null} */
    this.pixels = null; // the picture's own, once the wand wants them
    this.erasing = false;
    this.timer = 0;
    this.coming = /** @type {Promise<unknown> | null} */ (null); // what was asked for and is not in the mask yet
    this.dirty = false;
    this.byTouched = false;
    this.overlay = new Overlay(mask, tools.port.box, tools.port.frame);
    this.panel = new Panel({
      act: (name) => this.act(name),
      chosen: () => this.overlay.ring(null, 0),
      sized: () => this.sized(),
      purpose,
    });
    this.panel.by.addEventListener("input", () => (this.byTouched = true));
    this.missing = selecting.missing();
    this.missing.then(({ points, words }) => this.panel.offer({ click: points, words }));
    this.showSize();
    this.listen();
    stage.querySelector(".out-area")?.after(this.panel.node);
    stage.classList.add("painting");
    this.overlay.draw(masks.whole(mask));
    this.update();
  }

  listen() {
    const { frame } = this.tools.port;
    this.leaves = [
      this.hear(document, "keydown", (event) => this.key(event), true),
      this.hear(document, "click", (event) => this.beforeGenerate(event), true),
      this.hear(frame, "pointermove", (event) => this.move(event)),
      this.hear(frame, "pointerup", (event) => this.up(event)),
      this.hear(frame, "pointercancel", (event) => this.up(event)),
      this.hear(frame, "pointerleave", () => this.overlay.ring(null, 0)),
      on("gallery:selected", ({ id }) => id !== this.record.id && this.close()),
      on("tab:shown", () => this.keepNow()),
    ];
    this.tools.painter = this;
  }

  /** @param {EventTarget} target @param {string} name @param {(event: any) => unknown} run */
  hear(target, name, run, capture = false) {
    target.addEventListener(name, run, { capture });
    return () => target.removeEventListener(name, run, { capture });
  }

  // --- pointer ------------------------------------------------------------------------------
  /** Whether a press on the picture paints. @param {PointerEvent} event */
  down(event) {
    if (this.pointer !== null) return this.giveWay(event);
    if (event.pointerType === "touch" && this.penned) return false;
    if (event.pointerType === "pen") this.penned = true;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.tools.port.frame.setPointerCapture(event.pointerId);
    this.erasing = this.panel.tool === "eraser" || event.altKey || Boolean(event.buttons & 32) || (this.panel.takesAway && !this.brushing);
    this.begin(event);
    return true;
  }

  /** A second finger: the two zoom, and what the first one has painted was not meant. @param {PointerEvent} event */
  giveWay(event) {
    if (event.pointerType !== "touch" || this.pointer === null) return true;
    this.history.revert(this.area);
    this.overlay.draw(this.area);
    this.tools.port.adopt(this.pointer, this.at);
    this.rest();
    return false;
  }

  get brushing() {
    return this.panel.tool === "brush" || this.panel.tool === "eraser";
  }

  /** @param {PointerEvent} event @returns {masks.Tip} */
  tipOf(event) {
    const pressure = event.pointerType === "pen" ? PRESSED + (1 - PRESSED) * event.pressure : 1;
    return { ...this.tools.port.inPicture({ x: event.clientX, y: event.clientY }), radius: this.radius * pressure };
  }

  get how() {
    return { softness: Number(this.panel.softness.input.value) / 100, erase: this.erasing };
  }

  /** @param {PointerEvent} event */
  begin(event) {
    const tip = this.tipOf(event);
    this.at = { x: event.clientX, y: event.clientY };
    this.area = { x: 0, y: 0, width: 0, height: 0 };
    if (this.panel.tool === "wand") return this.wait(this.pick(tip));
    const at = { x: tip.x / this.mask.width, y: tip.y / this.mask.height };
    if (this.panel.tool === "click") return this.wait(this.select({ points: [at] }));
    this.points = [tip];
    this.tip = tip;
    if (this.brushing) this.paint(tip);
    return undefined;
  }

  /** @param {masks.Tip} to */
  paint(to) {
    const area = masks.stroke(this.mask, this.tip ?? to, to, this.how);
    this.tip = to;
    this.area = masks.joined(this.area, area);
    this.overlay.draw(area);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { port } = this.tools;
    const onScreen = (this.radius * port.fitting.width * port.view.zoom) / this.mask.width;
    if (event.pointerType !== "touch")
      this.overlay.ring(this.brushing ? port.inFrame({ x: event.clientX, y: event.clientY }) : null, onScreen);
    if (event.pointerId !== this.pointer) return;
    this.at = { x: event.clientX, y: event.clientY };
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) this.go(this.tipOf(each));
  }

  /** @param {masks.Tip} tip */
  go(tip) {
    if (this.brushing) return this.paint(tip);
    if (this.panel.tool === "lasso") this.points.push(tip);
    if (this.panel.tool === "rect") this.points = [/** @type {Point} */ (this.points[0]), tip];
    this.overlay.trace(this.panel.tool === "rect" ? masks.corners(this.points) : this.points);
    return undefined;
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (event.pointerId !== this.pointer) return;
    const points = this.panel.tool === "rect" ? masks.corners(this.points) : this.points;
    const shape = this.panel.tool === "rect" || this.panel.tool === "lasso";
    if (event.type === "pointercancel") this.history.revert(this.area);
    else if (shape) this.area = masks.polygon(this.mask, points, this.erasing);
    this.changed(this.area);
    this.rest();
  }

  rest() {
    this.pointer = null;
    this.tip = null;
    this.points = [];
    this.overlay.trace([]);
  }

  /** @param {Point} at */
  async pick(at) {
    const { erasing } = this;
    this.pixels ??= await pixelsOf(await fileOf(this.record.id), this.mask);
    this.changed(masks.wand(this.mask, this.pixels, at, Number(this.panel.tolerance.input.value), erasing));
  }

  // --- what the buttons do ------------------------------------------------------------------
  /** @param {masks.Area} area */
  changed(area) {
    this.overlay.draw(area);
    if (!this.history.note(area)) return;
    this.dirty = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.keepNow(), KEPT_AFTER);
    this.update();
  }

  update() {
    const area = masks.painted(this.mask);
    const part = masks.share(this.mask);
    const words = area.width ? `${part < 0.01 ? "Less than 1" : Math.round(part * 100)} % ${this.purpose.part}` : this.purpose.none;
    if (!this.byTouched) this.panel.by.value = String(morphology.reach(this.mask, area));
    const { done, undone } = this.history;
    this.panel.update({ undo: done.length > 0, redo: undone.length > 0, painted: area.width > 0, words });
  }

  keepNow() {
    clearTimeout(this.timer);
    if (!this.dirty) return undefined;
    return drafts
      .keep(this.purpose.draft(this.record.id), this.mask)
      .catch((error) => console.warn("likeness: the mask could not be kept", error));
  }

  /** Until that is in the mask, or refused, what else is done waits. @param {Promise<unknown>} asked */
  wait(asked) {
    /** @type {Promise<unknown>} */
    const coming = Promise.allSettled([this.coming, asked]).then(() => coming === this.coming && (this.coming = null));
    this.coming = coming;
  }

  /** @param {import("./panel.js").Act} name @returns {unknown} */
  act(name) {
    if (this.coming && name !== "leave") return this.coming.then(() => this.act(name));
    const by = Math.max(1, Number(this.panel.by.value) || 1);
    const whole = masks.whole(this.mask);
    const acts = {
      undo: () => this.step(this.history.undo()),
      redo: () => this.step(this.history.redo()),
      clear: () => (this.mask.data.fill(0), this.changed(whole)),
      only: () => this.onlyHere(),
      everything: () => (this.mask.data.fill(255), this.changed(whole)),
      invert: () => this.changed(masks.invert(this.mask)),
      grow: () => (morphology.grow(this.mask, by), this.changed(whole)),
      shrink: () => (morphology.shrink(this.mask, by), this.changed(whole)),
      feather: () => (morphology.feather(this.mask, by), this.changed(whole)),
      head: () => this.wait(this.head()),
      subject: () => this.wait(this.subject()),
      words: () => this.wait(this.byWords()),
      load: () => this.choose(),
      save: () => savePng(this.mask, "mask.png"),
      done: () => this.use(),
      also: () => this.use(this.purpose.also?.use),
      leave: () => this.discard(),
    };
    return acts[name]();
  }

  /** Nothing changed yet: what is painted from now on did. @returns {void} */
  onlyHere() {
    this.mask.data.fill(0);
    this.changed(masks.whole(this.mask));
    this.panel.choose("brush");
  }

  /** @param {masks.Area | null} area */
  step(area) {
    if (!area) return;
    this.dirty = true;
    this.overlay.draw(area);
    this.keepNow();
    this.update();
  }

  async head() {
    const head = await headOf(this.record.id, this.mask).catch((refusal) => void toast(refusal.message, "info"));
    if (head) this.changed(masks.add(this.mask, head, this.panel.takesAway));
  }

  async subject() {
    const large = await subjectOf(this.record.id, this.mask).catch((refusal) => void toast(refusal.message, "info"));
    if (large) this.changed(masks.add(this.mask, large, this.panel.takesAway));
  }

  /** What a click or words mean, added or taken away; `erasing` as it was pressed. @param {selecting.Wish} wish */
  async select(wish) {
    const { erasing } = this;
    const lacks = (await this.missing)[wish.words ? "words" : "points"];
    if (lacks) return void toast(lacks, "info");
    this.panel.words.textContent = "Looking…";
    const found = await selecting.meant(this.record.id, wish, this.mask).catch(() => null); // its message has said why
    if (found && this.tools.painter === this) this.changed(masks.add(this.mask, found, erasing));
    this.update();
  }

  /** Ask for the words, then select what they mean. */
  async byWords() {
    const { said } = this.panel;
    const lacks = (await this.missing).words;
    if (lacks) return void toast(lacks, "info");
    const words = said.value.trim();
    if (said.hidden || !words) {
      said.hidden = false;
      return said.focus();
    }
    this.erasing = this.panel.takesAway;
    return this.select({ words });
  }

  choose() {
    emit("picker:open", { max: 1, answer: ([id]) => id && this.wait(fileOf(id).then((file) => this.replace(file))) });
  }

  /** @param {Blob} file */
  async replace(file) {
    this.mask.data.set(understood(await pixelsOf(file, this.mask)));
    this.changed(masks.whole(this.mask));
  }

  /** For what it was painted; false where that could not be done, and then nothing painted is lost. */
  async use(use = this.purpose.use) {
    if (!(await use(this.record, this.mask))) return false;
    await this.discard();
    return true;
  }

  async discard() {
    this.dirty = false;
    clearTimeout(this.timer);
    await drafts.forget(this.purpose.draft(this.record.id)).catch(() => {});
    this.close();
  }

  close() {
    this.keepNow();
    for (const leave of this.leaves ?? []) leave();
    this.tools.painter = null;
    this.overlay.remove();
    this.panel.node.remove();
    this.stage.classList.remove("painting");
    store.set("sessionStorage", "painting", "");
  }

  /** What is painted belongs to what Generate asks for. @param {MouseEvent} event */
  async beforeGenerate(event) {
    const button = event.target instanceof Element ? event.target.closest("#generate") : null;
    if (!button || !(this.dirty || this.coming) || this.purpose !== PAINT) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    await this.coming;
    if (await this.use()) /** @type {HTMLElement} */ (button).click();
  }

  // --- size and keys ------------------------------------------------------------------------
  showSize() {
    const most = Math.max(this.mask.width, this.mask.height) / 2;
    this.panel.size.input.value = String(Math.round((100 * Math.log(this.radius)) / Math.log(most)));
  }

  sized() {
    const most = Math.max(this.mask.width, this.mask.height) / 2;
    this.radius = most ** (Number(this.panel.size.input.value) / 100);
  }

  /** @param {number} by */
  resize(by) {
    this.radius = Math.min(Math.max(this.mask.width, this.mask.height) / 2, Math.max(0.5, this.radius * by));
    this.showSize();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const at = /** @type {HTMLInputElement} */ (event.target);
    const writes = at.matches("textarea, select, input:not([type=range])") || at.isContentEditable;
    if (writes || document.querySelector("dialog[open]")) return;
    if (!keyDoes(event, this)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** @param {number} by */
  soften(by) {
    this.panel.softness.input.value = String(Number(this.panel.softness.input.value) + by);
  }
}

/** Paint a mask on the picture that is shown. @param {Picture} record @param {Tools} tools @param {HTMLElement} stage @param {Purpose} purpose */
export async function open(record, tools, stage, purpose = PAINT) {
  await styles("brush");
  const begun = await purpose.begin(record).catch((refusal) => void toast(refusal.message, "info"));
  if (!begun || tools.painter || tools.shown !== record.id) return;
  if (purpose === PAINT) store.set("sessionStorage", "painting", record.id);
  new Brush(record, tools, stage, begun.mask, purpose).dirty = begun.left; // what was left is not in the request yet
}

/** See what changed in a picture, and correct it. @param {Picture} record @param {Tools} tools @param {HTMLElement} stage */
export const correct = (record, tools, stage) => open(record, tools, stage, CORRECT);
