// The model selector. Value: {chosen, earlier, …}; `scene`: the models there are, with words and reasons, from Python.
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { onSnapshot } from "../core/snapshot.js";
import { memory, seconds } from "../kit/formatting.js";
import { icon } from "../kit/icons.js";
import { popover, rove } from "../kit/menus.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "./changes.js";
import { focusCurrent, refillMenu, words } from "./choices.js";

/** @import { ModelScene } from "../core/shapes.js" */
/** @import { Part } from "../core/events.js" */

/** @type {Map<string, import("../core/schemas.js").Cost>} */
const costs = new Map(); // model id → what it was found to cost since the page was loaded

/** @typedef {{prompts: string[], edits: string[]}} FirstExamples */
/** @type {FirstExamples} */
let examples = { prompts: [], edits: [] };

/** What can be asked of the chosen model first, in words it knows. */
export const firstExamples = () => examples;

/** @param {ModelScene} model */
const cost = (model) => {
  const known = costs.get(model.id) ?? model;
  const parts = [
    known.seconds === null ? null : `about ${seconds(known.seconds)} a picture`,
    known.vram_mb === null ? null : memory(known.vram_mb),
  ];
  return parts.filter(Boolean).join(" · ") || "Not timed yet";
};
/** @param {ModelScene} model */
const badge = (model) =>
  model.edit ? el("span", { class: "lk-edit-badge", title: "Edits by instruction, or follows reference pictures" }, "Edit") : null;

/** @param {() => unknown} run */
const afterEachJob = (run) => {
  /** @type {string | null} */
  let last = null;
  onSnapshot(({ jobs }) => {
    const ended =
      jobs
        .map((job) => job.finished_at ?? "")
        .sort()
        .at(-1) ?? "";
    if (last !== null && ended > last) run();
    last = ended;
  });
};

/** @param {Part<{chosen?: string, earlier?: string | null, picked?: boolean} | null, {models: ModelScene[], none: string, examples?: FirstExamples} | null>} said */
export const modelSelect = ({ element, props, watch }) => {
  const label = el("span", { class: "lk-model-label" });
  const price = el("span", { class: "lk-muted lk-model-cost" });
  const button = el(
    "button",
    { type: "button", class: "lk-model-button", "aria-haspopup": "listbox" },
    el("span", { class: "lk-model-line" }, label, " ", price),
    icon("chevron"),
  );
  const list = el("div", { role: "listbox", "aria-label": "Model" });
  element.querySelector(".lk-models")?.append(el("div", { class: "lk-section-head" }, el("h2", {}, "Model")), button, list);
  const menu = popover(button, list, { width: "button", onOpen: () => focusCurrent(list) });
  rove(list, () => [...list.querySelectorAll("button")]);
  afterEachJob(async () => {
    /** @type {import("../core/schemas.js").ModelInfo[]} */
    const models = await api("/models?add_ons=false", { quiet: true }).catch(() => []); // what was known stands
    models.forEach((model) => costs.set(model.id, model.cost));
    draw();
  });

  /** @param {ModelScene} model */
  const choose = (model) => {
    if (model.reason) return toast(model.reason, "warning");
    menu.close();
    if (model.id === props.value?.chosen) return undefined;
    props.value = { ...props.value, chosen: model.id, earlier: null, picked: true };
    draw();
    return requestChange();
  };
  /** @param {ModelScene} model */
  const option = (model) =>
    el(
      "button",
      {
        type: "button",
        id: `model-${model.id}`,
        role: "option",
        class: "lk-menu-item lk-model",
        "aria-selected": String(model.id === props.value?.chosen),
        "aria-disabled": String(Boolean(model.reason)),
        onclick: () => choose(model),
      },
      words(
        el("span", { class: "lk-model-title" }, model.label, badge(model)),
        model.description && el("span", {}, model.description),
        el("span", { class: model.reason ? "lk-reason" : "lk-when" }, model.reason ?? cost(model)),
      ),
      icon("check"),
    );
  const draw = () => {
    if (!props.scene) return;
    examples = props.scene.examples ?? examples;
    emit("examples:known");
    const current = props.scene.models.find((model) => model.id === props.value?.chosen);
    label.replaceChildren(
      ...(current ? [current.label, " ", badge(current) ?? ""] : [props.scene.models.length ? "Choose a model" : props.scene.none]),
    );
    price.textContent = current ? cost(current) : "";
    button.setAttribute(
      "aria-label",
      `Model: ${current ? `${current.label}${current.edit ? " Edit" : ""} ${cost(current)}${current.edit ? ", supports image editing" : ""}` : label.textContent}`,
    );
    refillMenu(list, props.scene.models.map(option));
  };
  watch(["value", "scene"], draw);
  draw();
};
