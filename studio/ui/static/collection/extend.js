// Adding canvas around a picture: an edge is dragged or a shape chosen, the new frame is seen over the picture, and a job of
// this tab paints what was added. Opened by `extend:open` {id}.
import { fileAddress } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { RATIOS } from "../core/rules.js";
import { showTab } from "../core/sections.js";
import { tabId } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { recall } from "../studio/memory.js";
import { around, inWords, isEmpty, MODE, NONE, SIDES, toShape, withSide } from "./extending.js";
import * as pictures from "./pictures.js";

/** @import { ModelInfo } from "../core/schemas.js" */
/** @import { Picture } from "../core/events.js" */
/** @typedef {import("./extending.js").Side} Side */

const FREE = "free";
const ROOM = 1.3; // of the frame's size: an edge can be dragged farther before all is drawn smaller
const STEP = 8; // px by one press of an arrow; with Shift ten times that
const OUTWARD = { left: [-1, 0], right: [1, 0], top: [0, -1], bottom: [0, 1] };
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Extend {
  /** @param {Picture} record @param {ModelInfo[]} models */
  constructor(record, models) {
    this.record = record;
    this.size = { width: Number(record.width), height: Number(record.height) };
    /** @type {import("./extending.js").Margins} */
    this.margins = { ...NONE };
    this.scale = 1; // px of the screen for one of the picture
    this.origin = { x: 0, y: 0 }; // of the picture in the area
    this.picture = el("img", { src: fileAddress(record.id), alt: pictures.alt(record), draggable: "false" });
    this.frame = el("div", { class: "extend-frame", "aria-hidden": "true" });
    this.handles = new Map(SIDES.map((side) => [side, this.handle(side)]));
    this.area = el("div", { class: "extend-area" }, this.frame, this.picture, ...this.handles.values());
    this.shape = kit.segments("Shape", [[FREE, "Free"], ...RATIOS.map((each) => [each, each])], () => this.toShape());
    this.words = el("p", { class: "out-dim", id: "extend-words", role: "status" });
    this.prompt = kit.field("What lies beyond the edge", {
      id: "extend-prompt",
      placeholder: "Needs no words, e.g. a dark library, shelves on both sides",
      maxlength: 2000,
      value: shownWords(record),
    });
    this.model = kit.choice(
      "Model",
      models.map((one) => [one.id, one.label]),
      () => {},
      { id: "extend-model" },
    );
    const now = recall().model?.chosen;
    if (models.some((one) => one.id === now)) this.model.select.value = now;
    this.sized = new ResizeObserver(() => this.fit());
    this.dialog = kit.dialog({ id: "extend-dialog", title: "Extend", kind: "wide", saves: true, onClose: () => this.ended() });
    this.go = kit.button({ id: "extend-go", name: "extend", label: "Extend", kind: "strong", run: () => this.ask().catch(() => {}) });
    this.build();
  }

  build() {
    const { dialog } = this;
    dialog.body.append(this.area, this.shape.node, this.words, el("div", { class: "extend-fields" }, this.prompt.node, this.model.node));
    dialog.node.append(
      el("div", { class: "out-dialog-foot end" }, kit.button({ label: "Cancel", kind: "ghost", run: () => dialog.close() }), this.go),
    );
    this.sized.observe(this.area);
    dialog.open();
    this.fit();
    this.handles.get("right")?.focus();
  }

  ended() {
    this.sized.disconnect();
    this.dialog.node.remove();
  }

  // --- the edges ----------------------------------------------------------------------------
  /** @param {Side} side */
  handle(side) {
    const upright = side === "top" || side === "bottom";
    const node = el("button", {
      type: "button",
      class: `extend-edge ${side}`,
      role: "slider",
      "data-side": side,
      "aria-label": `Canvas to add: ${side}`,
      "aria-orientation": upright ? "vertical" : "horizontal",
      "aria-valuemin": 0,
      "aria-valuemax": 3 * (upright ? this.size.height : this.size.width),
    });
    node.addEventListener("pointerdown", (event) => this.drag(side, event));
    node.addEventListener("keydown", (event) => this.key(side, event));
    return node;
  }

  /** @param {Side} side @param {PointerEvent} event */
  drag(side, event) {
    if (event.button) return;
    event.preventDefault();
    const node = /** @type {HTMLElement} */ (event.currentTarget);
    node.focus();
    node.setPointerCapture(event.pointerId);
    const [x, y] = /** @type {[number, number]} */ (OUTWARD[side]);
    const begun = this.margins[side];
    const move = (/** @type {PointerEvent} */ now) => {
      const by = (now.clientX - event.clientX) * x + (now.clientY - event.clientY) * y;
      this.set(side, begun + by / this.scale);
    };
    const end = () => {
      node.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) node.removeEventListener(name, end);
      this.fit();
    };
    node.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, end);
  }

  /** Arrows move the edge: outward adds. @param {Side} side @param {KeyboardEvent} event */
  key(side, event) {
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== "Home") return;
    const [x, y] = /** @type {[number, number]} */ (OUTWARD[side]);
    const along = arrow ? arrow[0] * x + arrow[1] * y : 0;
    event.preventDefault();
    this.set(side, arrow ? this.margins[side] + along * STEP * (event.shiftKey ? 10 : 1) : 0);
    this.fit();
  }

  /** @param {Side} side @param {number} px */
  set(side, px) {
    this.margins = withSide(this.size, this.margins, side, px);
    this.shape.pick(FREE);
    this.draw();
  }

  toShape() {
    const { value } = this.shape.state;
    if (value !== FREE) this.margins = toShape(this.size, value);
    this.fit();
  }

  // --- drawing ------------------------------------------------------------------------------
  /** The frame in the middle of the area, with room around it. */
  fit() {
    const { clientWidth: wide, clientHeight: high } = this.area;
    const canvas = around(this.size, this.margins);
    if (!wide || !high) return;
    this.scale = Math.min(wide / (canvas.width * ROOM), high / (canvas.height * ROOM));
    this.origin = {
      x: (wide - canvas.width * this.scale) / 2 + this.margins.left * this.scale,
      y: (high - canvas.height * this.scale) / 2 + this.margins.top * this.scale,
    };
    this.draw();
  }

  draw() {
    const { scale, origin, margins, size } = this;
    const canvas = around(size, margins);
    put(this.picture, origin.x, origin.y, size.width * scale, size.height * scale);
    const left = origin.x - margins.left * scale;
    const top = origin.y - margins.top * scale;
    put(this.frame, left, top, canvas.width * scale, canvas.height * scale);
    const ends = {
      left: [left, top + (canvas.height * scale) / 2],
      right: [left + canvas.width * scale, top + (canvas.height * scale) / 2],
      top: [left + (canvas.width * scale) / 2, top],
      bottom: [left + (canvas.width * scale) / 2, top + canvas.height * scale],
    };
    for (const [side, node] of this.handles) {
      const [x = 0, y = 0] = ends[side];
      node.style.left = `${x}px`;
      node.style.top = `${y}px`;
      node.setAttribute("aria-valuenow", String(margins[side]));
      node.setAttribute("aria-valuetext", `${margins[side]} px`);
    }
    this.words.textContent = isEmpty(margins) ? "Drag an edge outward, or choose a shape." : inWords(size, margins);
    this.go.disabled = isEmpty(margins);
  }

  // --- asking -------------------------------------------------------------------------------
  async ask() {
    this.go.disabled = true;
    const json = {
      mode: MODE,
      model: this.model.select.value || null,
      extend: this.margins,
      prompt: this.prompt.input.value,
      references: [{ image_id: this.record.id }],
    };
    try {
      await api(`/jobs?tab=${encodeURIComponent(tabId())}`, { method: "POST", json });
    } finally {
      this.go.disabled = false;
    }
    this.dialog.close();
    showTab("studio");
  }
}

/** The words for what a picture shows, where it was made from some; an instruction says only what was changed. @param {Picture} record */
const shownWords = ({ request }) =>
  !request || request.mode === "smart_edit" || request.mode === "inpaint" ? "" : request.prompt.slice(0, 2000);

/** @param {HTMLElement} node @param {number} left @param {number} top @param {number} width @param {number} height */
function put(node, left, top, width, height) {
  Object.assign(node.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
}

/** @param {{id: string}} said */
export async function open({ id }) {
  const answer = await Promise.all([pictures.get(id), api("/models?add_ons=false")]).catch(() => null);
  if (!answer) return;
  const [record, models] = answer;
  const able = models.filter((/** @type {ModelInfo} */ one) => one.modes.includes(MODE) && one.available === "ready");
  if (!able.length) return void toast("No model on this machine can extend a picture.", "info");
  new Extend(record, able);
}
