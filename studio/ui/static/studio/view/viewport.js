// Zoom and pan of the picture on the stage, by mouse, pen, finger and keys; and what a press on it means: held still it
// shows what the picture was made from, moved it pans, on two fingers it zooms. Knows nothing of pictures.
import * as views from "./view.js";

/** @typedef {import("./view.js").Point} Point */
/** @typedef {import("./view.js").Box} Box */

const HELD = 220; // ms a press must rest to be a look at the reference
const STILL = 8; // px it may move meanwhile

/** @param {PointerEvent} event @returns {Point} */
const place = (event) => ({ x: event.clientX, y: event.clientY });

export class Viewport {
  /**
   * @param {HTMLElement} frame what the picture is seen through
   * @param {HTMLElement} box what is moved; it has the picture's shape and fits the frame
   * @param {{peek: (on: boolean) => unknown, moved: () => unknown, drags?: (event: PointerEvent) => boolean}} said
   *   `drags`: whether a press is for somebody else, a brush for instance
   */
  constructor(frame, box, { peek, moved, drags = () => false }) {
    this.frame = frame;
    this.box = box;
    this.peek = peek;
    this.moved = moved;
    this.drags = drags;
    /** @type {Box} */
    this.picture = { width: 1, height: 1 };
    this.view = views.FIT;
    /** @type {Map<number, Point>} */
    this.fingers = new Map();
    this.timer = 0;
    this.looking = false;
    this.touched = false; // whether the press that is going on is a finger's
    this.listen();
    new ResizeObserver(() => this.set(this.view)).observe(frame);
  }

  listen() {
    const { frame } = this;
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.down(event));
    frame.addEventListener("pointermove", (event) => this.move(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
      frame.addEventListener(name, (event) => this.up(event));
    }
    frame.addEventListener("contextmenu", (event) => this.fingers.size && event.preventDefault());
  }

  // --- measures -----------------------------------------------------------------------------
  get port() {
    return { width: this.frame.clientWidth, height: this.frame.clientHeight };
  }

  /** The picture's box where it fits. */
  get fitting() {
    return views.fitted(this.port, this.picture);
  }

  /** The zoom of 1:1. */
  get one() {
    return views.oneToOne(this.fitting, this.picture, window.devicePixelRatio);
  }

  /** From the frame's middle. @param {Point} at on the page @returns {Point} */
  inFrame({ x, y }) {
    const at = this.frame.getBoundingClientRect();
    return { x: x - at.left - at.width / 2, y: y - at.top - at.height / 2 };
  }

  /** In the picture's own pixels. @param {Point} at on the page */
  inPicture(at) {
    return views.toPicture(this.inFrame(at), this.view, this.fitting, this.picture);
  }

  // --- moving -------------------------------------------------------------------------------
  /** Another picture, seen whole. @param {Box} size */
  show(size) {
    this.picture = size;
    this.set(views.FIT);
  }

  /** @param {import("./view.js").View} view */
  set(view) {
    const { port } = this;
    if (!port.width || !port.height) return;
    const [least, most] = views.limits(this.one);
    const zoom = Math.min(most, Math.max(least, view.zoom));
    this.view = views.clamped({ ...view, zoom }, port, this.fitting);
    const { x, y } = this.view;
    this.box.style.transform = zoom === 1 ? "" : `translate(${x}px, ${y}px) scale(${zoom})`;
    this.frame.classList.toggle("zoomed", zoom > 1);
    this.box.classList.toggle("grainy", zoom > Math.max(1, 4 * this.one));
    this.moved();
  }

  /** @param {number} zoom @param {Point} [at] in the frame */
  zoomTo(zoom, at = { x: 0, y: 0 }) {
    const [least, most] = views.limits(this.one);
    this.set(views.zoomedTo(this.view, Math.min(most, Math.max(least, zoom)), at));
  }

  /** @param {1 | -1} direction */
  step(direction) {
    this.zoomTo(views.stepped(this.view.zoom, direction));
  }

  fit() {
    this.set(views.FIT);
  }

  actual() {
    this.zoomTo(this.one);
  }

  /** @param {number} x @param {number} y */
  pan(x, y) {
    this.set({ ...this.view, x: this.view.x + x, y: this.view.y + y });
  }

  /** In percent of 1:1. */
  get percent() {
    return (this.view.zoom / this.one) * 100;
  }

  // --- mouse, pen, finger -------------------------------------------------------------------
  /** Farther than fitting, the wheel scrolls the page, and a page that is scrolled is scrolled back first. @param {WheelEvent} event */
  wheel(event) {
    const nearer = event.deltaY < 0;
    const scrolls = !event.ctrlKey && (nearer ? window.scrollY > 8 && this.view.zoom <= 1 : this.view.zoom <= 1);
    if (scrolls || !event.deltaY) return;
    event.preventDefault();
    const by = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015));
    const next = this.view.zoom * by;
    this.zoomTo((this.view.zoom - 1) * (next - 1) < 0 ? 1 : next, this.inFrame({ x: event.clientX, y: event.clientY }));
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.target instanceof Element && event.target.closest("button, input")) return;
    const pans = event.button === 1;
    if (event.button && !pans) return;
    if (!pans && !this.fingers.size && this.drags(event)) return;
    if (pans) event.preventDefault();
    this.touched = event.pointerType === "touch";
    this.fingers.set(event.pointerId, place(event));
    if (event.pointerType !== "mouse" || this.view.zoom > 1 || pans) this.frame.setPointerCapture(event.pointerId);
    clearTimeout(this.timer);
    if (this.fingers.size > 1) return this.look(false);
    if (!pans) this.timer = window.setTimeout(() => this.look(true), HELD);
  }

  /** A finger that somebody else had is one of two now. @param {number} id @param {Point} at */
  adopt(id, at) {
    this.fingers.set(id, at);
    this.touched = true;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    if (this.fingers.size === 2) return this.pinch(event.pointerId, now);
    if (this.looking || Math.hypot(now.x - before.x, now.y - before.y) < (this.timer ? STILL : 0)) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.fingers.set(event.pointerId, now);
    if (this.view.zoom > 1) this.pan(now.x - before.x, now.y - before.y);
  }

  /** @param {number} id @param {Point} now */
  pinch(id, now) {
    const ids = [...this.fingers.keys()];
    const pair = () => /** @type {[Point, Point]} */ (ids.map((each) => this.fingers.get(each)));
    const before = pair();
    this.fingers.set(id, now);
    const { from, to, by } = views.pinch(before, pair());
    const [least, most] = views.limits(this.one);
    const zoom = Math.min(most, Math.max(least, this.view.zoom * by));
    const near = views.zoomedTo(this.view, zoom, this.inFrame(from));
    this.set({ ...near, x: near.x + to.x - from.x, y: near.y + to.y - from.y });
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.look(false);
  }

  /** @param {boolean} on */
  look(on) {
    this.timer = 0;
    if (on === this.looking) return;
    this.looking = on;
    this.peek(on);
  }
}
