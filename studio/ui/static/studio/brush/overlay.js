// The mask as it is seen: red over the picture, with the outline of what is being drawn and the brush's rim. What is shown
// may be coarser than the mask, never the other way round.
import { el } from "../../core/dom.js";

/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./mask.js").Area} Area */
/** @typedef {import("./mask.js").Point} Point */

const MOST = 4e6; // pixels of the canvas: phones allow few
const COLOUR = [255, 40, 90];
const STRENGTH = 0.55;
/** What each value of the mask looks like, as a canvas keeps its pixels: one number each, for millions of them are drawn. */
const TINTS = new Uint32Array(Uint8ClampedArray.from({ length: 4 * 256 }, (_, i) => COLOUR[i % 4] ?? (i >> 2) * STRENGTH).buffer);
const SVG = "http://www.w3.org/2000/svg";

export class Overlay {
  /** @param {Mask} mask @param {HTMLElement} box what has the picture's shape @param {HTMLElement} frame what it is seen through */
  constructor(mask, box, frame) {
    this.mask = mask;
    this.scale = Math.min(1, Math.sqrt(MOST / (mask.width * mask.height)));
    const size = { width: Math.ceil(mask.width * this.scale), height: Math.ceil(mask.height * this.scale) };
    this.canvas = el("canvas", { class: "brush-canvas", ...size, "aria-hidden": "true" });
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.outline = document.createElementNS(SVG, "svg");
    this.outline.setAttribute("viewBox", `0 0 ${mask.width} ${mask.height}`);
    this.outline.setAttribute("class", "brush-outline");
    this.path = document.createElementNS(SVG, "path");
    this.outline.append(this.path);
    this.rim = el("div", { class: "brush-rim", hidden: true });
    box.append(this.canvas, this.outline);
    frame.append(this.rim);
  }

  /** The mask has changed there. @param {Area} area */
  draw(area) {
    const { scale, mask, canvas } = this;
    const left = Math.max(0, Math.floor(area.x * scale) - 1);
    const top = Math.max(0, Math.floor(area.y * scale) - 1);
    const width = Math.min(canvas.width, Math.ceil((area.x + area.width) * scale) + 1) - left;
    const height = Math.min(canvas.height, Math.ceil((area.y + area.height) * scale) + 1) - top;
    if (!area.width || width <= 0 || height <= 0) return;
    const pixels = this.context.createImageData(width, height);
    const shown = new Uint32Array(pixels.data.buffer);
    const columns = Int32Array.from({ length: width }, (_, x) => Math.min(mask.width - 1, Math.floor((left + x + 0.5) / scale)));
    for (let y = 0; y < height; y++) {
      const row = Math.min(mask.height - 1, Math.floor((top + y + 0.5) / scale)) * mask.width;
      for (let x = 0; x < width; x++) {
        shown[y * width + x] = /** @type {number} */ (TINTS[/** @type {number} */ (mask.data[row + /** @type {number} */ (columns[x])])]);
      }
    }
    this.context.putImageData(pixels, left, top);
  }

  /** What is being drawn, until it is. @param {Point[]} points */
  trace(points) {
    this.path.setAttribute("d", points.length ? `M${points.map(({ x, y }) => `${x} ${y}`).join("L")}Z` : "");
  }

  /** The brush's rim on the screen. @param {Point | null} at in the frame, from its middle @param {number} radius px */
  ring(at, radius) {
    this.rim.hidden = !at;
    if (!at) return;
    this.rim.style.width = this.rim.style.height = `${2 * radius}px`;
    this.rim.style.translate = `calc(${at.x}px - 50%) calc(${at.y}px - 50%)`;
  }

  remove() {
    for (const node of [this.canvas, this.outline, this.rim]) node.remove();
  }
}
