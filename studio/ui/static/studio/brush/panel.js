// The brush's buttons and sliders, in the place of the picture's toolbar while a mask is painted.
import { el } from "../../core/dom.js";
import * as kit from "../../kit/kit.js";

/** @typedef {"brush" | "eraser" | "rect" | "lasso" | "wand" | "click"} ToolName */
/** @typedef {"head" | "subject" | "words" | "invert" | "grow" | "shrink" | "feather" | "undo" | "redo" | "clear" | "load" | "save" | "only" | "everything" | "done" | "also" | "leave"} Act */
/** @typedef {import("../../kit/icons.js").IconName} IconName */

/** @type {[ToolName, IconName, string, string | undefined][]} */
const TOOLS = [
  ["brush", "brush", "Brush", "B"],
  ["eraser", "eraser", "Eraser", "X"],
  ["rect", "rect", "Rectangle", "T"],
  ["lasso", "lasso", "Lasso", "L"],
  ["wand", "wand", "Wand: what is alike and connected", "W"],
  ["click", "point", "Select by click", "C"],
];
/** @type {[Act, IconName, string, string | undefined][][]} */
const ACTS = [
  [
    ["head", "person", "The head", undefined],
    ["subject", "subject", "The subject: what stands out from the background", undefined],
    ["words", "words", "Select by words", undefined],
  ],
  [
    ["invert", "invert", "Invert", "I"],
    ["grow", "grow", "Grow", undefined],
    ["shrink", "shrink", "Shrink", undefined],
    ["feather", "feather", "Feather: soften its edge", undefined],
  ],
  [
    ["undo", "restore", "Undo", "Ctrl+Z"],
    ["redo", "redo", "Redo", "Ctrl+Shift+Z"],
    ["clear", "trash", "Clear", "Delete"],
  ],
  [
    ["load", "folder", "Load a mask from a picture", undefined],
    ["save", "download", "Save the mask as a picture", undefined],
  ],
];

/** Of a change that is corrected. @type {[Act, string, string][]} */
const SCOPES = [
  ["only", "Only here", "Take back all that changed; then paint where the change is to be"],
  ["everything", "Everything", "Take over all that the model made"],
];

/** @param {string} label @param {Record<string, number | string>} range @param {() => unknown} changed */
function slider(label, range, changed) {
  const input = el("input", { type: "range", "aria-label": label, ...range, oninput: changed });
  const node = el("label", { class: "brush-slider" }, label, input);
  return { input, node };
}

export class Panel {
  /**
   * @param {{
   *   act: (name: Act) => unknown, chosen: (tool: ToolName) => unknown, sized: () => unknown,
   *   purpose: import("./purposes.js").Purpose,
   * }} said
   */
  constructor({ act, chosen, sized, purpose }) {
    /** @type {ToolName} */
    this.tool = "brush";
    this.tools = new Map(
      TOOLS.map(([name, icon, label, key]) => [name, this.button(name, icon, label, key, () => (this.choose(name), chosen(name)))]),
    );
    this.acts = new Map(ACTS.flat().map(([name, icon, label, key]) => [name, this.button(name, icon, label, key, () => act(name))]));
    this.away = this.button("away", "minus", "Take away instead of adding (Alt)", undefined, () => this.toggleAway());
    this.size = slider("Size", { min: 0, max: 100, step: 1, id: "mask-size" }, sized);
    this.softness = slider("Softness", { min: 0, max: 100, step: 1, value: 20, id: "mask-softness" }, () => {});
    this.tolerance = slider("Tolerance", { min: 0, max: 128, step: 1, value: 24, id: "mask-tolerance" }, () => {});
    this.by = el("input", {
      type: "number",
      class: "out-input brush-by",
      id: "mask-by",
      min: 1,
      max: 2000,
      "aria-label": "Pixels by which it grows, shrinks or softens",
    });
    this.said = el("input", {
      type: "text",
      class: "out-input brush-said",
      id: "mask-said",
      maxlength: 200,
      placeholder: "What to select, e.g. the hat",
      "aria-label": "What to select",
      hidden: true,
    });
    this.said.addEventListener("keydown", (event) => event.key === "Enter" && this.said.value.trim() && act("words"));
    this.words = el("span", { class: "brush-words", role: "status" });
    this.node = this.bar(act, purpose);
    if (purpose.scopes) this.node.querySelector(".brush-end")?.before(this.scopes(act));
    this.choose("brush");
  }

  /** @param {string} name @param {IconName} icon @param {string} label @param {string | undefined} key @param {() => unknown} run */
  button(name, icon, label, key, run) {
    return kit.button({ id: `mask-${name}`, name: icon, label, key, words: false, kind: "ghost", run });
  }

  /** @param {(name: Act) => unknown} act @param {import("./purposes.js").Purpose} purpose */
  bar(act, { label, title, also }) {
    const of = (/** @type {[Act, IconName, string, string | undefined][]} */ group) => group.map(([name]) => this.acts.get(name));
    const [finds, changes, steps, files] = ACTS.map(of);
    const done = kit.button({ id: "mask-done", name: "check", label, kind: "strong", run: () => act("done"), ...(title ? { title } : {}) });
    const other = also && kit.button({ id: "mask-only-here", label: also.label, title: also.title, run: () => act("also") });
    const leave = kit.button({ id: "mask-leave", label: "Discard", kind: "ghost", run: () => act("leave") });
    const by = el("label", { class: "brush-slider" }, "by", this.by, "px");
    const group = (/** @type {string} */ label, /** @type {any[]} */ ...nodes) =>
      el("div", { class: "brush-group", role: "group", "aria-label": label }, ...nodes);
    return el(
      "div",
      { class: "brush-bar", role: "toolbar", "aria-label": "Mask" },
      group("Draw", [...this.tools.values()], this.away),
      group("Find", finds, this.said),
      group("Change", changes, by),
      group("Steps", steps),
      group("Files", files),
      el("div", { class: "brush-group" }, this.size.node, this.softness.node, this.tolerance.node),
      el("div", { class: "brush-group brush-end" }, this.words, leave, ...(other ? [other] : []), done),
    );
  }

  /** @param {(name: Act) => unknown} act */
  scopes(act) {
    const buttons = SCOPES.map(([name, label, title]) => {
      const button = kit.button({ id: `mask-${name}`, label, kind: "ghost", run: () => act(name) });
      button.title = title;
      return button;
    });
    return el("div", { class: "brush-group", role: "group", "aria-label": "Scope" }, buttons);
  }

  /** @param {ToolName} tool */
  choose(tool) {
    this.tool = tool;
    for (const [name, node] of this.tools) node.setAttribute("aria-pressed", String(name === tool));
    const brush = tool === "brush" || tool === "eraser";
    this.size.node.hidden = this.softness.node.hidden = !brush;
    this.tolerance.node.hidden = tool !== "wand";
    this.away.hidden = brush;
  }

  /** Mark what cannot be done yet; pressed, it says what it needs. @param {Record<string, string>} missing words by button */
  offer(missing) {
    for (const [name, words] of Object.entries(missing)) {
      const node = this.tools.get(/** @type {ToolName} */ (name)) ?? this.acts.get(/** @type {Act} */ (name));
      if (!node || !words) continue;
      node.classList.add("brush-missing");
      node.title = words;
      node.setAttribute("aria-description", words);
    }
  }

  toggleAway() {
    this.away.setAttribute("aria-pressed", String(!this.takesAway));
  }

  get takesAway() {
    return this.away.getAttribute("aria-pressed") === "true";
  }

  /** @param {{undo: boolean, redo: boolean, painted: boolean, words: string}} state */
  update({ undo, redo, painted, words }) {
    for (const [name, on] of /** @type {[Act, boolean][]} */ ([
      ["undo", undo],
      ["redo", redo],
      ["clear", painted],
      ["save", painted],
      ["grow", painted],
      ["shrink", painted],
      ["feather", painted],
    ])) {
      const node = this.acts.get(name);
      if (node) node.disabled = !on;
    }
    this.words.textContent = words;
  }
}
