// One edit over many pictures: what to do with the chosen ones, how many and how long that is, and on to their batch.
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api, Refusal } from "../core/rest.js";
import { MODES } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { asked } from "./asked.js";
import { estimateWords } from "./sweep_words.js";

/** @import { ModelInfo, SweepEstimate } from "../core/schemas.js" */

const WAYS = ["smart_edit", "img2img", "character_reference", "style_reference", "controlnet", "upscale"];
const OF_ITS_OWN = ["references", "prompt", "model", "mode", "width", "height", "aspect_ratio", "num_images", "drawn", "character"];
const WAIT = 350; // ms after the last key

class ManyDialog {
  constructor() {
    /** @type {string[]} */
    this.ids = [];
    /** @type {ModelInfo[]} */
    this.models = [];
    this.turn = 0;
    this.timer = 0;
    const changed = () => this.settle();
    this.mode = kit.choice("What to do", [["", ""]], () => (this.offer(), changed()), { id: "many-mode" });
    this.model = kit.choice("Model", [["", ""]], changed, { id: "many-model" });
    this.prompt = el("textarea", { id: "many-prompt", class: "out-input", rows: 4, oninput: changed });
    this.prompt.placeholder = "The same words for every picture, e.g. give {name} a red scarf";
    this.words = el("p", { class: "out-sweep-words", role: "status" });
    this.told = el("ul", { class: "out-sweep-told" });
    this.start = kit.button({ id: "many-start", label: "Start", kind: "strong", run: () => this.begin() });
    this.dialog = kit.dialog({ id: "many-dialog", title: "Edit all", saves: true });
    this.dialog.body.append(
      el("div", { class: "out-sweep-axis" }, this.mode.node, this.model.node),
      el("label", { class: "out-field" }, el("span", {}, "Prompt"), this.prompt),
      el(
        "p",
        { class: "out-dim" },
        "{name} is the name of each picture's character. Other settings are those of the Studio where it is in the same mode.",
      ),
      this.words,
      this.told,
    );
    this.dialog.node.append(el("div", { class: "out-dialog-foot end" }, this.start));
  }

  /** @param {string[]} ids */
  async open(ids) {
    this.ids = ids;
    this.dialog.heading.textContent = `Edit ${kit.count(ids.length)}`;
    this.prompt.value ||= String(asked()?.prompt ?? "");
    this.dialog.open();
    this.prompt.focus();
    this.models = await api("/models?add_ons=false", { quiet: true }).catch(() => []);
    const ready = this.models.filter((model) => model.available === "ready");
    const ways = WAYS.filter((mode) => ready.some((model) => model.modes.includes(mode)));
    this.mode.set(ways.map((mode) => [mode, MODES[mode] ?? mode]));
    this.offer();
    this.settle();
  }

  /** The models that can do it; the Studio's own first. */
  offer() {
    const mode = this.mode.select.value;
    const able = this.models.filter((model) => model.available === "ready" && model.modes.includes(mode));
    const own = asked()?.model;
    able.sort((a, b) => Number(b.id === own) - Number(a.id === own));
    if (able.length) this.model.set(able.map((model) => [model.id, model.label]));
  }

  get wanted() {
    const mode = this.mode.select.value;
    const now = asked();
    const kept = now?.mode === mode ? Object.entries(now).filter(([field]) => !OF_ITS_OWN.includes(field)) : [];
    const prompt = this.prompt.value.trim();
    return { request: { ...Object.fromEntries(kept), mode, model: this.model.select.value, prompt }, images: this.ids };
  }

  settle() {
    this.start.disabled = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.estimate(), WAIT);
  }

  async estimate() {
    const turn = ++this.turn;
    this.told.replaceChildren();
    if (!this.model.select.value) return;
    if (this.mode.select.value === "smart_edit" && !this.prompt.value.trim()) return void (this.words.textContent = "Say what to change.");
    try {
      /** @type {SweepEstimate} */
      const found = await api("/batches/estimate", { method: "POST", json: this.wanted, quiet: true });
      if (turn !== this.turn) return;
      const left = found.left_out.length ? ` ${kit.count(found.left_out.length)} left out:` : "";
      this.words.textContent = `${estimateWords(found)}${left}`;
      const lines = [...found.left_out.map((each) => `${each.label}: ${each.reason}`), ...found.notices];
      this.told.replaceChildren(...lines.map((line) => el("li", {}, line)));
      this.start.disabled = false;
    } catch (error) {
      if (turn === this.turn) this.words.textContent = error instanceof Refusal ? error.problem.detail : "";
    }
  }

  async begin() {
    this.start.disabled = true;
    const started = await api("/batches", { method: "POST", json: this.wanted }).catch(() => null);
    this.start.disabled = false;
    if (!started) return; // its toast has said why
    this.dialog.close();
    emit("sweep:open", started.batch);
  }
}

/** @type {ManyDialog | null} */
let shown = null;

/** @param {{ids: string[]}} said */
export function open({ ids }) {
  shown ??= new ManyDialog();
  return shown.open(ids);
}
