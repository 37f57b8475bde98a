// Where the picture's shape is another than its reference's: crop or extend, each with a small drawing of what becomes of the
// reference. Draws into Gradio's two choices, which hold the value.
import { toShape } from "../collection/extending.js";
import * as pictures from "../collection/pictures.js";
import { thumbnailAddress } from "../core/addresses.js";
import { on } from "../core/bus.js";
import { api } from "../core/rest.js";
import { recall } from "./memory.js";

/** @typedef {{width: number, height: number}} Size */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */

const SAME = 0.02; // how far apart two shapes may be, as steps of sizes make them
const MODES = ["smart_edit", "img2img", "inpaint"];
const SVG = "http://www.w3.org/2000/svg";
const ROOM = 0.15; // around a head, as where it is cropped

/** Width over height of what is asked for, or null: the reference's own. @param {string} shape */
export function ratioOf(shape) {
  const [width, height] = String(shape ?? "")
    .split(/[:x]/)
    .map(Number);
  return width && height ? width / height : null;
}

/** @param {Size} size @param {number | null} ratio */
export const differs = ({ width, height }, ratio) => ratio !== null && Math.abs(Math.log(width / height / ratio)) > SAME;

/** Where the kept part begins along one side. @param {number} length @param {number} kept @param {[number, number] | null} head */
function placed(length, kept, head) {
  let start = Math.floor((length - kept) / 2);
  if (head) {
    const room = Math.max(0, Math.min((head[1] - head[0]) * ROOM, (kept - (head[1] - head[0])) / 2));
    start = Math.min(Math.max(start, head[1] + room - kept), head[0] - room);
  }
  return Math.max(0, Math.min(start, length - kept));
}

/** The part of a picture that a crop keeps. @param {Size} size @param {number} ratio @param {Box | null} head in parts of it @returns {Box} */
export function cropOf({ width, height }, ratio, head) {
  const wide = Math.min(width, height * ratio);
  const high = Math.min(height, width / ratio);
  const across = head && /** @type {[number, number]} */ ([head.x * width, (head.x + head.width) * width]);
  const down = head && /** @type {[number, number]} */ ([head.y * height, (head.y + head.height) * height]);
  return { x: placed(width, wide, across), y: placed(height, high, down), width: wide, height: high };
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

/** A picture inside a frame. @param {string} id @param {Box} picture @param {Box} frame the picture that is to come */
function drawing(id, picture, frame) {
  const left = Math.min(picture.x, frame.x);
  const top = Math.min(picture.y, frame.y);
  const wide = Math.max(picture.x + picture.width, frame.x + frame.width) - left;
  const high = Math.max(picture.y + picture.height, frame.y + frame.height) - top;
  const svg = shape("svg", { class: "fit-drawing", viewBox: `${left} ${top} ${wide} ${high}`, "aria-hidden": "true" });
  /** @param {Box} all */
  const box = ({ x, y, width, height }) => ({ x, y, width, height });
  svg.append(
    shape("rect", { ...box(frame), class: "fit-new" }),
    shape("image", { ...box(picture), href: thumbnailAddress(id), preserveAspectRatio: "none" }),
    shape("path", {
      class: "fit-lost",
      "fill-rule": "evenodd",
      d: `${outline({ x: left, y: top, width: wide, height: high })}${outline(frame)}`,
    }),
    shape("rect", { ...box(frame), class: "fit-frame" }),
  );
  return svg;
}

/** @param {Box} box */
const outline = ({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`;

/** @type {Map<string, Promise<Box | null>>} */
const heads = new Map();

/** @param {string} id */
function headOf(id) {
  if (!heads.has(id))
    heads.set(
      id,
      api(pictures.path(id, "/head?optional=1"), { quiet: true }).catch(() => null),
    );
  return /** @type {Promise<Box | null>} */ (heads.get(id));
}

async function draw() {
  const group = document.getElementById("fit-group");
  const state = recall();
  const source = (state.references ?? []).find((/** @type {{role: string | null}} */ one) => !one.role || one.role === "source");
  const record = source && MODES.includes(state.mode) ? await pictures.get(source.image_id).catch(() => null) : null;
  const ratio = ratioOf(state.aspect_ratio);
  const size = record && { width: Number(record.width), height: Number(record.height) };
  const offered = Boolean(size && ratio && differs(size, ratio));
  document.body.classList.toggle("lk-fit-offered", offered);
  if (!group || !size || !ratio || !offered) return;
  const head = await headOf(record.id);
  const whole = { x: 0, y: 0, ...size };
  const added = toShape(size, `${ratio}:1`);
  const canvas = {
    x: -added.left,
    y: -added.top,
    width: size.width + added.left + added.right,
    height: size.height + added.top + added.bottom,
  };
  put(group, "crop", drawing(record.id, whole, cropOf(size, ratio, head)));
  put(group, "extend", drawing(record.id, whole, canvas));
}

/** @param {HTMLElement} group @param {string} value @param {Element} svg */
function put(group, value, svg) {
  const label = group.querySelector(`input[value="${value}"]`)?.closest("label");
  label?.querySelector(".fit-drawing")?.remove();
  label?.prepend(svg);
}

/** @type {Promise<unknown>} one drawing after the other */
let turn = Promise.resolve();
const again = () => (turn = turn.then(draw, draw));
on("settings:settled", again);
again();
