// How a model is kept in memory: the plan with its reason, what can be chosen instead, the warm-up and its cost.
// One per card of the Models section; its controls stay in place while the card is updated.
import { el } from "../core/dom.js";

/** @import { MemorySetting, ModelCard } from "../core/schemas.js" */

/** @type {[value: string, words: string][]} */
const TILING = [
  ["", "Where needed"],
  ["true", "Always"],
  ["false", "Never"],
];
/** @type {Record<string, string>} */
const WAYS = {
  resident: "all on the card",
  model_offload: "parts take turns",
  group_offload: "layers stream through",
  fp8: "8-bit weights",
  int8: "8-bit weights by a package",
  nf4: "4-bit weights",
};
const WARM_UP = "Steps become quicker. The first picture of each size waits for the compiler, a minute or more.";
const WHOLE = "This machine keeps models whole in its memory; the other ways are for graphics cards with memory of their own.";

/**
 * Set a select's options without losing focus or an open list.
 * @param {HTMLSelectElement} select
 * @param {[id: string, words: string, off?: boolean][]} options
 * @param {string} value
 */
function offer(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.offered !== key) {
    select.dataset.offered = key;
    select.replaceChildren(...options.map(([id, words, off]) => el("option", { value: id, disabled: Boolean(off) }, words)));
  }
  if (select.value !== value) select.value = value;
}

export class ModelMemory {
  /** @param {ModelCard} card @param {(setting: MemorySetting) => unknown} save */
  constructor(card, save) {
    this.save = save;
    /** @param {string} name */
    const id = (name) => `model-${name}-${card.id}`;
    const changed = () => this.changed();
    this.choice = el("select", { id: id("memory"), onchange: changed });
    this.tiling = el("select", { id: id("tiling"), onchange: changed });
    this.warmUp = el("input", { type: "checkbox", id: id("warmup"), onchange: changed, "aria-describedby": id("warmup-cost") });
    this.ways = el("label", { class: "mod-field" }, el("span", {}, "Kept in memory"), this.choice);
    this.note = el("p", { class: "mod-note" });
    this.reasons = el("ul", { class: "mod-reasons" });
    const tiles = el("label", { class: "mod-field" }, el("span", {}, "Large pictures decoded in tiles (less memory)"), this.tiling);
    const warm = el(
      "div",
      {},
      el("label", { class: "mod-check", for: id("warmup") }, this.warmUp, el("span", {}, "Warm up: compile it for this machine")),
      el("p", { class: "mod-note mod-indented", id: id("warmup-cost") }, WARM_UP),
    );
    this.node = el(
      "details",
      { class: "mod-more mod-memory" },
      el("summary", {}, "Memory and speed"),
      el("div", { class: "mod-fields" }, this.ways, this.note, this.reasons, tiles, warm),
    );
  }

  /** @param {ModelCard} card */
  update(card) {
    const { memory, memory_choices: choices, memory_refused: refused } = card;
    this.node.hidden = card.available !== "ready" || Boolean(card.answers);
    const one = Object.keys(choices).length < 2;
    this.ways.hidden = one;
    this.note.hidden = !one;
    this.note.textContent = WHOLE;
    /** @type {[id: string, words: string, off: boolean][]} */
    const away = memory.choice in choices ? [] : [[memory.choice, `Not possible here: ${WAYS[memory.choice]}`, true]];
    offer(this.choice, [...Object.entries(choices), ...away], memory.choice);
    offer(this.tiling, TILING, memory.tiling === null ? "" : String(memory.tiling));
    if (this.warmUp.checked !== memory.warm_up) this.warmUp.checked = memory.warm_up;
    const reasons = one ? [] : [...new Set(Object.values(refused))];
    /** @param {string} reason */
    const about = (reason) =>
      Object.keys(refused)
        .filter((way) => refused[way] === reason)
        .map((way) => WAYS[way])
        .join(", ");
    this.reasons.hidden = !reasons.length;
    this.reasons.replaceChildren(...reasons.map((reason) => el("li", {}, `Not here (${about(reason)}): ${reason}`)));
  }

  changed() {
    const tiling = this.tiling.value === "" ? null : this.tiling.value === "true";
    return this.save({ choice: /** @type {MemorySetting["choice"]} */ (this.choice.value), tiling, warm_up: this.warmUp.checked });
  }
}
