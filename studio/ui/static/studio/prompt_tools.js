// Beside the prompt: the button with the presets, and a chip for each LoRA that the prompt calls up by a tag.
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { icon } from "../kit/icons.js";

/** @typedef {{tag: string, name: string | null, weight: number}} CalledLora `name`: of the file, null where there is none */

const promptBox = () => /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#prompt textarea"));

/** @param {string} tag */
function takeOut(tag) {
  const box = promptBox();
  if (!box) return;
  box.value = box.value.replace(tag, "").replace(/ {2,}/g, " ").trim();
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
}

/** @param {CalledLora} called */
function chip({ tag, name, weight }) {
  const words = name === null ? `There is no LoRA for ${tag}` : `LoRA ${name} ${weight}`;
  const out = el(
    "button",
    { type: "button", class: "lk-lora-out", "aria-label": `Take ${tag} out of the prompt`, onclick: () => takeOut(tag) },
    icon("close"),
  );
  return el("li", { class: `lk-called${name === null ? " unknown" : ""}`, title: tag }, el("span", {}, words), out);
}

/** @param {import("../core/events.js").Part} part */
export function promptTools({ element }) {
  const open = el(
    "button",
    { type: "button", id: "presets", class: "chr-picker-button", "aria-haspopup": "dialog", "aria-expanded": "false" },
    icon("sparkle"),
    "Presets",
  );
  open.addEventListener("click", () => emit("presets:open", { button: open }));
  const chips = el("ul", { id: "prompt-loras", class: "lk-called-list", "aria-label": "LoRAs of the prompt" });
  element.classList.add("out");
  element.querySelector(".lk-prompt-tools")?.append(open, chips);
  on("prompt:read", ({ loras }) => chips.replaceChildren(...loras.map(chip)));
}
