// Character sheets: what is to vary, the prompts that come of it (to be edited), one seed or several, then the
// pictures as they come, the laid-out sheet, and winners for the reference set. Opened by `sheet:open` {id}.

import * as pictures from "../collection/pictures.js";
import { thumbnailAddress } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { enlarge } from "../kit/dialogs.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { cast } from "./cast.js";

/** @import { SheetList, SheetNow } from "../core/shapes.js" */
/** @import { Character, SheetCell, SheetPicture } from "../core/schemas.js" */

/** @type {[name: import("../core/shapes.js").SheetList, words: string][]} */
const LISTS = [
  ["expressions", "Expressions"],
  ["angles", "Angles"],
  ["outfits", "Outfits"],
  ["lights", "Lights"],
];
const POLL = 1500;

class SheetDialog {
  /** @type {string} */
  id;
  /** @type {import("../core/schemas.js").SheetChoices} */
  choices;
  /** @type {Set<string>} */
  joined;
  /** @type {number} */
  typing;
  /** @type {number} */
  turn;
  /** @type {number} */
  timer;
  /** @type {number} */
  sheetColumns;

  constructor() {
    this.dialog = kit.dialog({
      id: "character-sheet",
      title: "Character sheet",
      kind: "wide tall",
      onClose: () => clearTimeout(this.timer),
    });
    this.lists = Object.fromEntries(LISTS.map(([name, words]) => [name, this.list(name, words)]));
    this.mode = kit.choice(
      "Made by",
      [
        ["", "Character Reference: new pictures"],
        ["smart_edit", "Smart Image Editing: the anchor, changed"],
      ],
      () => this.compose(true),
      { id: "sheet-mode" },
    );
    this.how = el("p", { class: "mod-note", role: "status" });
    this.cells = el("ol", { class: "sheet-cells", "aria-label": "Pictures of the sheet" });
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
      el(
        "div",
        { class: "sheet-lists" },
        Object.values(this.lists).map(({ node }) => node),
      ),
      this.cells,
      el("div", { class: "sheet-make" }, this.mode.node, this.seeds.node, compose, this.make),
    );
    this.status = el("p", { class: "mod-status", role: "status" });
    this.grid = el("div", { class: "sheet-grid" });
    this.whole = el("div", { class: "out-toolbar" });
    this.result = el("section", { class: "sheet-result", hidden: true }, this.status, this.whole, this.grid);
    this.before = el("div", { class: "out-toolbar", role: "group", "aria-label": "Sheets made before" });
    this.dialog.body.append(this.before, this.plan, this.result);
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
    const [character, choices] = await Promise.all([cast.get(id), cast.sheetChoices(id)]).catch(() => [null, null]); // a toast has said why
    if (!character) return;
    this.id = id;
    this.dialog.heading.textContent = `Character sheet of ${character.name}`;
    this.choices = choices;
    LISTS.forEach(([name]) => (this.lists[name].box.value = name === "expressions" ? choices[name].slice(0, 4).join("\n") : ""));
    this.seeds.input.value = "";
    this.result.hidden = true;
    this.plan.hidden = false;
    this.cells.replaceChildren();
    this.before.hidden = true;
    this.joined = new Set();
    cast.references(id).then(
      (set) => this.id === id && set.items.forEach((item) => this.joined.add(item.image_id)),
      () => {},
    );
    this.drawChips();
    this.sayHow(character);
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
    const again = kit.button({ id: "sheet-new", name: "plus", label: "New sheet", kind: "ghost", run: () => this.open(this.id) });
    const made = sheets.slice(0, 6).map((sheet) =>
      kit.button({
        label: `${kit.count(sheet.total, "picture")}, ${kit.clock(sheet.created_at)}`,
        kind: "ghost",
        run: () => this.watch(sheet),
      }),
    );
    this.before.replaceChildren(again, ...made);
    this.before.hidden = !made.length;
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
    const node = el(
      "li",
      { class: "sheet-cell", "data-line": label, oninput: () => (node.dataset.edited = "1") },
      name,
      words,
      kit.button({ name: "trash", label: `Leave out ${label}`, words: false, kind: "ghost", run: () => this.leaveOut(node) }),
    );
    return node;
  }

  /** @param {HTMLElement} node */
  leaveOut(node) {
    for (const [name] of LISTS)
      this.lists[name].box.value = this.lines(name)
        .filter((line) => line.slice(0, 60) !== node.dataset.line)
        .join("\n");
    (node.nextElementSibling ?? node.previousElementSibling)?.querySelector("button").focus();
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
    this.make.lastChild.textContent = pictures ? `Make the sheet: ${kit.count(pictures, "picture")}` : "Make the sheet";
    this.make.setAttribute("aria-label", this.make.lastChild.textContent);
    this.make.disabled = !pictures;
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
    this.watch(sheet);
  }

  // --- the sheet as it comes --------------------------------------------------------------------
  /** @param {SheetNow} sheet */
  async watch(sheet) {
    clearTimeout(this.timer);
    this.plan.hidden = true;
    this.result.hidden = false;
    this.show(sheet);
    if (sheet.ended < sheet.total) this.timer = setTimeout(() => this.look(sheet), POLL);
    else if (!sheet.image_id && !sheet.looked) this.look({ ...sheet, looked: true });
  }

  /** @param {SheetNow} sheet */
  async look(sheet) {
    const now = await cast.sheet(this.id, sheet.id).catch(() => sheet);
    if (this.dialog.node.open) this.watch({ ...now, looked: sheet.looked });
  }

  /** @param {SheetNow} sheet */
  show(sheet) {
    this.sheetColumns = sheet.columns;
    this.status.textContent =
      sheet.ended < sheet.total ? `${sheet.ended} of ${sheet.total} pictures are made` : `All ${sheet.total} pictures are made`;
    this.grid.style.setProperty(
      "--columns",
      sheet.columns > 1 ? sheet.columns : sheet.total > 4 ? Math.ceil(Math.sqrt(sheet.total)) : Math.max(1, sheet.total),
    );
    this.grid.replaceChildren(...sheet.pictures.map((one) => this.picture(one)));
    this.whole.hidden = !sheet.image_id;
    this.whole.replaceChildren(
      ...(sheet.image_id
        ? [
            kit.button({ id: "sheet-view", name: "fit", label: "View the sheet", run: () => enlarge(sheet.image_id, "Character sheet") }),
            kit.button({
              id: "sheet-download",
              name: "download",
              label: "Download the sheet",
              run: () => pictures.download(sheet.image_id),
            }),
          ]
        : []),
    );
  }

  /** @param {SheetPicture} said */
  picture({ label, image_id: id, status, error, seed }) {
    const words = this.sheetColumns > 1 ? `${label}, seed ${seed}` : label;
    if (!id)
      return el(
        "figure",
        { class: "sheet-picture" },
        el("div", { class: `chr-noface${status === "running" ? " out-coming" : ""}` }),
        el("figcaption", {}, words, error ? el("small", {}, error) : null),
      );
    const join = kit.button({
      name: "anchor",
      label: `Add ${words} to the reference set`,
      words: false,
      kind: "ghost",
      run: () => this.join(id, join, words),
    });
    const view = el(
      "button",
      { type: "button", class: "sheet-view", "aria-label": `View ${words}`, onclick: () => enlarge(id, words) },
      el("img", { src: thumbnailAddress(id), alt: "", loading: "lazy" }),
    );
    if (this.joined.has(id)) this.mark(join, words);
    return el("figure", { class: "sheet-picture", "data-picture": id }, view, el("figcaption", { title: `Seed ${seed}` }, words, join));
  }

  /** @param {HTMLButtonElement} join @param {string} words */
  mark(join, words) {
    join.disabled = true;
    join.replaceChildren(kit.icon("check"));
    join.setAttribute("aria-label", `${words} is in the reference set`);
    join.title = "In the reference set";
  }

  /** @param {string} id @param {HTMLButtonElement} button @param {string} words */
  async join(id, button, words) {
    const set = await cast.addReference(this.id, id).catch(() => null); // its toast has said why
    if (!set) return;
    this.joined.add(id);
    this.mark(button, words);
    toast("It is in the reference set.", "success");
  }
}

/** @type {SheetDialog | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{id: string}} said */
export function open({ id }) {
  shown ??= new SheetDialog();
  shown.open(id);
}
