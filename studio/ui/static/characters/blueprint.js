// The blueprint editor: what is said of a character, field by field, each locked (must not change) or free. Two tabs
// may edit the same one: the later save is told what it would overwrite. Opened by `blueprint:open` {id}.

import { el } from "../core/dom.js";
import { BLUEPRINT_FIELDS } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { cast } from "./cast.js";
import { Told } from "./told.js";

/** @import { BlueprintLine } from "../core/shapes.js" */
/** @import { Blueprint, Problem } from "../core/schemas.js" */

class BlueprintEditor {
  /** @type {string} */
  id;
  /** @type {string} */
  described;
  /** @type {number} */
  revision;
  /** @type {{ name: string; input: HTMLInputElement; lock: HTMLButtonElement; node: HTMLDivElement; }[]} */
  known;
  /** @type {(BlueprintLine & {title: HTMLInputElement, node: HTMLElement})[]} */
  own = [];

  constructor() {
    this.dialog = kit.dialog({ id: "blueprint-editor", title: "Blueprint", kind: "wide tall" });
    this.rows = el("div", { class: "bp-rows", role: "group", "aria-label": "Fields" });
    this.free = el("div", { class: "bp-rows", role: "group", "aria-label": "Fields of your own" });
    this.script = el("textarea", {
      class: "out-input chr-text",
      id: "blueprint-script",
      rows: 5,
      maxlength: 10000,
      placeholder: "Who this is, in your own words",
    });
    this.description = el("textarea", {
      class: "out-input chr-text",
      id: "blueprint-description",
      rows: 3,
      maxlength: 10000,
      placeholder: "Left empty, the portrait's prompt is composed from the fields",
    });
    this.conflict = el("div", { class: "bp-conflict", role: "alert", hidden: true });
    this.line = el("p", { class: "mod-note bp-line", role: "status" });
    this.told = new Told(() => this.wish());
    const add = kit.button({
      id: "blueprint-add",
      name: "plus",
      label: "Add a field of your own",
      kind: "ghost",
      run: () => this.addFree().title.focus(),
    });
    const save = kit.button({ id: "blueprint-save", name: "check", label: "Save", kind: "strong", run: () => this.save() });
    const cancel = kit.button({ label: "Cancel", kind: "ghost", run: () => this.dialog.close() });
    /** @param {string} words @param {HTMLElement} node */
    const field = (words, node) => el("label", { class: "out-field" }, el("span", {}, words), node);
    this.dialog.body.append(
      el(
        "div",
        { class: "bp-grid" },
        el(
          "section",
          {},
          el("h3", {}, "What must stay, and what is free"),
          el(
            "p",
            { class: "mod-note" },
            "Locked fields hold the identity: they are offered to every prompt, and as keep clauses in smart edits.",
          ),
          this.rows,
          this.free,
          add,
        ),
        el(
          "section",
          {},
          field("Script context", this.script),
          field("Image prompt this character starts with", this.description),
          this.line,
          this.told.node,
        ),
      ),
      this.conflict,
    );
    this.dialog.node.append(el("div", { class: "out-dialog-foot end" }, cancel, save));
    this.dialog.node.addEventListener("keydown", (event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && this.save());
    this.dialog.body.addEventListener("input", () => this.showLine());
  }

  /** @param {string} id */
  async open(id) {
    const character = await cast.get(id).catch(() => null); // its toast has said why
    if (!character || this.dialog.typing()) return;
    this.id = id;
    this.dialog.heading.textContent = `Blueprint of ${character.name}`;
    this.description.value = this.described = character.description;
    this.fill(character.blueprint);
    this.dialog.open();
    this.rows.querySelector("input")?.focus();
  }

  /** @param {Blueprint} blueprint */
  fill(blueprint) {
    this.revision = blueprint.revision;
    this.known = BLUEPRINT_FIELDS.map(([name, words, example]) =>
      this.row(words, blueprint.fields[name] ?? { value: "", locked: false }, { name, example }),
    );
    this.rows.replaceChildren(...this.known.map(({ node }) => node));
    this.own = [];
    this.free.replaceChildren();
    blueprint.free.forEach((one) => this.addFree(one));
    this.script.value = blueprint.script;
    this.conflict.hidden = true;
    this.showLine();
  }

  /**
   * @param {string} words
   * @param {{value: string, locked: boolean}} said
   * @param {{name: string, example: string}} said
   */
  row(words, { value, locked }, { name, example }) {
    const input = el("input", {
      type: "text",
      class: "out-input",
      id: `blueprint-${name}`,
      value,
      maxlength: 500,
      placeholder: `e.g. ${example}`,
    });
    const lock = this.lock(words, locked, `blueprint-lock-${name}`);
    return { name, input, lock, node: el("div", { class: "bp-row" }, el("label", { for: `blueprint-${name}` }, words), input, lock) };
  }

  /** @param {string} words @param {boolean} locked @param {string | null} [id] */
  lock(words, locked, id = null) {
    const node = el("button", {
      type: "button",
      id,
      class: "bp-lock",
      onclick: () => (draw(node.getAttribute("aria-pressed") !== "true"), this.showLine()),
    });
    /** @param {boolean} on */
    const draw = (on) => {
      node.setAttribute("aria-pressed", String(on));
      node.setAttribute("aria-label", `${words}: ${on ? "Locked" : "Free"}`);
      node.title = on ? "Locked: must not change" : "Free: may change";
      node.replaceChildren(kit.icon(on ? "lock" : "edit"), el("span", {}, on ? "Locked" : "Free"));
    };
    draw(Boolean(locked));
    return node;
  }

  addFree({ name = "", value = "", locked = false } = {}) {
    const title = el("input", {
      type: "text",
      class: "out-input",
      value: name,
      maxlength: 60,
      placeholder: "Name",
      "aria-label": "Name of the field",
    });
    const input = el("input", {
      type: "text",
      class: "out-input",
      value,
      maxlength: 500,
      placeholder: "What is said of it",
      "aria-label": "What is said of it",
    });
    const lock = this.lock(name || "Own field", locked);
    const remove = kit.button({
      name: "trash",
      label: "Remove this field",
      words: false,
      kind: "ghost",
      run: () => ((this.own = this.own.filter((each) => each !== one)), one.node.remove(), this.showLine()),
    });
    const one = { title, input, lock, node: el("div", { class: "bp-row own" }, title, input, lock, remove) };
    this.own.push(one);
    this.free.append(one.node);
    return one;
  }

  // --- what is said ---------------------------------------------------------------------------
  draft() {
    /** @param {BlueprintLine} said */
    const read = ({ input, lock }) => ({ value: input.value.trim(), locked: lock.getAttribute("aria-pressed") === "true" });
    return {
      revision: this.revision,
      fields: Object.fromEntries(this.known.map((one) => [one.name, read(one)])),
      free: this.own.filter((one) => one.title.value.trim()).map((one) => ({ name: one.title.value.trim(), ...read(one) })),
      script: this.script.value,
    };
  }

  /** All that prompts are composed of, to hear which of its words the model does not know. */
  wish() {
    const { fields, free } = this.draft();
    const said = [...Object.values(fields), ...free].map((one) => one.value);
    const prompt = [...said, this.description.value].filter((words) => words.trim()).join(", ");
    return prompt ? { mode: "text_to_image", prompt: prompt.slice(0, 10000) } : null;
  }

  /** What “insert all locked” will hold on to, as it stands. */
  showLine() {
    this.told.soon();
    const { fields, free } = this.draft();
    const locked = [...Object.values(fields), ...free].filter((one) => one.locked && one.value).length;
    this.line.textContent = locked
      ? `${kit.count(locked, "locked field")} will be held in every prompt that asks for them.`
      : "Nothing is locked yet. Lock what must not change.";
  }

  async save(overwrite = false) {
    const saved = await cast
      .saveBlueprint(this.id, this.draft(), overwrite)
      .catch(({ problem, message }) => this.refused(problem, message));
    if (!saved) return;
    if (this.description.value !== this.described) await cast.patch(this.id, { description: this.description.value }).catch(() => {});
    this.dialog.close();
    toast("The blueprint is saved.", "success");
  }

  /** @param {Problem | undefined} problem @param {string} message */
  refused(problem, message) {
    if (problem?.status !== 409) return void toast(problem?.detail ?? message, "error");
    const lines = (problem.errors ?? []).map((one) => el("li", {}, one.detail));
    const mine = kit.button({ id: "blueprint-overwrite", label: "Save mine over it", kind: "danger", run: () => this.save(true) });
    const theirs = kit.button({ id: "blueprint-reload", label: "Take theirs", run: () => (this.dialog.settled(), this.open(this.id)) });
    this.conflict.replaceChildren(
      el("h3", {}, "Somebody saved this blueprint meanwhile"),
      el("p", {}, problem.detail),
      el("ul", {}, lines),
      el("div", { class: "out-toolbar" }, theirs, mine),
    );
    this.conflict.hidden = false;
    theirs.focus();
    return null;
  }
}

/** @type {BlueprintEditor | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{id: string}} said */
export function open({ id }) {
  shown ??= new BlueprintEditor();
  shown.open(id);
}
