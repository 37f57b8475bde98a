// The right column of the portrait modal: prompt with Auto-describe and field picker, the design's style prompt,
// shape, seed, model, mode, references. Gives the request as it stands; knows no job and no version.

import { thumbnailAddress } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { DEFAULT_ROLES, LIKE_REFERENCE, LIMITS, PORTRAIT_MODES, PORTRAIT_RATIO, RANGES, RATIOS, ROLES } from "../core/rules.js";
import { relabel } from "../kit/buttons.js";
import * as kit from "../kit/kit.js";
import { toast, toastWithUndo } from "../kit/toasts.js";
import { forPortraits } from "./able.js";
import { cast } from "./cast.js";
import { FieldPicker } from "./field_picker.js";
import { Told } from "./told.js";

/** @import { Knob } from "../core/shapes.js" */
/** @import { Character, Described, PortraitDefaults, ReaderState } from "../core/schemas.js" */

/** Whether a mode goes on with a reference as it is, or follows its lines. @param {string} mode */
const keepsShape = (mode) => mode !== "text_to_image" && ["source", "structure"].includes(DEFAULT_ROLES[mode]);

export class PortraitKnobs {
  /** @type {import("../core/shapes.js").Knob[]} */
  references;
  /** @type {HTMLSpanElement} */
  source;
  /** @type {Character} */
  character;
  /** @type {PortraitDefaults} */
  defaults;
  /** @type {import("../core/schemas.js").ModelInfo[]} */
  models;
  /** Whether the artist has said how the next one is to be made. @type {boolean} */
  chosen;

  /**
   * `picture`: the id of the picture that is shown, or null; `toModels`: leads to the Models page.
   * @param {{picture: () => string | null, toModels: () => unknown}} said
   */
  constructor({ picture, toModels }) {
    this.picture = picture;
    this.toModels = toModels;
    this.references = [];
    this.prompt = kit.area("Image prompt", { id: "portrait-prompt", rows: 4, maxlength: 10000 });
    this.style = kit.area("Style prompt", { id: "portrait-style", rows: 2, readonly: true });
    this.negative = kit.area("Negative prompt", {
      id: "portrait-negative",
      rows: 2,
      maxlength: 10000,
      placeholder: "blurry, extra fingers",
    });
    this.picker = new FieldPicker({
      id: "portrait-fields",
      box: () => this.prompt.box,
      editing: () => this.mode.select.value === "smart_edit",
    });
    this.describe = kit.button({
      id: "portrait-describe",
      name: "again",
      label: "Auto-describe",
      kind: "small-words",
      run: () => this.redescribe(),
    });
    this.ratio = kit.segments("Aspect ratio", [...RATIOS.map((one) => [one, one]), [LIKE_REFERENCE, "Like the reference"]], () => {});
    this.seed = kit.field("Seed", { id: "portrait-seed", inputmode: "numeric", placeholder: "Random", pattern: "[0-9]*" });
    this.model = kit.choice("Model", [["", "The design's, or the default"]], () => this.offerModes(), { id: "portrait-model" });
    this.mode = kit.choice("Mode", [["text_to_image", kit.modeWords("text_to_image")]], () => this.chooseMode(), { id: "portrait-mode" });
    /** @param {string} label @param {string} id @param {Record<string, unknown>} props */
    const number = (label, id, props) => kit.field(label, { id, type: "number", placeholder: "Default", ...props });
    this.guidance = number("Guidance", "portrait-guidance", {
      min: RANGES.guidance_scale?.least,
      max: RANGES.guidance_scale?.most,
      step: 0.5,
    });
    this.steps = number("Steps", "portrait-steps", {
      min: RANGES.num_inference_steps?.least,
      max: RANGES.num_inference_steps?.most,
      step: 1,
    });
    this.influence = number("Influence %", "portrait-influence", { min: 0, max: 100, step: 5 });
    this.strip = el("div", { class: "chr-strip", role: "group", "aria-label": "References" });
    this.shown = el("div", { class: "out-field" }, el("span", {}, "References"), this.strip);
    this.told = new Told(() => this.wish());
    this.node = this.build();
    for (const name of ["input", "change", "click"]) this.node.addEventListener(name, () => this.told.soon());
  }

  build() {
    this.source = el("span", { class: "chr-prompt-source", id: "portrait-source", role: "status" });
    const head = el("div", { class: "chr-prompt-tools" }, this.describe, this.picker.node, this.source);
    return el(
      "div",
      { class: "chr-knobs" },
      el("div", { class: "chr-prompt" }, this.prompt.node, head, this.told.node),
      this.style.node,
      el("div", { class: "out-field chr-ratio" }, el("span", {}, "Aspect ratio"), this.ratio.node),
      this.negative.node,
      el("div", { class: "chr-pair" }, this.model.node, this.mode.node),
      this.shown,
      el("div", { class: "chr-four" }, this.seed.node, this.guidance.node, this.steps.node, this.influence.node),
    );
  }

  /**
   * Begin anew with a character and what its knobs start with.
   * @param {Character} character
   * @param {PortraitDefaults} defaults
   */
  async start(character, defaults) {
    this.character = character;
    this.defaults = defaults;
    this.picker.load(character);
    const [models, readers] = await Promise.all([
      api("/models?add_ons=false", { quiet: true }).catch(() => []),
      cast.readers().catch(() => []),
    ]);
    this.models = models;
    this.drawSource(readers.find((reader) => reader.question === "caption"));
    this.prompt.box.value = defaults.prompt;
    this.style.box.value = defaults.style_prompt;
    await this.sayDesign(defaults);
    this.negative.box.value = defaults.negative_prompt;
    this.ratio.pick(defaults.aspect_ratio);
    this.seed.input.value = String(defaults.seed ?? "");
    this.guidance.input.value = String(defaults.guidance_scale ?? "");
    this.steps.input.value = String(defaults.num_inference_steps ?? "");
    this.influence.input.value = "";
    this.references = defaults.references.map((one) => ({ ...one }));
    const ready = forPortraits(this.models);
    this.model.set([["", "Default"], ...ready.map((model) => [model.id, model.label])]);
    this.model.select.value = ready.find((model) => model.id === defaults.model)?.id ?? "";
    this.offerModes();
    this.mode.select.value = defaults.mode;
    this.turnMode();
    this.drawDescribe();
    this.chosen = false;
    this.told.ask();
  }

  /** Whose words go into the prompt unasked. @param {PortraitDefaults} defaults */
  async sayDesign({ design_id: id }) {
    const designs = id ? await cast.designs().catch(() => []) : [];
    const name = designs.find((one) => one.id === id)?.name ?? "the active design";
    this.style.words.textContent = id ? `Style prompt of “${name}”, added to the image prompt` : "Style prompt";
    this.style.box.placeholder = id ? "This design says nothing of style." : "No design is active, so nothing is added.";
  }

  /**
   * Another portrait was given: begin from it, unless the artist has chosen already what the next one is made from.
   * @param {PortraitDefaults} defaults
   */
  follow(defaults) {
    if (this.chosen || !defaults.references.length) return;
    this.references = defaults.references.map((one) => ({ ...one }));
    if (!this.modelInfo()?.modes.includes(defaults.mode)) this.model.select.value = defaults.model ?? "";
    this.offerModes();
    this.mode.select.value = defaults.mode;
    this.ratio.pick(defaults.aspect_ratio);
    this.turnMode();
  }

  drawDescribe() {
    const words = this.prompt.box.value.trim() ? "Re-describe" : "Auto-describe";
    relabel(this.describe, words);
  }

  /**
   * What Auto-describe will go by; quietly what would let it see the picture, too.
   * @param {ReaderState | undefined} reader
   */
  drawSource(reader) {
    if (reader?.available === "ready") return void this.source.replaceChildren("From blueprint and script, then the picture");
    const more = el(
      "button",
      {
        type: "button",
        class: "out-link",
        id: "portrait-source-models",
        title: `${reader?.label} describes pictures in words. It is on the Models page.`,
        onclick: this.toModels,
      },
      "Let it see the picture",
    );
    this.source.replaceChildren("From blueprint and script. ", ...(reader ? [more] : []));
  }

  /** What it went by. @param {Described} said */
  drawRead({ caption, reader, reason }) {
    if (caption)
      this.source.replaceChildren(
        el("span", { title: `${reader} saw: “${caption}”` }, `From blueprint, script and the picture, read by ${reader}`),
      );
    else if (reason && !this.source.querySelector("button")) this.source.replaceChildren(`From blueprint and script. ${reason}`);
  }

  async redescribe() {
    const before = this.prompt.box.value;
    this.describe.disabled = true;
    this.describe.setAttribute("aria-busy", "true");
    const answer = await cast.describe(this.character.id, this.picture()).catch(() => null); // its toast has said why
    this.describe.disabled = false;
    this.describe.removeAttribute("aria-busy");
    if (!answer) return;
    const text = answer.prompt;
    this.drawRead(answer);
    if (!text.trim()) return void toast("Nothing is said of this character yet. Fill in its blueprint first.");
    this.prompt.box.value = text;
    this.drawDescribe();
    if (before.trim() && before !== text) this.offerBack(before);
  }

  /** @param {string} before */
  offerBack(before) {
    toastWithUndo("The prompt was written anew.", () => (this.prompt.box.value = before));
  }

  // --- modes and references ---------------------------------------------------------------------
  modelInfo() {
    const { value } = this.model.select;
    return this.models.find((model) => model.id === (value || this.defaults.model)) ?? forPortraits(this.models)[0];
  }

  offerModes() {
    const able = this.modelInfo()?.modes ?? ["text_to_image"];
    this.mode.set(PORTRAIT_MODES.filter((mode) => able.includes(mode)).map((mode) => [mode, kit.modeWords(mode)]));
    this.turnMode();
  }

  /** @returns {{fields: string[], roles?: string[], shapes?: string[], max_references: number}} */
  limits() {
    return /** @type {any} */ (this.modelInfo()?.limits)?.[this.mode.select.value] ?? { fields: [], max_references: 0 };
  }

  /** The artist chose a mode: one that changes a picture begins with the portrait that is shown, in its shape. */
  chooseMode() {
    this.chosen = true;
    const mode = this.mode.select.value;
    const shown = this.picture();
    if (mode !== "text_to_image" && !this.references.length && shown) this.references = [{ image_id: shown, role: null, weight: 1 }];
    this.turnMode();
    if (keepsShape(mode) && this.references.length) this.ratio.pick(LIKE_REFERENCE);
    else this.leaveShape();
  }

  turnMode() {
    const { fields } = this.limits();
    const plain = this.mode.select.value === "text_to_image";
    this.shown.hidden = plain;
    this.guidance.node.hidden = !fields.includes("guidance_scale");
    this.negative.node.hidden = !fields.includes("negative_prompt");
    this.influence.node.hidden = !fields.includes("strength");
    this.steps.node.hidden = !fields.includes("num_inference_steps");
    this.offerShapes();
    if (plain) this.leaveShape();
    this.drawReferences();
  }

  /** Those that the model was made for, and one that is chosen all the same. */
  offerShapes() {
    const { shapes = [] } = this.limits();
    for (const one of RATIOS) this.ratio.hide(one, shapes.length > 0 && !shapes.includes(one) && this.ratio.state.value !== one);
  }

  /** Without a picture to change, the shape is the design's again. */
  leaveShape() {
    const { aspect_ratio: own } = this.defaults;
    if (this.ratio.state.value === LIKE_REFERENCE) this.ratio.pick(own === LIKE_REFERENCE ? PORTRAIT_RATIO : own);
  }

  drawReferences() {
    const { roles = [] } = this.limits();
    const standard = DEFAULT_ROLES[this.mode.select.value];
    const minis = this.references.map((one, index) => this.reference(one, index, roles, standard));
    const add = kit.button({
      id: "portrait-reference-add",
      name: "plus",
      label: "Add a reference",
      words: false,
      run: () => this.choose(),
    });
    const back = el(
      "button",
      { type: "button", class: "out-link", id: "portrait-references-set", onclick: () => this.takeSet() },
      "Use the reference set",
    );
    this.strip.replaceChildren(...minis, add, back);
  }

  /** @param {Knob} one @param {number} index @param {string[]} roles @param {string | undefined} standard */
  reference(one, index, roles, standard) {
    const words = `Reference ${index + 1}`;
    const role = one.role && roles.includes(one.role) ? one.role : standard;
    const select = el(
      "select",
      {
        class: "chr-role",
        "aria-label": `Role of reference ${index + 1}`,
        onchange: (/** @type {import("../core/shapes.js").FieldEvent} */ event) => (one.role = event.target.value),
      },
      roles.filter((each) => each !== "mask").map((each) => el("option", { value: each, selected: each === role }, ROLES[each])),
    );
    one.role = role ?? null;
    const remove = el(
      "button",
      {
        type: "button",
        class: "chr-remove",
        "aria-label": `Remove reference ${index + 1}`,
        onclick: () => ((this.chosen = true), this.references.splice(index, 1), this.drawReferences()),
      },
      kit.icon("close"),
    );
    return el(
      "div",
      { class: "chr-mini" },
      el("img", { src: thumbnailAddress(one.image_id), alt: words }),
      remove,
      roles.length > 1 ? select : null,
    );
  }

  choose() {
    const max = LIMITS.references - this.references.length;
    if (max < 1) return void toast(`${LIMITS.references} references are loaded. Remove one first.`, "warning");
    return emit("picker:open", { max, answer: (ids) => this.addReferences(ids) });
  }

  /** @param {string[]} ids */
  addReferences(ids) {
    this.chosen = true;
    const fresh = ids.filter((id) => !this.references.some((one) => one.image_id === id));
    this.references.push(...fresh.map((image_id) => ({ image_id, role: null, weight: 1 })));
    this.drawReferences();
  }

  async takeSet() {
    const set = await cast.references(this.character.id).catch(() => null);
    if (!set?.items.length) return void toast("The reference set is empty. Add a version to it first.");
    this.chosen = true;
    this.references = set.items.map((item) => ({ image_id: item.image_id, role: null, weight: 1 }));
    this.drawReferences();
  }

  // --- the request ------------------------------------------------------------------------------
  /** What would be asked for, with the design's words; null where it cannot be yet. */
  wish() {
    try {
      const request = this.request();
      return request.prompt.trim() ? { ...request, prompt: [request.prompt, this.style.box.value].filter(Boolean).join(", ") } : null;
    } catch {
      return null;
    }
  }

  /** What Generate asks for; throws an Error in words. Fields that are left open are not in it. */
  request() {
    const mode = this.mode.select.value;
    const seed = this.seed.input.value.trim();
    if (seed && !/^\d{1,15}$/.test(seed)) throw new Error("The seed is a whole number, or empty for a new one each time.");
    const references = mode === "text_to_image" ? [] : this.references.slice(0, LIMITS.references);
    const numbers = { guidance_scale: this.guidance, num_inference_steps: this.steps };
    const given = Object.entries(numbers)
      .filter(([, { node, input }]) => !node.hidden && input.value !== "")
      .map(([name, { input }]) => [name, Number(input.value)]);
    const strength =
      this.influence.node.hidden || this.influence.input.value === "" ? {} : { strength: 1 - Number(this.influence.input.value) / 100 };
    const negative = this.negative.node.hidden ? {} : { negative_prompt: this.negative.box.value };
    const model = this.model.select.value ? { model: this.model.select.value } : {};
    return {
      mode,
      prompt: this.prompt.box.value,
      aspect_ratio: this.ratio.state.value,
      references,
      seed: seed ? Number(seed) : -1,
      ...negative,
      ...model,
      ...Object.fromEntries(given),
      ...strength,
    };
  }
}
