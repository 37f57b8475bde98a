// Presets: a popover with all that the chosen model follows in this mode. A press puts one into the prompt and its
// settings, or takes its words out again; what was put there is to be seen, and generated with, like anything typed.
import { apiAddress } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import * as kit from "../kit/kit.js";
import { popover } from "../kit/menus.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "./changes.js";
import { recall } from "./memory.js";
import { openEditor } from "./preset_editor.js";

/** @import { PresetPage, PresetRecord, PresetsTaken } from "../core/schemas.js" */

/** @type {Record<string, string>} */
const GROUPS = { light: "Light", angle: "Angle", expression: "Expression", outfit: "Outfit", style: "Style" };
const ENDS = "[,.;\\n]";

/** Whether the words stand in the prompt, with nothing else between the commas around them. @param {string} prompt @param {string} words */
function stands(prompt, words) {
  const plain = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?:^|${ENDS})[ \\t]*${plain}[ \\t]*(?=${ENDS}|$)`).test(prompt);
}

/** @param {PresetRecord} preset */
const settingsWords = ({ says }) => {
  const { strength, guidance_scale: guidance, num_inference_steps: steps } = says?.settings ?? {};
  return [
    says?.words,
    says?.negative && `negative: ${says.negative}`,
    guidance != null && `Guidance ${guidance}`,
    steps != null && `${steps} steps`,
    strength != null && `Influence ${Math.round(100 - strength * 100)} %`,
  ]
    .filter(Boolean)
    .join(" · ");
};

class Presets {
  /** @param {HTMLElement} button */
  constructor(button) {
    /** @type {PresetPage | null} */
    this.page = null;
    this.turn = 0;
    this.changing = false;
    this.list = el("div", { class: "pre-list" });
    this.change = kit.button({ name: "edit", label: "Change one", kind: "ghost small", "aria-pressed": "false", run: () => this.toggle() });
    this.file = el("input", { type: "file", accept: ".yaml,.yml", hidden: true, id: "presets-import-file" });
    this.file.addEventListener("change", () => this.take());
    const foot = [
      kit.button({ id: "preset-new", name: "plus", label: "New", kind: "ghost small", run: () => this.edit(null) }),
      this.change,
      kit.button({ id: "presets-import", label: "Import", kind: "ghost small", run: () => this.file.click() }),
      kit.button({ id: "presets-export", label: "Export", kind: "ghost small", run: () => this.give() }),
    ];
    this.panel = el(
      "div",
      { id: "presets-panel", class: "pre-panel", role: "dialog", "aria-label": "Presets" },
      this.list,
      el("div", { class: "pre-foot" }, foot, this.file),
    );
    button.after(this.panel);
    this.popover = popover(button, this.panel, { width: 420, onOpen: () => this.load(), beside: button.closest("#settings-column") });
    on("settings:settled", () => this.follow());
    on("presets:changed", () => this.load());
  }

  get shown() {
    return this.panel.matches(":popover-open");
  }

  /** Mode or model may be others, and the prompt. */
  follow() {
    if (!this.shown) return undefined;
    const { mode, model } = recall();
    const same = this.page && this.page.mode === mode && (!model?.chosen || this.page.model === model.chosen);
    return same ? this.mark() : this.load();
  }

  async load() {
    const turn = ++this.turn;
    const { mode, model } = recall();
    const query = kit.query({ mode, model: model?.chosen ?? null });
    /** @type {PresetPage | null} */
    const page = await api(`/presets?${query}`, { quiet: true }).catch((error) => (toast(error.message, "warning"), null));
    if (!page || turn !== this.turn) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.preset;
    this.page = page;
    this.list.replaceChildren(...this.parts(page));
    this.mark();
    if (focused) this.find(focused)?.focus();
    this.popover.follow();
  }

  /** @param {PresetPage} page */
  parts(page) {
    const usable = this.changing ? page.items : page.items.filter((each) => each.says);
    const rest = this.changing ? [] : page.items.filter((each) => !each.says);
    const groups = [...new Set(usable.map((each) => each.group))];
    const sections = groups.map((group) =>
      el(
        "section",
        { class: "pre-group", "data-group": group },
        el("h3", {}, GROUPS[group] ?? group),
        el(
          "div",
          { class: "pre-chips" },
          usable.filter((each) => each.group === group).map((each) => this.chip(each)),
        ),
      ),
    );
    const none = el("p", { class: "pre-note" }, "None of the presets is for this mode.");
    const faults = page.faults.map((words) => el("p", { class: "pre-fault", role: "alert" }, words));
    return [...faults, ...(sections.length ? sections : [none]), ...(rest.length ? [this.others(rest)] : [])];
  }

  /** Those that say nothing here, with the reason. @param {PresetRecord[]} rest */
  others(rest) {
    const lines = rest.map((each) => el("li", {}, el("strong", {}, each.label), ` ${each.reason ?? ""}`));
    return el(
      "details",
      { class: "pre-others" },
      el("summary", {}, `${rest.length} more, not for this mode and model`),
      el("ul", {}, lines),
    );
  }

  /** @param {PresetRecord} preset */
  chip(preset) {
    const words = this.changing ? `Change ${preset.label}` : settingsWords(preset);
    return el(
      "button",
      {
        type: "button",
        class: "out-segment pre-chip",
        "data-preset": preset.id,
        "data-words": preset.says?.words ?? "",
        "aria-pressed": "false",
        title: words,
        onclick: () => (this.changing ? this.edit(preset) : requestChange({ action: "preset", preset: preset.id })),
      },
      preset.label,
    );
  }

  /** @param {string} id @returns {HTMLElement | null} */
  find(id) {
    return this.list.querySelector(`[data-preset="${CSS.escape(id)}"]`);
  }

  /** Those whose words stand in the prompt are pressed. */
  mark() {
    const { prompt = "" } = recall();
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll("[data-preset]"))) {
      const words = node.dataset.words ?? "";
      node.setAttribute("aria-pressed", String(!this.changing && words !== "" && stands(prompt, words)));
    }
  }

  toggle() {
    this.changing = !this.changing;
    this.change.setAttribute("aria-pressed", String(this.changing));
    if (this.page) this.list.replaceChildren(...this.parts(this.page));
    this.mark();
  }

  /** @param {PresetRecord | null} preset */
  edit(preset) {
    this.popover.close();
    if (this.changing) this.toggle();
    if (this.page) openEditor(preset, this.page);
  }

  async take() {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    const body = new FormData();
    body.append("file", file);
    /** @type {PresetsTaken | null} */
    const taken = await api("/presets/file", { method: "POST", body }).catch(() => null); // its toast has said why
    if (!taken) return;
    toast(`${taken.added.length} presets added, ${taken.replaced.length} replaced.`, "success");
    emit("presets:changed");
  }

  async give() {
    const own = this.page?.items.some((each) => each.origin !== "shipped");
    const link = el("a", { href: apiAddress(`/presets/file${own ? "" : "?everything=true"}`), download: "presets.yaml" });
    link.click();
  }
}

/** @type {Presets | null} */
let shown = null;

/** @param {{button: HTMLElement}} said */
export function open({ button }) {
  if (shown) return; // from then on the button opens and closes it
  shown = new Presets(button);
  shown.popover.open();
}
