// The stage's buttons and keys for looking: the reference in place of the result while a key or a press is held, nearer,
// farther, one to one, fitting.
import { placeIn, placeOfSource } from "../../collection/extending.js";
import * as pictures from "../../collection/pictures.js";
import { fileAddress } from "../../core/addresses.js";
import { el } from "../../core/dom.js";
import { store } from "../../core/storage.js";
import * as kit from "../../kit/kit.js";
import { Viewport } from "./viewport.js";

/** @typedef {import("../../core/events.js").Picture} Picture */

const PAN = 64; // px by one press of an arrow

const WHAT = "What changed: see and correct it";

/** Why what changed in a picture can't be corrected, or nothing. @param {Picture} record */
function unchangeable({ request, provenance }) {
  if (request?.mode === "outpaint")
    return "Only canvas was added: all of it is new, and the picture itself stayed. There is nothing to correct.";
  if (!provenance?.returned) return "What changed is known only of pictures that refine another.";
  if ((request?.finish?.scale ?? 1) > 1)
    return "It was enlarged after it was refined. Make it without “Finish”, correct it, then enlarge it.";
  return "";
}

/** The picture that one was made from, or null. @param {Picture} record */
function madeFrom(record) {
  const sources = (record.request?.references ?? []).filter(({ role }) => role !== "mask");
  return (sources.find(({ role }) => role === "source") ?? sources[0])?.image_id ?? null;
}

/** @param {string} id @param {import("../../kit/icons.js").IconName | undefined} name @param {string} label @param {string} key @param {() => unknown} run */
const tool = (id, name, label, key, run) => kit.button({ id, name, label, key, words: !name, kind: "ghost small", run });

export class Tools {
  /** @param {{node: HTMLElement, picture: {node: HTMLElement, box: HTMLElement}, row: {tools: HTMLElement}}} said */
  constructor({ node: stage, picture, row }) {
    /** @type {string | null} */
    this.reference = null;
    /** @type {import("../brush/brush.js").Brush | null} */
    this.painter = null;
    this.stage = stage;
    this.record = /** @type {Picture | null} */ (null);
    this.under = el("img", { class: "out-peek", alt: "", hidden: true });
    this.label = el("figcaption", { class: "out-peek-label", hidden: true }, "Reference");
    picture.box.append(this.under);
    picture.node.append(this.label);
    this.shown = "";
    this.node = row.tools;
    this.hold = this.holder();
    this.what = kit.button({
      id: "what-changed",
      name: "changes",
      label: WHAT,
      words: false,
      kind: "ghost small",
      run: () => this.paint(true),
    });
    this.one = tool("zoom-actual", undefined, "100 %", "1", () => this.port.actual());
    this.node.replaceChildren(
      tool("mask", "brush", "Paint a mask", "M", () => this.paint()),
      this.what,
      this.hold,
      tool("zoom-out", "minus", "Zoom out", "-", () => this.port.step(-1)),
      this.one,
      tool("zoom-in", "plus", "Zoom in", "+", () => this.port.step(1)),
      tool("zoom-fit", "fit", "Fit", "0", () => this.port.fit()),
    );
    this.port = new Viewport(picture.node, picture.box, {
      peek: (on) => this.peek(on),
      moved: () => this.moved(),
      drags: (event) => !this.spaced && (this.painter?.down(event) ?? false),
    });
    picture.node.addEventListener("dblclick", (event) => this.toggle(event));
    this.spaced = false; // while the space bar is held, a press moves the picture whatever tool is chosen
    document.addEventListener("keyup", (event) => {
      if (event.key === " ") this.spaced = false;
      if (event.key.toLowerCase() === "o") this.peek(false);
    });
    window.addEventListener("blur", () => this.peek(false));
    this.moved();
  }

  /** Shows the reference while it is held, by pointer or key. */
  holder() {
    const hold = tool("peek", "references", "Show the reference while this is held", "O", () => {});
    hold.addEventListener("pointerdown", (event) => {
      hold.setPointerCapture(event.pointerId); // it stays held where something moves under the pointer
      this.peek(true);
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave", "blur", "keyup"]) hold.addEventListener(name, () => this.peek(false));
    hold.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && this.peek(true));
    hold.addEventListener("contextmenu", (event) => event.preventDefault());
    return hold;
  }

  /** Another picture. @param {Picture} record */
  show(record) {
    const another = this.shown !== record.id;
    this.shown = record.id;
    this.record = record;
    this.reference = madeFrom(record);
    this.hold.disabled = !this.reference;
    const why = unchangeable(record);
    this.what.disabled = Boolean(why);
    this.what.title = why || WHAT;
    if (!another) return;
    this.peek(false);
    this.port.show({ width: record.width || 1, height: record.height || 1 });
    if (store.get("sessionStorage", "painting") === record.id) this.paint();
    if (this.reference)
      pictures.get(this.reference).then(
        () => {},
        () => this.lost(),
      );
  }

  lost() {
    this.reference = null;
    this.hold.disabled = true;
    this.hold.title = "Its reference is not in this collection any more.";
  }

  /** @param {boolean} picture whether a picture is shown */
  draw(picture) {
    this.node.hidden = !picture;
    if (!picture) this.peek(false);
    else this.port.set(this.port.view);
  }

  /** The reference in place of the result. @param {boolean} on */
  peek(on) {
    const shows = on && Boolean(this.reference);
    if (shows && this.reference) this.under.src = fileAddress(this.reference);
    if (shows) placeIn(this.under, placeOfSource(this.record));
    this.under.hidden = this.label.hidden = !shows;
    this.hold.setAttribute("aria-pressed", String(shows));
  }

  moved() {
    if (!this.port) return;
    const words = `${Math.max(1, Math.round(this.port.percent))} %`;
    kit.relabel(this.one, words, `${words}. Show one pixel on one of the screen`);
  }

  /** Between fitting and one to one, or twice as large where that is smaller. @param {MouseEvent} event */
  toggle(event) {
    const { port } = this;
    if (this.painter) return;
    if (port.view.zoom !== 1) port.fit();
    else port.zoomTo(port.one > 1.2 ? port.one : 2, port.inFrame({ x: event.clientX, y: event.clientY }));
  }

  /** Begin to paint a mask, or go on with one; `corrects`: of what changed. */
  async paint(corrects = false) {
    if (!this.record || this.painter) return;
    const { open, correct } = await import("../brush/brush.js");
    await (corrects ? correct : open)(this.record, this, this.stage);
  }

  /** A press is for panning, or for somebody else: the picture is not to be dragged away. */
  holdsPointer() {
    return Boolean(this.painter) || this.port.looking || this.port.view.zoom > 1 || this.port.touched;
  }

  /** Whether a key was for looking. @param {KeyboardEvent} event */
  key(event) {
    if (this.node.hidden) return false;
    const arrows = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] };
    const by = arrows[/** @type {keyof typeof arrows} */ (event.key)];
    if (by && event.shiftKey) this.port.pan(/** @type {number} */ (by[0]), /** @type {number} */ (by[1]));
    else if (event.key === "+" || event.key === "=") this.port.step(1);
    else if (event.key === "-") this.port.step(-1);
    else if (event.key === "0") this.port.fit();
    else if (event.key === "1") this.port.actual();
    else if (event.key.toLowerCase() === "o") this.peek(true);
    else if (event.key.toLowerCase() === "m") this.paint();
    else if (event.key === " " && this.painter && !(event.target instanceof HTMLButtonElement)) this.spaced = true;
    else return false;
    return true;
  }
}
