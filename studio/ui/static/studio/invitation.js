// What to do first, in an empty studio: a portrait to try changes on, and prompts in the chosen model's own words. One
// press fills the prompt, Generate is the second. Comes when an empty studio is shown; steps aside for the artist's words.
import { upload } from "../collection/uploads.js";
import { on } from "../core/bus.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "./changes.js";
import { firstExamples } from "./model_select.js";

const SAMPLE = new URL("../samples/portrait.webp", import.meta.url).href;
const SAMPLE_WORDS = "Sample portrait: a smiling woman with a purple bob";

/** @returns {HTMLTextAreaElement | null} */
const prompt = () => document.querySelector("#prompt textarea");

/** @param {string} words */
function fill(words) {
  const box = prompt();
  if (!box) return;
  box.value = words;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Its record, taken in as any picture of this device; null where that failed. */
async function takeSample() {
  const answer = await fetch(SAMPLE).catch(() => null);
  if (!answer?.ok) return void toast("The sample portrait could not be loaded. Check that the studio is still running.", "error");
  const file = new File([await answer.blob()], "sample-portrait.webp", { type: "image/webp" });
  const [record] = await upload([file]);
  return record ?? null;
}

class Invitation {
  /** @param {HTMLElement} node */
  constructor(node) {
    this.node = node;
    /** @param {string} words */
    const title = (words) => el("h4", {}, words);
    this.edits = el("div", { class: "first-chips", role: "group", "aria-label": "Changes to try on the sample portrait" });
    this.prompts = el("div", { class: "first-chips first-prompts", role: "group", "aria-label": "Portraits to try" });
    this.picture = el(
      "button",
      { type: "button", id: "sample-portrait", title: "Load it as a reference", onclick: () => this.change("") },
      el("img", { src: SAMPLE, alt: SAMPLE_WORDS, width: 128, height: 128 }),
    );
    this.sample = el("section", { class: "first-sample" }, this.picture, el("div", {}, title("Change this portrait"), this.edits));
    this.words = el("section", {}, title("Or describe a new one"), this.prompts);
    this.next = el("p", {}, "Choose one, press Generate, keep the best, and use it as the next reference.");
    this.steps = this.ownWay();
    node.classList.add("first");
    node.replaceChildren(
      el("h3", {}, "Your portrait begins here"),
      this.sample,
      this.words,
      this.next,
      this.steps,
      el(
        "div",
        { class: "out-invite-buttons" },
        kit.button({ name: "add", label: "Add a reference", run: () => press("#reference-add") }),
        kit.button({ name: "edit", label: "Describe a portrait", run: () => prompt()?.focus() }),
      ),
    );
    document.addEventListener("input", (event) => /** @type {Element} */ (event.target).closest("#prompt") && this.draw());
    on("settings:settled", () => this.draw());
    on("examples:known", () => this.draw());
    this.draw();
  }

  /** For those who have begun to write themselves. */
  ownWay() {
    return el(
      "ol",
      {},
      ["Say what you want to see or change.", "Press Generate.", "Keep the best, and use it as the next reference."].map((words) =>
        el("li", {}, words),
      ),
    );
  }

  draw() {
    const { prompts, edits } = firstExamples();
    const now = prompt()?.value.trim() ?? "";
    const free = !now || prompts.includes(now) || edits.includes(now);
    this.chips(this.edits, edits, "example-edit", (words) => this.change(words));
    this.chips(this.prompts, prompts, "example-prompt", fill);
    for (const chip of this.prompts.children) chip.setAttribute("aria-pressed", String(chip.textContent === now));
    this.sample.hidden = !free || !edits.length;
    this.words.hidden = !free || !prompts.length;
    this.next.hidden = this.sample.hidden && this.words.hidden;
    this.steps.hidden = !this.next.hidden;
  }

  /**
   * One for each of the words; those that are there already stay, and keep the focus.
   * @param {HTMLElement} group @param {string[]} all @param {string} kind @param {(words: string) => unknown} run
   */
  chips(group, all, kind, run) {
    if ([...group.children].map((chip) => chip.textContent).join("\n") === all.join("\n")) return;
    group.replaceChildren(
      ...all.map((words) => el("button", { type: "button", class: `first-chip ${kind}`, onclick: () => run(words) }, words)),
    );
  }

  /** The sample is loaded for editing, with these words in the prompt. @param {string} words */
  async change(words) {
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (this.sample.querySelectorAll("button"));
    buttons.forEach((button) => (button.disabled = true));
    const record = await takeSample();
    buttons.forEach((button) => (button.disabled = false));
    if (!record) return;
    if (words) fill(words);
    requestChange({ action: "edit", image_id: record.id });
  }
}

/** @param {string} selector */
const press = (selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector))?.click();

/** @param {HTMLElement} node */
export const invite = (node) => new Invitation(node);
