// A preset of one's own, or another's changed: its name, its group, its words for the chosen mode and model.
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { MODES } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { recall } from "./memory.js";

/** @import { PresetPage, PresetRecord, PresetVariant, PresetWish } from "../core/schemas.js" */

const GROUPS = ["light", "angle", "expression", "outfit", "style"];

const NO_SETTINGS = { guidance_scale: null, num_inference_steps: null, strength: null };

/** Steps, guidance and influence as they stand in this tab. @returns {PresetVariant["settings"]} */
function settingsNow() {
  const { guidance_scale: guidance, num_inference_steps: steps, influence, mode } = recall();
  const held = Number.isFinite(influence) && mode !== "text_to_image";
  return {
    guidance_scale: Number.isFinite(guidance) ? guidance : null,
    num_inference_steps: Number.isFinite(steps) ? steps : null,
    strength: held ? Math.round(100 - influence) / 100 : null,
  };
}

class Editor {
  constructor() {
    /** @type {PresetRecord | null} */
    this.preset = null;
    /** @type {PresetPage | null} */
    this.page = null;
    this.label = kit.field("Name", { id: "preset-label", maxlength: 64, autocomplete: "off", placeholder: "e.g. Lantern" });
    this.group = kit.field("Group", { id: "preset-group", maxlength: 32, list: "preset-groups", autocomplete: "off" });
    this.words = el("textarea", { id: "preset-words", class: "out-input", rows: 3, maxlength: 1000 });
    this.negative = kit.field("Not to be seen", { id: "preset-negative", maxlength: 1000, autocomplete: "off" });
    this.mode = kit.tick("", { id: "preset-mode" });
    this.model = kit.tick("", { id: "preset-model" });
    this.settings = kit.tick("With guidance, steps and influence as they stand", { id: "preset-settings" });
    const groups = el(
      "datalist",
      { id: "preset-groups" },
      GROUPS.map((value) => el("option", { value })),
    );
    this.dialog = kit.dialog({ id: "preset-dialog", title: "Preset" });
    this.dialog.body.append(
      el("div", { class: "pre-line" }, this.label.node, this.group.node, groups),
      el("label", { class: "out-field" }, el("span", {}, "Words for the prompt"), this.words),
      this.negative.node,
      this.mode.node,
      this.model.node,
      this.settings.node,
    );
    this.remove = kit.button({ id: "preset-remove", name: "trash", label: "Remove", kind: "ghost", run: () => this.away() });
    this.save = kit.button({ id: "preset-save", label: "Save", kind: "strong", run: () => this.keep() });
    this.dialog.node.append(el("div", { class: "out-dialog-foot end" }, this.remove, this.save));
  }

  /** @param {PresetRecord | null} preset @param {PresetPage} page */
  open(preset, page) {
    this.preset = preset;
    this.page = page;
    const { says } = preset ?? {};
    this.dialog.heading.textContent = preset ? `Change “${preset.label}”` : "A preset of your own";
    this.label.input.value = preset?.label ?? "";
    this.group.input.value = preset?.group ?? "style";
    const box = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#prompt textarea"));
    this.words.value = says?.words ?? (preset ? "" : (box?.value.trim() ?? ""));
    this.negative.input.value = says?.negative ?? "";
    name(this.mode, `Only in ${MODES[page.mode]}`);
    name(this.model, "Only with the chosen model");
    this.mode.input.checked = says ? says.modes.length > 0 : Boolean(preset);
    this.model.input.checked = Boolean(says?.models.length);
    this.settings.input.checked = Object.values(says?.settings ?? {}).some((value) => value !== null);
    this.remove.hidden = !preset || preset.origin === "shipped";
    kit.relabel(this.remove, preset?.origin === "changed" ? "As it came" : "Remove");
    this.dialog.open();
    this.label.input.focus();
  }

  /** What it says for this mode and model. @returns {PresetVariant} */
  get said() {
    const { preset, page } = this;
    const before = preset?.says;
    return {
      models: this.model.input.checked ? (before?.models.length ? before.models : [page?.model ?? ""]) : [],
      modes: this.mode.input.checked && page ? (before?.modes.length ? before.modes : [page.mode]) : [],
      words: this.words.value.trim(),
      negative: this.negative.input.value.trim(),
      settings: this.settings.input.checked ? settingsNow() : NO_SETTINGS,
    };
  }

  async keep() {
    const { preset, said } = this;
    if (!this.label.input.value.trim()) return void this.label.input.focus();
    if (!said.words) return void this.words.focus();
    const others = preset?.preset.says ?? [];
    const at = others.findIndex((each) => JSON.stringify(each) === JSON.stringify(preset?.says));
    /** @type {PresetWish} */
    const json = {
      label: this.label.input.value,
      group: this.group.input.value.trim() || "style",
      says: at < 0 ? [said, ...others] : others.map((each, index) => (index === at ? said : each)),
    };
    const call = preset ? [`/presets/${encodeURIComponent(preset.id)}`, "PUT"] : ["/presets", "POST"];
    const saved = await api(call[0], { method: call[1], json }).catch(() => null); // its toast has said why
    if (saved) this.done(`“${saved.label}” is kept.`);
  }

  async away() {
    const { preset } = this;
    if (!preset) return;
    const gone = await api(`/presets/${encodeURIComponent(preset.id)}`, { method: "DELETE" }).then(
      () => true,
      () => false,
    );
    if (gone) this.done(preset.origin === "changed" ? `“${preset.label}” is as it came.` : `“${preset.label}” is removed.`);
  }

  /** @param {string} words */
  done(words) {
    this.dialog.settled();
    this.dialog.close();
    toast(words, "success");
    emit("presets:changed");
  }
}

/** @param {{node: HTMLElement}} tick @param {string} words */
function name({ node }, words) {
  const shown = node.querySelector("span");
  if (shown) shown.textContent = words;
}

/** @type {Editor | null} */
let shown = null;

/** @param {PresetRecord | null} preset null: a new one. @param {PresetPage} page */
export function openEditor(preset, page) {
  shown ??= new Editor();
  shown.open(preset, page);
}
