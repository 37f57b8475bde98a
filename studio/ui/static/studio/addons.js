// Files of the models folder in the additional settings: the chosen LoRAs, each with its weight and the words that call
// it up, a list of the others that go with the model, and other parts of it. Value: {loras: [{id, weight}], vae,
// ip_adapter, control_network}; `scene`: what there is to choose, from Python.
import { el, refill } from "../core/dom.js";
import { icon } from "../kit/icons.js";
import { requestChange } from "./changes.js";

/** @import { AddOnScene, ChoiceScene } from "../core/shapes.js" */
/** @import { Lora } from "../core/schemas.js" */
/** @import { Part } from "../core/events.js" */

/** Put words at the end of the prompt; nothing where they stand in it already. @param {string} words */
function addToPrompt(words) {
  const box = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#prompt textarea"));
  if (!box || box.value.toLowerCase().includes(words.toLowerCase())) return;
  const before = box.value.trimEnd().replace(/[,;.]$/, "");
  box.value = before ? `${before}, ${words}` : words;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {string} text */
const bounded = (text) => Math.min(2, Math.max(-2, Number.isFinite(Number(text)) && text !== "" ? Number(text) : 1));

/** @typedef {Record<string, string | Lora[] | null> & {loras?: Lora[]}} Chosen */

/** @param {Part<Chosen | null, {loras: AddOnScene[], most: number, choices: ChoiceScene[]} | null>} said */
export const addOns = ({ element, props, watch }) => {
  const root = element.querySelector(".lk-add-ons") ?? element;
  const known = () => props.scene?.loras ?? [];
  const loras = () => props.value?.loras ?? [];
  /** @param {object} changed */
  const put = (changed) => {
    props.value = { ...props.value, ...changed };
    draw();
    requestChange();
  };
  /** @param {Lora[]} list */
  const take = (list) => put({ loras: list });

  /** @param {AddOnScene | undefined} lora */
  const words = (lora) =>
    lora?.triggers.length
      ? el(
          "div",
          { class: "lk-lora-words" },
          "Called up by",
          lora.triggers.map((word) =>
            el(
              "button",
              { type: "button", class: "lk-lora-word", title: "Add to the prompt", onclick: () => addToPrompt(word) },
              `+ ${word}`,
            ),
          ),
        )
      : null;

  /** @param {AddOnScene | undefined} lora */
  const doubt = (lora) => {
    if (!lora) return "Not for this model. Take it out, or choose another model.";
    return lora.certain ? null : "Its file does not say which model it was made for.";
  };

  /** @param {Lora} said @param {number} index */
  const row = ({ id, weight }, index) => {
    const lora = known().find((one) => one.id === id);
    const name = lora?.name ?? id;
    const number = el("input", { type: "number", min: -2, max: 2, step: 0.05, value: weight, "aria-label": `Weight of ${name}` });
    number.addEventListener("change", () => {
      const weight = bounded(number.value);
      number.value = String(weight);
      take(loras().map((one, i) => (i === index ? { ...one, weight } : one)));
    });
    const out = el(
      "button",
      {
        type: "button",
        class: "lk-lora-out",
        "aria-label": `Take out ${name}`,
        onclick: () => take(loras().filter((_, i) => i !== index)),
      },
      icon("close"),
    );
    const said = doubt(lora);
    return el(
      "div",
      { class: "lk-lora", "data-id": id },
      el("div", { class: "lk-lora-line" }, el("span", { class: "lk-lora-name", title: name }, name), number, out),
      words(lora),
      said ? el("span", { class: "lk-muted" }, said) : null,
    );
  };

  const more = () => {
    const left = known().filter((one) => !loras().some(({ id }) => id === one.id));
    if (!left.length || loras().length >= (props.scene?.most ?? 0)) return null;
    const list = el(
      "select",
      { id: "lora-add", "aria-label": "Add a LoRA" },
      el("option", { value: "" }, "Add a LoRA…"),
      left.map((one) => el("option", { value: one.id }, one.name)),
    );
    list.addEventListener("change", () => {
      const lora = left.find((one) => one.id === list.value);
      if (lora) take([...loras(), { id: lora.id, weight: lora.weight }]);
    });
    return list;
  };

  /** Another part of the model; one that does not go with it any more can still be seen. @param {ChoiceScene} said */
  const part = ({ name, words: kind, known: list }) => {
    const now = props.value?.[name] ?? "";
    const lost = now && !list.some(({ id }) => id === now) ? [{ id: now, name: `${now} (not for this model)` }] : [];
    const select = el(
      "select",
      { id: `add-on-${name.replace("_", "-")}` },
      el("option", { value: "" }, "The model's own"),
      [...list, ...lost].map((one) => el("option", { value: one.id, selected: one.id === now }, one.name)),
    );
    select.addEventListener("change", () => put({ [name]: select.value || null }));
    return el("label", { class: "lk-part" }, el("span", {}, kind), select);
  };

  const draw = () => {
    if (!props.scene?.loras) return root.replaceChildren();
    const worn = loras().length || known().length ? [el("h3", {}, "LoRAs"), ...loras().map(row), more()] : [];
    return refill(root, [...worn.flatMap((node) => node ?? []), ...props.scene.choices.map(part)]);
  };
  watch(["value", "scene"], draw);
  draw();
};
