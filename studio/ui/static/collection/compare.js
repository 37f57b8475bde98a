// Compare: two pictures as a slider, side by side, in turn, or their difference. Opened by `compare:open` {id, against}
// on the bus; without `against` it is the reference the picture was made from, or the one of them the artist chooses.

import { fileAddress, sized } from "../core/addresses.js";
import { el, matches } from "../core/dom.js";
import { api } from "../core/rest.js";
import { ROLES } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { placeIn, placeOfSource } from "./extending.js";
import * as pictures from "./pictures.js";

/** @import { Change, ImageSummary, ParentLink } from "../core/schemas.js" */
/** @import { Picture } from "../core/events.js" */

const ZOOMS = [
  ["fit", "Fit"],
  ["1", "100 %"],
  ["2", "200 %"],
  ["4", "400 %"],
];
/** @type {[name: keyof Compare["under"], words: string][]} */
const VIEWS = [
  ["slide", "Slider"],
  ["side", "Side by side"],
  ["blink", "Blink"],
  ["difference", "Difference"],
];
const BLINK = 700; // ms each picture is shown
const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

class Compare {
  /** @type {HTMLSpanElement} */
  left;
  /** @type {HTMLSpanElement} */
  right;
  /** @type {HTMLButtonElement} */
  play;
  /** @type {HTMLSpanElement} */
  shown;
  /** @type {HTMLParagraphElement} */
  changes;
  /** @type {{ slide: HTMLSpanElement[]; side: HTMLSpanElement[]; blink: HTMLSpanElement[]; difference: HTMLSpanElement[]; }} */
  under;
  /** @type {HTMLDivElement} */
  foot;
  /** @type {import("../core/events.js").Picture} */
  record;
  /** @type {string} */
  other;
  /** @type {boolean} */
  named;
  /** @type {number | undefined} */
  timer;

  constructor() {
    this.dialog = kit.dialog({ id: "compare-dialog", title: "Compare", kind: "wide tall", onClose: () => this.stop() });
    this.reference = el("img", { class: "out-compare-reference", alt: "" });
    this.picture = el("img", { class: "out-compare-picture", alt: "" });
    /** @param {string} id @param {string} label @param {Record<string, unknown>} props @param {() => unknown} run */
    const slider = (id, label, props, run) => el("input", { type: "range", id, "aria-label": label, ...props, oninput: run });
    this.range = slider("compare-range", "Share of the reference shown", { min: 0, max: 100, step: 1 }, () => this.slide());
    this.gain = slider("compare-gain", "Strength of the difference", { min: 1, max: 16, step: 1, value: 4 }, () => this.amplify());
    this.line = el("span", { class: "out-compare-line", "aria-hidden": "true" });
    this.stage = el("div", { class: "out-compare-stage" }, this.picture, this.reference, this.line);
    this.view = el("div", { class: "out-compare-view", tabindex: -1 }, this.stage);
    this.views = kit.segments("View", VIEWS, () => this.look());
    this.zoom = kit.segments("Zoom", ZOOMS, () => this.size());
    this.choices = el("div", { class: "out-compare-choices", role: "group", "aria-label": "Which reference" });
    this.build();
    this.stage.addEventListener("pointerdown", (event) => this.drag(event));
    this.dialog.node.addEventListener("keydown", (event) => this.key(event));
  }

  build() {
    this.left = el("span", { class: "out-compare-name" });
    this.right = el("span", { class: "out-compare-name" });
    this.play = kit.button({ label: "Pause", key: "Space", id: "compare-play", run: () => (this.timer ? this.stop() : this.start()) });
    this.shown = el("span", { class: "out-compare-shown", role: "status" });
    this.changes = el("p", { class: "out-compare-changes" });
    this.under = {
      slide: [this.left, this.range, this.right],
      side: [this.left, el("span", { class: "out-grow" }), this.right],
      blink: [this.play, this.shown],
      difference: [el("span", {}, "Faint"), this.gain, el("span", {}, "Strong")],
    };
    this.foot = el("div", { class: "out-compare-under" });
    this.dialog.body.append(
      this.view,
      this.foot,
      this.changes,
      el("div", { class: "out-compare-tools" }, this.views.node, this.choices, this.zoom.node),
    );
  }

  /** @param {{id: string, against?: string | null}} said */
  async open({ id, against = null }) {
    const record = await pictures.full(id).catch(() => null);
    const parents = (record?.parents || []).flatMap((parent) => (parent.image_id ? [{ ...parent, image_id: parent.image_id }] : []));
    if (!record) return void toast("This picture is no longer in the collection.", "warning");
    if (!against && !parents.length) {
      const why = record.parents?.length
        ? "Its reference is not in this collection any more."
        : "This picture was made without a reference.";
      return void toast(why, "info");
    }
    this.record = record;
    this.dialog.heading.textContent = against ? "Compare two pictures" : "Compare with its reference";
    this.show(this.picture, id, record);
    this.range.value = "50";
    this.slide();
    this.choices.replaceChildren(...(!against && parents.length > 1 ? parents.map((parent, index) => this.choice(parent, index)) : []));
    this.dialog.open();
    await this.against(against ?? parents[0].image_id, Boolean(against));
    this.look();
    return this.views.state.value === "slide" && this.range.focus();
  }

  /** @param {HTMLImageElement} image @param {string} id @param {Picture | null} record */
  show(image, id, record) {
    image.src = fileAddress(id);
    image.alt = record ? pictures.alt(record) : "";
  }

  /** @param {ParentLink & {image_id: string}} parent @param {number} index */
  choice(parent, index) {
    const label = `Reference ${index + 1}, ${ROLES[parent.role] ?? parent.role}`;
    return el(
      "button",
      {
        type: "button",
        class: "out-mini",
        title: label,
        "aria-label": label,
        "data-id": parent.image_id,
        onclick: () => this.against(parent.image_id),
      },
      el("img", { ...sized(parent.image_id, 72), alt: "" }),
    );
  }

  /** @param {string} id @param {boolean} [named] */
  async against(id, named = false) {
    this.other = id;
    this.named = named;
    const record = await pictures.get(id).catch(() => null);
    if (this.other !== id) return;
    this.show(this.reference, id, record);
    this.place();
    this.left.textContent = named && record ? pictures.alt(record) : "Reference";
    this.right.textContent = named ? pictures.alt(this.record) : "Picture";
    [...this.choices.children].forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.id === id)));
    this.tellChanges();
  }

  /** What is different in how the two were made; of a picture and its reference not that they have other parents. */
  async tellChanges() {
    const { record, other } = this;
    this.changes.textContent = "";
    /** @type {Change[]} */
    const found = await api(`${pictures.path(record.id, "/changes")}?against=${encodeURIComponent(other)}`, { quiet: true }).catch(
      () => [],
    );
    if (this.record === record && this.other === other)
      this.changes.textContent = found
        .filter(({ field }) => this.named || field !== "references")
        .map((change) => change.words)
        .join(" · ");
  }

  // --- views ------------------------------------------------------------------------------

  /** Over a picture that was extended its source lies where it is in it; side by side each is seen whole. */
  place() {
    const source = this.record.parents?.find((parent) => parent.role === "source")?.image_id;
    const lies = this.other === source && this.views.state.value !== "side";
    placeIn(this.reference, placeOfSource(lies ? this.record : null));
  }

  look() {
    const { value } = this.views.state;
    this.place();
    VIEWS.forEach(([name]) => this.stage.classList.toggle(name, name === value));
    this.foot.replaceChildren(...this.under[/** @type {keyof Compare["under"]} */ (value)]);
    if (!this.dialog.node.contains(document.activeElement)) this.view.focus({ preventScroll: true }); // keys go on working
    this.stop();
    if (value === "blink") this.begin();
    this.amplify();
    this.size();
  }

  slide() {
    this.stage.style.setProperty("--share", `${this.range.value}%`);
    this.stage.style.setProperty("--part", String(Number(this.range.value) / 100));
    this.range.setAttribute("aria-valuetext", `${this.range.value} % reference`);
  }

  amplify() {
    this.stage.style.setProperty("--gain", this.views.state.value === "difference" ? this.gain.value : 1);
  }

  begin() {
    this.turn(true);
    if (!still()) this.start();
  }

  start() {
    this.timer = setInterval(() => this.turn(), BLINK);
    kit.relabel(this.play, "Pause");
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    kit.relabel(this.play, "Play");
  }

  turn(reference = !this.stage.classList.contains("reference-shown")) {
    this.stage.classList.toggle("reference-shown", reference);
    this.shown.textContent = reference ? this.left.textContent : this.right.textContent;
  }

  size() {
    const { value } = this.zoom.state;
    const { width, height } = this.record;
    const pictures = this.views.state.value === "side" ? 2 : 1;
    this.stage.style.setProperty("--ratio", (width * pictures) / height);
    this.stage.classList.toggle("fit", value === "fit");
    this.stage.style.setProperty("--width", value === "fit" ? "auto" : `${(width * pictures * Number(value)) / window.devicePixelRatio}px`);
  }

  // --- hands ------------------------------------------------------------------------------

  /**
   * 1 to 4 choose the view; the space key stops and starts blinking, or shows the other one.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (kit.isTyping(event)) return;
    const view = VIEWS[Number(event.key) - 1];
    if (view) this.views.pick(view[0]), this.look();
    else if (event.key === " " && this.views.state.value === "blink" && !matches(event, "button")) this.stop(), this.turn();
    else return;
    event.preventDefault();
  }

  /** The line follows the pointer; the range input stays the truth. @param {PointerEvent} event */
  drag(event) {
    if (event.button || this.views.state.value !== "slide") return;
    event.preventDefault();
    /** @param {{clientX: number}} said */
    const move = ({ clientX }) => {
      const box = this.stage.getBoundingClientRect();
      this.range.value = String(((clientX - box.left) / box.width) * 100);
      this.slide();
    };
    const end = () => {
      this.stage.removeEventListener("pointermove", move);
      this.range.focus();
    };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener("pointermove", move);
    this.stage.addEventListener("pointerup", end, { once: true });
    this.stage.addEventListener("pointercancel", end, { once: true });
    move(event);
  }
}

/** @type {Compare | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{id: string, against?: string | null}} event */
export function open(event) {
  shown ??= new Compare();
  shown.open(event);
}
