// The crop tool: a rectangle on the untouched picture that becomes the avatar. Pointer and keys move and resize it;
// the numbers are pixels of the original. Opened by `crop:open` {character, version} on the bus.

import * as pictures from "../collection/pictures.js";
import { fileAddress } from "../core/addresses.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { cast } from "./cast.js";

/** @import { Character, PortraitVersion } from "../core/schemas.js" */

const ASPECTS = [
  ["1:1", "1:1"],
  ["3:4", "3:4"],
  ["free", "Free"],
];
/** @type {Record<string, number>} */
const SHARES = { "1:1": 1, "3:4": 3 / 4 };
const CORNERS = ["nw", "ne", "sw", "se"];
const LEAST = 16;
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SIDES = [64, 128, 256, 512, 1024];
/** @type {Record<string, string>} */
const AROUND = {
  face: "First guess: around the face",
  figure: "First guess: around the head, as far as it can be told",
  middle: "No head was found: the upper middle",
};
const HOW = "Arrow keys move it, Shift and arrow keys resize it";
/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class CropTool {
  /** @type {Character} */
  character;
  /** @type {PortraitVersion} */
  version;
  /** @type {{} | null} */
  touched;
  /** @type {{ x: number; y: number; width: number; height: number; }} */
  crop;
  /** What the artist is told first. @type {string} */
  words;

  constructor() {
    this.dialog = kit.dialog({ id: "crop-tool", title: "Crop the avatar", kind: "wide tall" });
    this.image = el("img", { class: "crop-image", alt: "", draggable: "false" });
    this.box = el(
      "div",
      {
        class: "crop-box",
        id: "crop-box",
        tabindex: 0,
        role: "application",
        "aria-label": "Crop rectangle. Arrow keys move it, Shift and arrow keys resize it.",
      },
      CORNERS.map((corner) => el("span", { class: `crop-handle ${corner}`, "data-corner": corner })),
    );
    this.stage = el("div", { class: "crop-stage" }, this.image, this.box);
    this.aspect = kit.segments("Shape", ASPECTS, () => this.reshape());
    this.numbers = el("span", { class: "crop-numbers", id: "crop-numbers", role: "status" });
    this.hint = el("span", { class: "crop-hint" });
    const apply = kit.button({ id: "crop-apply", name: "check", label: "Set as avatar", kind: "strong", run: () => this.apply() });
    const cancel = kit.button({ label: "Cancel", kind: "ghost", run: () => this.dialog.close() });
    this.dialog.body.append(el("div", { class: "crop-view" }, this.stage));
    this.dialog.node.append(
      el(
        "div",
        { class: "out-dialog-foot crop-foot" },
        this.aspect.node,
        el("div", { class: "crop-said" }, this.numbers, this.hint),
        cancel,
        apply,
      ),
    );
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("pointerdown", (event) => this.press(event));
  }

  /** `words`: said until a head is looked for. @param {{character: Character, version: PortraitVersion, words?: string}} said */
  async open({ character, version, words = HOW }) {
    this.character = character;
    this.version = version;
    this.image.src = fileAddress(version.image_id);
    this.image.alt = `Portrait of ${character.name}`;
    this.stage.style.setProperty("--ratio", version.width / version.height);
    const { avatar } = character;
    const kept = avatar?.image_id === version.image_id ? avatar.crop : null;
    this.aspect.pick(kept?.aspect ?? "1:1");
    this.set(kept ?? this.middle());
    this.hint.textContent = this.words = words;
    this.dialog.open();
    this.box.focus();
    if (!kept) await this.guess();
  }

  /** The largest rectangle of the shape, in the upper middle. */
  middle() {
    const { width, height } = this.version;
    const share = SHARES[this.aspect.state.value];
    if (!share) return { x: 0, y: 0, width, height };
    const wide = Math.floor(Math.min(width, height * share));
    const high = Math.floor(wide / share);
    return { x: Math.floor((width - wide) / 2), y: Math.floor((height - high) / 4), width: wide, height: high };
  }

  async guess() {
    const { version, character } = this;
    const touched = (this.touched = {});
    const found = await cast.guess(character.id, version.id, this.aspect.state.value).catch(() => null);
    if (!found || this.version !== version || this.touched !== touched) return;
    this.set(found.crop);
    this.hint.textContent = this.words === HOW ? AROUND[found.around] : `${this.words} ${AROUND[found.around]}`;
  }

  reshape() {
    this.touched = null; // a guess still on its way was for another shape
    this.set(this.middle());
    if (this.aspect.state.value !== "free") this.guess();
    this.box.focus();
  }

  // --- the rectangle --------------------------------------------------------------------------
  /** @param {{x: number, y: number, width: number, height: number}} said */
  set({ x, y, width, height }) {
    const most = this.version;
    const share = SHARES[this.aspect.state.value];
    let wide = clamp(Math.round(width), LEAST, most.width);
    let high = share ? Math.round(wide / share) : clamp(Math.round(height), LEAST, most.height);
    if (high > most.height) [wide, high] = [Math.round(most.height * (share ?? wide / high)), most.height];
    this.crop = {
      x: clamp(Math.round(x), 0, most.width - wide),
      y: clamp(Math.round(y), 0, most.height - high),
      width: wide,
      height: high,
    };
    /** @param {number} value @param {number} whole */
    const part = (value, whole) => `${(100 * value) / whole}%`;
    Object.assign(this.box.style, {
      left: part(this.crop.x, most.width),
      top: part(this.crop.y, most.height),
      width: part(wide, most.width),
      height: part(high, most.height),
    });
    this.numbers.textContent = `${wide} × ${high} px at ${this.crop.x}, ${this.crop.y}`;
  }

  /** @param {number} dx @param {number} dy */
  move(dx, dy) {
    this.set({ ...this.crop, x: this.crop.x + dx, y: this.crop.y + dy });
  }

  /**
   * Corner `corner` is at (x, y) in picture pixels; the opposite one stays.
   * @param {string} corner
   * @param {number} x
   * @param {number} y
   */
  stretch(corner, x, y) {
    const { crop } = this;
    const west = corner.includes("w");
    const north = corner.includes("n");
    const [right, bottom] = [crop.x + crop.width, crop.y + crop.height];
    const share = SHARES[this.aspect.state.value];
    let width = clamp(west ? right - x : x - crop.x, LEAST, west ? right : this.version.width - crop.x);
    let height = clamp(north ? bottom - y : y - crop.y, LEAST, north ? bottom : this.version.height - crop.y);
    if (share) [width, height] = width / share <= height ? [width, width / share] : [height * share, height];
    this.set({ x: west ? right - width : crop.x, y: north ? bottom - height : crop.y, width, height });
  }

  // --- hands ----------------------------------------------------------------------------------
  /** @param {KeyboardEvent} event */
  key(event) {
    const by = MOVES[event.key];
    if (event.key === "Enter") return (event.preventDefault(), this.apply());
    if (!by) return undefined;
    event.preventDefault();
    this.touched = null;
    const step = event.ctrlKey || event.metaKey ? 10 : 1;
    const [dx, dy] = by.map((one) => one * step);
    if (!event.shiftKey) return this.move(dx, dy);
    return this.set({
      ...this.crop,
      width: this.crop.width + (dx || (SHARES[this.aspect.state.value] ? dy : 0)),
      height: this.crop.height + dy,
    });
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button) return;
    event.preventDefault();
    this.touched = null;
    const { width } = this.stage.getBoundingClientRect();
    const scale = this.version.width / width;
    const start = { x: event.clientX, y: event.clientY, crop: this.crop };
    const { corner } = /** @type {HTMLElement} */ (event.target).dataset;
    /** @param {PointerEvent} said */
    const at = ({ clientX, clientY }) => {
      const box = this.stage.getBoundingClientRect();
      return [(clientX - box.left) * scale, (clientY - box.top) * scale];
    };
    /** @param {PointerEvent} moved */
    const move = (moved) => {
      if (corner) return this.stretch(corner, at(moved)[0], at(moved)[1]);
      return this.set({
        ...start.crop,
        x: start.crop.x + (moved.clientX - start.x) * scale,
        y: start.crop.y + (moved.clientY - start.y) * scale,
      });
    };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener("pointermove", move);
    const end = () => (this.stage.removeEventListener("pointermove", move), this.box.focus());
    this.stage.addEventListener("pointerup", end, { once: true });
    this.stage.addEventListener("pointercancel", end, { once: true });
  }

  async apply() {
    const crop = { ...this.crop, aspect: /** @type {import("../core/schemas.js").Crop["aspect"]} */ (this.aspect.state.value) };
    const done = await cast.setAvatar(this.character.id, this.version.id, crop).catch(() => null); // its toast has said why
    if (!done) return;
    this.dialog.close();
    toast(`${this.character.name} has a new avatar.`, "success");
  }
}

/**
 * The avatar as a file, in the size and kind the artist wants.
 * @param {{character: {id: string, name: string}}} said
 */
export function exportAvatar({ character }) {
  const dialog = kit.dialog({ id: "avatar-export", title: `Avatar of ${character.name}`, onClose: () => dialog.node.remove() });
  const side = kit.choice(
    "Longest side",
    SIDES.map((one) => [String(one), `${one} px`]),
    () => {},
    { id: "avatar-side" },
  );
  const kind = kit.choice(
    "Kind of file",
    [
      ["png", "PNG"],
      ["webp", "WebP"],
      ["jpeg", "JPEG"],
    ],
    () => {},
    { id: "avatar-kind" },
  );
  side.select.value = "256";
  const save = () => pictures.save(`${cast.avatar(character.id, side.select.value, kind.select.value)}&download=1`);
  dialog.body.append(el("div", { class: "chr-pair" }, side.node, kind.node));
  dialog.node.append(
    el(
      "div",
      { class: "out-dialog-foot end" },
      kit.button({ label: "Close", kind: "ghost", run: () => dialog.close() }),
      kit.button({ id: "avatar-save", name: "download", label: "Save", kind: "strong", run: save }),
    ),
  );
  dialog.open();
}

/** @type {CropTool | null} */
let shown = null;

/**
 * Open it; it is made when it is first asked for.
 * @param {{character: Character, version: PortraitVersion, words?: string}} options
 */
export function open(options) {
  shown ??= new CropTool();
  shown.open(options);
}
