// Designs: one style for the whole cast. A list with the active one, a form, which portraits were made under another,
// and bringing the cast to a design with results to accept or leave. Opened by `designs:open`.

import { thumbnailAddress } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { LIMITS, RANGES, RATIOS } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { forPortraits } from "./able.js";
import { cast } from "./cast.js";
import { CastRun } from "./cast_run.js";
import { Told } from "./told.js";

/** @import { DesignWish } from "../core/shapes.js" */
/** @import { DesignReference, ModelInfo } from "../core/schemas.js" */

const NUMBERS = { guidance_scale: Number, num_inference_steps: Number, seed: Number };

class DesignForm {
  /** @type {DesignWish} */
  design;
  /** @type {{ image_id: string; weight: number; }[]} */
  references;
  /** @type {ModelInfo[]} */
  models = [];

  /** @param {DesignsDialog} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.name = kit.field("Name", { id: "design-name", maxlength: 120 });
    this.style = kit.area("Style prompt", { id: "design-style", rows: 3, maxlength: 10000 });
    this.negative = kit.area("Negative prompt", { id: "design-negative", rows: 3, maxlength: 10000 });
    this.model = kit.choice("Model", [["", "The studio's default"]], () => this.offerSettings(), { id: "design-model" });
    this.ratio = kit.choice("Aspect ratio", [["", "Not said"], ...RATIOS.map((one) => [one, one])], () => {}, { id: "design-ratio" });
    this.policy = kit.choice(
      "Seed",
      [
        ["random", "A new one each time"],
        ["fixed", "The same for everybody"],
      ],
      () => this.turn(),
      { id: "design-policy" },
    );
    /** @param {string} label @param {string} id @param {Record<string, unknown>} props */
    const number = (label, id, props) => kit.field(label, { id, type: "number", ...props });
    this.seed = number("Which seed", "design-seed", { min: 0, step: 1 });
    this.guidance = number("Guidance", "design-guidance", {
      min: RANGES.guidance_scale?.least,
      max: RANGES.guidance_scale?.most,
      step: 0.5,
      placeholder: "Default",
    });
    this.steps = number("Steps", "design-steps", {
      min: RANGES.num_inference_steps?.least,
      max: RANGES.num_inference_steps?.most,
      placeholder: "Default",
    });
    this.strip = el("div", { class: "chr-strip", role: "group", "aria-label": "Style references" });
    this.told = new Told(() => this.wish());
    this.node = el(
      "div",
      { class: "design-form" },
      this.name.node,
      this.style.node,
      this.told.node,
      this.negative.node,
      el("div", { class: "chr-pair" }, this.model.node, this.ratio.node),
      el("div", { class: "chr-four" }, this.policy.node, this.seed.node, this.guidance.node, this.steps.node),
      el("div", { class: "out-field" }, el("span", {}, "Style references, with weight"), this.strip),
    );
    for (const name of ["input", "change"]) this.node.addEventListener(name, () => this.told.soon());
  }

  /** A portrait as this design would ask for one. */
  wish() {
    const { style_prompt: style, model, aspect_ratio: shape } = this.draft();
    return { mode: "text_to_image", prompt: style.trim() || "portrait", model, ...(shape ? { aspect_ratio: shape } : {}) };
  }

  /** @param {DesignWish} design */
  async show(design) {
    this.design = design;
    /** @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} field @param {string | number | null | undefined} given */
    const value = (field, given) => (field.value = String(given ?? ""));
    value(this.name.input, design.name);
    value(this.style.box, design.style_prompt);
    value(this.negative.box, design.negative_prompt);
    value(this.ratio.select, design.aspect_ratio);
    value(this.policy.select, design.seed_policy ?? "random");
    value(this.seed.input, design.seed);
    value(this.guidance.input, design.guidance_scale);
    value(this.steps.input, design.num_inference_steps);
    this.references = (design.references ?? []).map((one) => ({ ...one }));
    this.turn();
    this.drawStrip();
    await this.offerModels(design);
    this.told.ask();
  }

  /** @param {DesignWish} design */
  async offerModels(design) {
    /** @type {ModelInfo[]} */
    const models = await api("/models?add_ons=false", { quiet: true }).catch(() => []);
    if (this.design !== design) return;
    this.model.set([["", "The studio's default"], ...forPortraits(models).map((one) => [one.id, one.label])]);
    this.model.select.value = design.model ?? "";
    this.models = models;
    this.offerSettings();
  }

  /** Those that the model reads for a portrait, and those that say something all the same: other models may read them. */
  offerSettings() {
    const able = this.models.filter((one) => one.available === "ready" && one.modes.includes("text_to_image"));
    const { value } = this.model.select;
    const usual = able.find((one) => one.default_for.includes("text_to_image")) ?? able[0];
    const fields = /** @type {any} */ ((value ? able.find((one) => one.id === value) : usual)?.limits)?.text_to_image?.fields;
    const hide = (/** @type {string} */ field, /** @type {string} */ said) => Boolean(fields) && !fields.includes(field) && !said.trim();
    this.negative.node.hidden = hide("negative_prompt", this.negative.box.value);
    this.guidance.node.hidden = hide("guidance_scale", this.guidance.input.value);
    this.steps.node.hidden = hide("num_inference_steps", this.steps.input.value);
  }

  turn() {
    this.seed.input.disabled = this.policy.select.value !== "fixed";
  }

  drawStrip() {
    /** @param {DesignReference} one @param {number} index */
    const mini = (one, index) =>
      el(
        "div",
        { class: "chr-mini" },
        el("img", { src: thumbnailAddress(one.image_id), alt: `Style reference ${index + 1}` }),
        el(
          "button",
          {
            type: "button",
            class: "chr-remove",
            "aria-label": `Remove style reference ${index + 1}`,
            onclick: () => (this.references.splice(index, 1), this.drawStrip()),
          },
          kit.icon("close"),
        ),
        el("input", {
          type: "number",
          class: "chr-role",
          min: 0,
          max: 2,
          step: 0.1,
          value: one.weight,
          "aria-label": `Weight of style reference ${index + 1}`,
          onchange: (/** @type {import("../core/shapes.js").FieldEvent} */ event) =>
            (one.weight = Math.min(2, Math.max(0, Number(event.target.value) || 0))),
        }),
      );
    const add = kit.button({
      name: "plus",
      label: "Add a style reference",
      words: false,
      run: () => emit("picker:open", { max: LIMITS.references - this.references.length, answer: (ids) => this.add(ids) }),
    });
    this.strip.replaceChildren(...this.references.map(mini), add);
  }

  /** @param {string[]} ids */
  add(ids) {
    this.references.push(...ids.map((image_id) => ({ image_id, weight: 1 })));
    this.drawStrip();
  }

  draft() {
    /** @param {keyof typeof NUMBERS} name @param {{input: HTMLInputElement}} said */
    const number = (name, { input }) => (input.value === "" || input.disabled ? null : NUMBERS[name](input.value));
    return {
      name: this.name.input.value.trim(),
      style_prompt: this.style.box.value,
      negative_prompt: this.negative.box.value,
      model: this.model.select.value || null,
      aspect_ratio: this.ratio.select.value || null,
      seed_policy: this.policy.select.value,
      seed: number("seed", this.seed),
      guidance_scale: number("guidance_scale", this.guidance),
      num_inference_steps: number("num_inference_steps", this.steps),
      references: this.references,
    };
  }
}

class DesignsDialog {
  /** @type {import("../core/schemas.js").Design[]} */
  designs;

  constructor() {
    this.dialog = kit.dialog({ id: "designs", title: "Designs", kind: "wide tall", onClose: () => this.cast.rest() });
    this.form = new DesignForm(this);
    this.cast = new CastRun();
    this.list = el("ul", { class: "design-list", "aria-label": "Designs" });
    const add = kit.button({ id: "design-add", name: "plus", label: "New design", run: () => this.turnTo({ name: "" }) });
    this.save = kit.button({ id: "design-save", name: "check", label: "Save", kind: "strong", run: () => this.keep() });
    this.activate = kit.button({ id: "design-activate", name: "design", label: "Make it the active design", run: () => this.switch() });
    this.remove = kit.button({ id: "design-remove", name: "trash", label: "Delete", kind: "ghost", run: () => this.drop() });
    this.right = el(
      "section",
      { class: "design-right" },
      this.form.node,
      el("div", { class: "out-toolbar" }, this.save, this.activate, this.remove),
      this.cast.node,
    );
    this.empty = el(
      "p",
      { class: "out-empty" },
      "A design holds style prompt, negative prompt, model and seed for everybody. Make the first one.",
    );
    this.dialog.body.append(
      el("div", { class: "design-grid" }, el("section", { class: "design-left" }, add, this.empty, this.list), this.right),
    );
  }

  async open() {
    await this.load();
    this.dialog.open();
  }

  /** What is being typed stays. */
  async load(id = this.form.design?.id) {
    this.designs = await cast.designs().catch(() => []);
    this.empty.hidden = this.designs.length > 0;
    if (this.dialog.typing()) return this.drawAround(this.designs.find((one) => one.id === id) ?? this.form.design);
    const chosen = this.designs.find((one) => one.id === id) ?? this.designs.find((one) => one.active) ?? this.designs[0];
    await this.choose(chosen ?? { name: "" });
  }

  /** @param {DesignWish} chosen */
  drawList(chosen) {
    this.list.replaceChildren(
      ...this.designs.map((one) =>
        el(
          "li",
          {},
          el(
            "button",
            {
              type: "button",
              class: "lk-menu-item",
              "data-design": one.id,
              "aria-current": String(one.id === chosen.id),
              onclick: () => this.turnTo(one),
            },
            el("span", { class: "design-name" }, one.name),
            one.active ? el("span", { class: "mod-chip accent" }, "Active") : null,
          ),
        ),
      ),
    );
  }

  /** Another one, unless what was typed is not to be lost. @param {DesignWish} design */
  async turnTo(design) {
    if (await this.dialog.mayLose()) await this.choose(design);
  }

  /** @param {DesignWish} design */
  async choose(design) {
    this.dialog.settled();
    const shown = this.form.show(design);
    const around = this.drawAround(design);
    if (!design.id) this.form.name.input.focus();
    await Promise.all([shown, around]);
  }

  /** All but the form. @param {DesignWish} design */
  async drawAround(design) {
    this.form.design = design;
    this.drawList(design);
    const known = Boolean(design.id);
    kit.relabel(this.save, known ? "Save" : "Create");
    this.activate.hidden = this.remove.hidden = !known;
    kit.relabel(this.activate, design.active ? "Work without a design" : "Make it the active design");
    await this.cast.show(known ? /** @type {import("../core/schemas.js").Design} */ (design) : null);
  }

  async keep() {
    const { design } = this.form;
    const asked = design.id ? cast.changeDesign(design.id, this.form.draft()) : cast.createDesign(this.form.draft());
    const saved = await asked.catch(() => null); // its toast has said why
    if (!saved) return;
    this.dialog.settled();
    toast(`“${saved.name}” is saved.`, "success");
    await this.load(saved.id);
  }

  async switch() {
    const { active, id } = this.form.design;
    if (!id) return;
    const done = await cast.activate(active ? null : id).catch(() => null); // its toast has said why
    if (done) await this.load(id);
  }

  async drop() {
    const { id, name } = this.form.design;
    const agreed = await kit.confirm({
      title: `Delete “${name}”?`,
      words: "Portraits that were made under it stay as they are.",
      yes: "Delete",
    });
    if (!agreed || !id) return;
    const gone = await cast.removeDesign(id).then(
      () => true,
      () => false, // its toast has said why
    );
    if (gone) this.dialog.settled();
    await this.load();
  }
}

/** @type {DesignsDialog | null} */
let shown = null;

/** Open it; it is made when it is first asked for. */
export function open() {
  shown ??= new DesignsDialog();
  shown.open();
}
