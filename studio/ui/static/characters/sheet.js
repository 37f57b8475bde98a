// Character sheets: what is to vary, the prompts that come of it (to be edited), one seed or several; then the pictures
// (`sheet_result.js`). Opened by `sheet:open` {id}.

import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { cast } from "./cast.js";
import { SheetResult } from "./sheet_result.js";
import { Told } from "./told.js";

/** @import { SheetList, SheetNow } from "../core/shapes.js" */
/** @import { Character, Design, SheetCell } from "../core/schemas.js" */

/** @type {[name: import("../core/shapes.js").SheetList, words: string][]} */
const LISTS = [
  ["expressions", "Expressions"],
  ["angles", "Angles"],
  ["outfits", "Outfits"],
  ["lights", "Lights"],
];

class SheetDialog {
  /** @type {string} */
  id;
  /** @type {import("../core/schemas.js").SheetChoices} */
  choices;
  /** @type {number} */
  typing;
  /** @type {number} */
  turn;
  /** The active design's, or null. @type {string | null} */
  model;

  constructor() {
    this.dialog = kit.dialog({
      id: "character-sheet",
      title: "Character sheet",
      kind: "wide tall",
      onClose: () => this.result.rest(),
    });
    this.result = new SheetResult();
    this.lists = Object.fromEntries(LISTS.map(([name, words]) => [name, this.list(name, words)]));
    this.mode = kit.choice(
      "Made by",
      [
        ["", "Character Reference: new pictures"],
        ["smart_edit", "Smart Image Editing: the anchor, changed"],
      ],
      () => this.compose(),
      { id: "sheet-mode" },
    );
    this.how = el("p", { class: "mod-note", role: "status" });
    this.style = el("p", { class: "mod-note", id: "sheet-design" });
    this.cells = el("ol", { class: "sheet-cells", "aria-label": "Pictures of the sheet" });
    this.told = new Told(() => this.wish());
    this.cells.addEventListener("input", () => this.told.soon());
    this.seeds = kit.field("Seeds, one column each; empty: a new one", { id: "sheet-seeds", placeholder: "7, 8, 9" });
    this.seeds.input.addEventListener("input", () => this.count());
    const compose = kit.button({
      id: "sheet-compose",
      name: "again",
      label: "Compose the prompts anew",
      kind: "ghost",
      run: () => this.compose(true),
    });
    this.make = kit.button({ id: "sheet-make", label: "Make the sheet", kind: "strong", run: () => this.start() });
    this.plan = el(
      "section",
      { class: "sheet-plan" },
      this.how,
      this.style,
      el(
        "div",
        { class: "sheet-lists" },
        Object.values(this.lists).map(({ node }) => node),
      ),
      this.cells,
      this.told.node,
      el("div", { class: "sheet-make" }, this.mode.node, this.seeds.node, compose, this.make),
    );
    this.before = el("div", { class: "out-toolbar", role: "group", "aria-label": "Sheets made before" });
    this.dialog.body.append(this.before, this.plan, this.result.node);
  }

  /** What to vary, one a line, with proposals to press. @param {SheetList} name @param {string} words */
  list(name, words) {
    const box = el("textarea", {
      class: "out-input chr-text",
      id: `sheet-${name}`,
      rows: 4,
      "aria-label": `${words}, one a line`,
      placeholder: "One a line",
    });
    const chips = el("div", { class: "sheet-chips", role: "group", "aria-label": `Proposed ${words.toLowerCase()}` });
    box.addEventListener("input", () => this.changed());
    return { box, chips, node: el("div", { class: "out-field" }, el("label", { for: `sheet-${name}` }, words), chips, box) };
  }

  /** @param {string} id */
  async open(id) {
    const asked = Promise.all([cast.get(id), cast.sheetChoices(id), cast.designs().catch(() => [])]);
    const answer = await asked.catch(() => null); // a toast has said why
    if (!answer || this.dialog.typing()) return;
    const [character, choices, designs] = answer;
    this.id = id;
    this.dialog.heading.textContent = `Character sheet of ${character.name}`;
    this.choices = choices;
    LISTS.forEach(([name]) => (this.lists[name].box.value = name === "expressions" ? choices[name].slice(0, 4).join("\n") : ""));
    this.seeds.input.value = "";
    this.result.begin(id);
    this.plan.hidden = false;
    this.cells.replaceChildren();
    this.before.hidden = true;
    this.drawChips();
    this.sayHow(character);
    this.model = designs.find((one) => one.active)?.model ?? null;
    this.sayDesign(designs.find((one) => one.active));
    this.dialog.open();
    await Promise.all([this.compose(true), this.showBefore()]);
  }

  /** @param {Character} said */
  sayHow({ references }) {
    this.how.textContent = references
      ? `The ${references > 1 ? `${references} pictures` : "picture"} of the reference set hold${references > 1 ? "" : "s"} who it is. The prompts come from the locked fields and can be edited.`
      : "The reference set is empty, so these pictures come from words alone and may show different people. Add an approved portrait to the set first.";
    this.how.classList.toggle("warn", !references);
    this.mode.node.hidden = !references;
    this.mode.select.value = "";
  }

  /** Whose words enter every prompt of the sheet. @param {Design | undefined} design */
  sayDesign(design) {
    this.style.hidden = !design;
    if (!design) return;
    const style = design.style_prompt.trim();
    const negative = design.negative_prompt.trim();
    this.style.textContent = [
      style
        ? `“${style}” of the design “${design.name}” is added to every prompt.`
        : `The design “${design.name}” adds nothing to the prompts.`,
      negative ? `Its negative prompt is “${negative}”.` : "",
    ].join(" ");
  }

  /** A chip is pressed while its line is in the list. */
  drawChips() {
    for (const [name] of LISTS) {
      const chosen = new Set(this.lines(name));
      this.lists[name].chips.replaceChildren(
        ...this.choices[name].map((words) =>
          el(
            "button",
            { type: "button", class: "sheet-chip", "aria-pressed": String(chosen.has(words)), onclick: () => this.toggle(name, words) },
            words,
          ),
        ),
      );
    }
  }

  /** @param {SheetList} name @param {string} words */
  toggle(name, words) {
    const lines = this.lines(name);
    this.lists[name].box.value = (lines.includes(words) ? lines.filter((line) => line !== words) : [...lines, words]).join("\n");
    const at = this.choices[name].indexOf(words);
    this.changed();
    this.lists[name].chips.children[at].focus();
  }

  changed() {
    this.drawChips();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.compose(), 200);
  }

  async showBefore() {
    const sheets = await cast.sheets(this.id).catch(() => []);
    const again = kit.button({ id: "sheet-new", name: "plus", label: "New sheet", kind: "ghost", run: () => this.anew() });
    const made = sheets.slice(0, 6).map((sheet) =>
      kit.button({
        label: `${kit.count(sheet.total, "picture")}, ${kit.clock(sheet.created_at)}`,
        kind: "ghost",
        run: () => this.turnTo(sheet),
      }),
    );
    this.before.replaceChildren(again, ...made);
    this.before.hidden = !made.length;
  }

  /** Begin another one, unless what was typed is not to be lost. */
  async anew() {
    if (!(await this.dialog.mayLose())) return;
    this.dialog.settled();
    await this.open(this.id);
  }

  /** @param {SheetList} name */
  lines(name) {
    return [
      ...new Set(
        this.lists[name].box.value
          .split("\n")
          .map((line) => line.trim())
          .filter(Boolean),
      ),
    ];
  }

  /** A cell for each line; those that were edited by hand stay as they are, unless `anew`. */
  async compose(anew = false) {
    clearTimeout(this.typing);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const cells = await cast
      .composeSheet(this.id, {
        ...Object.fromEntries(LISTS.map(([name]) => [name, this.lines(name)])),
        edit: Boolean(this.mode.select.value),
      })
      .catch(() => null); // its toast has said why
    if (turn !== this.turn || !cells) return;
    const edited = new Map(
      anew ? [] : [...this.cells.children].filter((node) => node.dataset.edited).map((node) => [node.dataset.line, node]),
    );
    this.cells.replaceChildren(...cells.map((cell) => edited.get(cell.label) ?? this.cell(cell)));
    this.count();
  }

  /** @param {SheetCell} said */
  cell({ label, prompt }) {
    const name = el("input", { type: "text", class: "out-input", value: label, maxlength: 60, "aria-label": "Label" });
    const words = el("input", { type: "text", class: "out-input", value: prompt, maxlength: 10000, "aria-label": `Prompt of ${label}` });
    const node = el("li", { class: "sheet-cell", "data-line": label, oninput: () => (node.dataset.edited = "1") }, name, words);
    node.append(kit.button({ name: "trash", label: `Leave out ${label}`, words: false, kind: "ghost", run: () => this.leaveOut(node) }));
    return node;
  }

  /** @param {HTMLElement} node */
  leaveOut(node) {
    for (const [name] of LISTS)
      this.lists[name].box.value = this.lines(name)
        .filter((line) => line.slice(0, 60) !== node.dataset.line)
        .join("\n");
    (node.nextElementSibling ?? node.previousElementSibling)?.querySelector("button")?.focus();
    node.remove();
    this.drawChips();
    this.count();
  }

  /** The seeds as they are written: one column each. */
  columns() {
    return this.seeds.input.value.split(/[\s,;]+/).filter(Boolean);
  }

  count() {
    const pictures = this.cells.children.length * Math.max(1, this.columns().length);
    kit.relabel(this.make, pictures ? `Make the sheet: ${kit.count(pictures, "picture")}` : "Make the sheet");
    this.make.disabled = !pictures;
    this.told.soon();
  }

  /** All its prompts in one, to hear which of their words the model does not know. */
  wish() {
    const boxes = /** @type {HTMLInputElement[]} */ ([...this.cells.querySelectorAll("li > input:nth-of-type(2)")]);
    const prompt = boxes.map((box) => box.value).join(", ");
    return prompt.trim() ? { mode: "text_to_image", model: this.model, prompt: prompt.slice(0, 10000) } : null;
  }

  async start() {
    const cells = [...this.cells.children].map((node) => {
      const [label, prompt] = /** @type {NodeListOf<HTMLInputElement>} */ (node.querySelectorAll("input"));
      return { label: label.value.trim() || "Picture", prompt: prompt.value };
    });
    const seeds = this.columns();
    if (seeds.some((seed) => !/^\d{1,15}$/.test(seed))) return void toast("Seeds are whole numbers, with commas between them.", "error");
    this.make.disabled = true;
    const sheet = await cast
      .startSheet(this.id, { cells, seeds: seeds.length ? seeds.map(Number) : [-1], mode: this.mode.select.value || null })
      .catch(() => null); // its toast has said why
    this.make.disabled = false;
    if (!sheet) return;
    this.dialog.settled();
    this.turnTo(sheet);
  }

  /** The pictures of a sheet in place of the plan. @param {SheetNow} sheet */
  turnTo(sheet) {
    this.plan.hidden = true;
    this.result.watch(sheet);
  }
}

/** @type {SheetDialog | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{id: string}} said */
export function open({ id }) {
  shown ??= new SheetDialog();
  shown.open(id);
}
