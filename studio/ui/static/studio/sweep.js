// Sweeps: the dialog that asks for one, and the way from there to its grid.
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api, Refusal } from "../core/rest.js";
import { MODES, RATIOS, SWEPT } from "../core/rules.js";
import { choice, field } from "../kit/fields.js";
import * as kit from "../kit/kit.js";
import { asked } from "./asked.js";
import { showGrid } from "./sweep_grid.js";
import { axisWords, estimateWords, titleOf } from "./sweep_words.js";

/** @import { Axis, ModelInfo, SweepEstimate, SweepPage } from "../core/schemas.js" */

const NONE = "";
/** @type {Record<string, string>} */
const EXAMPLES = {
  guidance_scale: "2..8 step 2",
  num_inference_steps: "10 | 20 | 30",
  seed: "1..4",
  influence: "20..80 step 20",
  prompt_part: "red hair | blue hair | green hair",
  negative_prompt: "blurry | extra fingers",
  strength: "0.2..0.8 step 0.2",
  mode: Object.keys(MODES).slice(0, 2).join(" | "),
};
const ALTERNATIVES = "alternatives"; // an axis whose values stand in the prompt
const MOST_PICKED = 50; // references as an axis
const WAIT = 350; // ms after the last key
const [FEW, MORE] = [5, 20]; // earlier sweeps: at first, and with each press

/** What is tried most often comes first; what says the same otherwise, or has no list to choose from, is for scripts. */
const USUAL = ["prompt_part", ALTERNATIVES, "seed", "guidance_scale", "num_inference_steps", "influence"];
const NOT_HERE = ["strength", "character"];
const AXES = [...USUAL, ...Object.keys(SWEPT).filter((axis) => !USUAL.includes(axis) && !NOT_HERE.includes(axis))];

/** The settings a request has a use for, as [axis, words]. @param {Record<string, any>} request */
function axesOf(request) {
  const counts = { reference: request.references?.length ?? 0, lora: request.loras?.length ?? 0 };
  return AXES.flatMap((axis) => {
    const [, kind] = /^(reference|lora)(?:_weight)?\.0$/.exec(axis) ?? [];
    if (kind)
      return Array.from({ length: counts[/** @type {"reference" | "lora"} */ (kind)] }, (_, n) => [
        axis.replace(".0", `.${n}`),
        axisWords(axis.replace(".0", `.${n}`)),
      ]);
    if (axis === "control.weight" && !request.control) return [];
    if (axis === ALTERNATIVES && !/\{.*\|.*\}|__[\w-]+__/s.test(request.prompt ?? "")) return [];
    return [[axis, axisWords(axis)]];
  });
}

/** What there is to choose from for an axis, as [value, words]; none where it is numbers or words. @param {string} axis */
async function knownValues(axis) {
  const request = asked() ?? {};
  if (axis === "aspect_ratio") return RATIOS.map((ratio) => [ratio, ratio]);
  /** @type {ModelInfo[]} */
  const models = (await api("/models?add_ons=false", { quiet: true }).catch(() => [])).filter(
    (/** @type {ModelInfo} */ one) => one.available === "ready",
  );
  const own = models.find((/** @type {ModelInfo} */ model) => model.id === request.model);
  if (axis === "model") return models.filter((model) => model.modes.includes(String(request.mode))).map((model) => [model.id, model.label]);
  if (axis === "mode") return (own?.modes ?? []).map((mode) => [mode, MODES[mode] ?? mode]);
  const kind = axis.startsWith("lora.") ? "lora" : axis;
  const [whole] = own ? await api(`/models?model=${encodeURIComponent(own.id)}`, { quiet: true }).catch(() => []) : [];
  /** @type {ModelInfo["add_ons"]} */
  const addOns = whole?.add_ons ?? [];
  return addOns.filter((each) => each.kind === kind).map((each) => [each.id, each.name]);
}

/** @param {string} text */
const parted = (text) =>
  text
    .split("|")
    .map((part) => part.trim())
    .filter(Boolean);

/** One axis: its setting and its values. */
class AxisField {
  /** @param {"x" | "y"} name @param {string} words @param {() => unknown} changed */
  constructor(name, words, changed) {
    this.changed = changed;
    this.setting = choice(words, [[NONE, "None"]], () => ((this.values.input.value = ""), this.hint(), changed()), { id: `sweep-${name}` });
    this.values = field("Values", { id: `sweep-${name}-values`, autocomplete: "off", oninput: () => (this.mark(), changed()) });
    this.offered = el("div", { class: "out-sweep-offered", role: "group", "aria-label": `${words}: values to choose` });
    this.node = el("div", { class: "out-sweep-axis" }, this.setting.node, this.values.node, this.offered);
  }

  hint() {
    const axis = this.setting.select.value;
    this.values.input.placeholder = EXAMPLES[axis] ?? "one | another";
    this.values.node.hidden = axis === NONE || axis === ALTERNATIVES;
    this.offer();
  }

  /** Values to press, where the axis goes over things that have a name; pictures come from the collection. */
  async offer() {
    const axis = this.setting.select.value;
    this.offered.replaceChildren();
    if (axis.startsWith("reference.")) {
      const answer = (/** @type {string[]} */ ids) => this.put([...new Set([...parted(this.values.input.value), ...ids])]);
      const run = () => emit("picker:open", { max: MOST_PICKED, answer });
      this.offered.append(kit.button({ name: "references", label: "Choose pictures", kind: "ghost small", run }));
      return;
    }
    if (!["model", "mode", "aspect_ratio", "vae", "ip_adapter"].includes(axis) && !/^lora\.\d+$/.test(axis)) return;
    const known = await knownValues(axis);
    if (axis !== this.setting.select.value) return;
    this.offered.replaceChildren(
      ...known.map(([value, words]) =>
        el(
          "button",
          { type: "button", class: "out-segment", "data-value": value, "aria-pressed": "false", onclick: () => this.toggle(value) },
          words,
        ),
      ),
    );
    this.mark();
  }

  /** @param {string} value */
  toggle(value) {
    const now = parted(this.values.input.value);
    this.put(now.includes(value) ? now.filter((each) => each !== value) : [...now, value]);
  }

  /** @param {string[]} values */
  put(values) {
    this.values.input.value = values.join(" | ");
    this.mark();
    this.changed();
  }

  mark() {
    const now = parted(this.values.input.value);
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (this.offered.querySelectorAll("[data-value]")))
      node.setAttribute("aria-pressed", String(now.includes(node.dataset.value ?? "")));
  }

  /** @returns {Axis | null} */
  get axis() {
    const axis = this.setting.select.value;
    return axis === NONE ? null : { field: axis, values: axis === ALTERNATIVES ? "all" : this.values.input.value.trim() };
  }
}

/** @param {import("../core/schemas.js").Sweep} sweep */
const earlierWords = ({ created_at: created, x, y, request, total }) =>
  [kit.clock(created), titleOf(y ? [x.field, y.field] : [x.field], request), kit.count(total)].join(" · ");

class SweepDialog {
  constructor() {
    this.turn = 0;
    this.timer = 0;
    const changed = () => this.settle();
    this.x = new AxisField("x", "Across", changed);
    this.y = new AxisField("y", "Down", changed);
    this.words = el("p", { class: "out-sweep-words", role: "status" });
    this.told = el("ul", { class: "out-sweep-told", "aria-label": "Of these pictures" });
    this.start = kit.button({ id: "sweep-start", label: "Start", kind: "strong", run: () => this.begin() });
    this.earlier = el("div", { class: "out-sweep-earlier" });
    this.dialog = kit.dialog({ id: "sweep-dialog", title: "Try several values", saves: true });
    this.dialog.body.append(
      el("p", {}, "A picture for each value, with the settings as they stand. A range is “2..8 step 2”, choices are “red | blue”."),
      this.x.node,
      this.y.node,
      this.words,
      this.told,
      this.earlier,
    );
    this.dialog.node.append(el("div", { class: "out-dialog-foot end" }, this.start));
    on("prompt:read", () => this.dialog.node.open && (this.know(), this.settle()));
  }

  open() {
    this.know();
    this.x.hint();
    this.y.hint();
    this.dialog.open();
    this.settle();
    this.list();
  }

  /** The settings that the request has a use for; what was typed last may become known while it is open. */
  know() {
    const known = axesOf(asked() ?? {});
    this.x.setting.set(known);
    this.y.setting.set([[NONE, "None"], ...known]);
  }

  /** What is asked for, or null while something is missing. */
  get wanted() {
    const request = asked();
    const x = this.x.axis;
    const y = this.y.axis;
    return request && x?.values && (!y || y.values) ? { request, x, y } : null;
  }

  settle() {
    this.start.disabled = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.estimate(), WAIT);
  }

  async estimate() {
    const turn = ++this.turn;
    const { wanted } = this;
    this.told.replaceChildren();
    if (!wanted) return void (this.words.textContent = "");
    try {
      /** @type {SweepEstimate} */
      const found = await api("/sweeps/estimate", { method: "POST", json: wanted, quiet: true });
      if (turn !== this.turn) return;
      this.words.textContent = estimateWords(found);
      this.told.replaceChildren(...found.notices.map((notice) => el("li", {}, notice)));
      this.start.disabled = false;
    } catch (error) {
      if (turn === this.turn) this.words.textContent = error instanceof Refusal ? error.problem.detail : "";
    }
  }

  async begin() {
    this.start.disabled = true;
    const started = await api("/sweeps", { method: "POST", json: this.wanted }).catch(() => null);
    this.start.disabled = false;
    if (!started) return;
    this.dialog.close();
    showGrid(started.batch);
  }

  /** Earlier ones, the newest first. */
  async list() {
    this.earlier.replaceChildren();
    await this.more(null, FEW);
  }

  /** @param {string | null} cursor @param {number} limit */
  async more(cursor, limit) {
    /** @type {SweepPage | null} */
    const page = await api(`/sweeps?${kit.query({ limit, cursor, cells: "false" })}`, { quiet: true }).catch(() => null);
    const links = (page?.items ?? []).map((sweep) => {
      const run = () => (this.dialog.close(), emit("sweep:open", sweep.id));
      return el("button", { type: "button", class: "out-link", onclick: run }, earlierWords(sweep));
    });
    if (!links.length) return;
    if (!cursor) this.earlier.append(el("h3", {}, "Earlier"));
    this.earlier.append(...links);
    if (cursor) links[0].focus();
    const next = page?.next;
    if (!next) return;
    const more = kit.button({ label: "Show more", kind: "ghost small", run: () => (more.remove(), this.more(next, MORE)) });
    this.earlier.append(more);
  }
}

/** @type {SweepDialog | null} */
let shown = null;

/** @param {string | null} id */
export function open(id) {
  if (id) return showGrid(id);
  shown ??= new SweepDialog();
  return shown.open();
}
