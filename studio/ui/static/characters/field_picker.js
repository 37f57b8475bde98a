// The Blueprint Field Picker: a button beside a prompt box. A press on a field inserts it at the caret; all locked
// ones go in as one line; in a smart edit, what must stay is offered as keep clauses. Nothing is added unseen.

import { on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import * as kit from "../kit/kit.js";
import { popover, rove } from "../kit/menus.js";
import { toast } from "../kit/toasts.js";
import { recall } from "../studio/memory.js";
import { loadCharacter, loadedCharacter } from "./loaded.js";
import "./news.js"; // of other tabs

/** @import { PickerEntry } from "../core/schemas.js" */
/** @import { Part } from "../core/events.js" */

/**
 * Put text where the caret is, with commas around it where words meet, and leave the caret after it.
 * @param {HTMLTextAreaElement} box
 * @param {string} text
 */
function insert(box, text) {
  const at = box.selectionStart ?? box.value.length;
  const before = box.value.slice(0, at);
  const after = box.value.slice(box.selectionEnd ?? at);
  const left =
    before.trim() && !/[,;.\n]\s*$/.test(before) ? `${before.trimEnd()}, ` : before && !/\s$/.test(before) ? `${before} ` : before;
  const right = after.trim() && !/^\s*[,;.\n]/.test(after) ? `, ${after.trimStart()}` : after;
  box.value = left + text + right;
  const caret = left.length + text.length;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.focus();
  box.setSelectionRange(caret, caret);
}

export class FieldPicker {
  /** @type {{id: string, name: string} | null} */
  character;

  /**
   * `box()`: the textarea; `editing()`: whether the mode is a smart edit; `id`: prefix of the element ids.
   * @param {{id: string, box: () => HTMLTextAreaElement | null, editing?: () => boolean}} said
   */
  constructor({ id, box, editing = () => false }) {
    this.id = id;
    this.box = box;
    this.editing = editing;
    this.character = null;
    this.name = el("span", { class: "chr-picker-name" });
    this.button = el(
      "button",
      {
        type: "button",
        id,
        class: "chr-picker-button",
        title: "Insert fields of the character",
        "aria-label": "Insert fields of the character",
        "aria-haspopup": "dialog",
      },
      kit.icon("person"),
      this.name,
    );
    this.panel = el("div", { class: "chr-picker-panel", role: "dialog", "aria-label": "Blueprint fields" });
    this.node = el("div", { class: "chr-picker", hidden: true }, this.button, this.panel);
    this.popover = popover(this.button, this.panel, { width: 320, onOpen: () => this.fill() });
    rove(this.panel, () => [...this.panel.querySelectorAll(".lk-menu-item")]);
  }

  /**
   * Offer the fields of this character ({id, name}); null: of none.
   * @param {{id: string, name: string} | null} character
   */
  load(character) {
    this.character = character;
    this.node.hidden = !character;
    this.name.textContent = character?.name ?? "";
    this.button.setAttribute("aria-label", `Insert fields of ${character?.name ?? "the character"}`);
    if (!character) this.popover.close();
  }

  async fill() {
    const { character } = this;
    if (!character) return;
    /** @type {import("../core/schemas.js").BlueprintWords | null} */
    const words = await api(`/characters/${encodeURIComponent(character.id)}/words`, { quiet: true }).catch(
      (error) => (toast(error.message, "warning"), null),
    );
    if (!words || character !== this.character) return;
    /** @param {PickerEntry} one */
    const entry = (one) => this.item(one.label, one.text, one.locked);
    const fields = words.picker.map(entry);
    const all = words.identity_line ? [this.item("Insert all locked", words.identity_line, true, `${this.id}-all`)] : [];
    const keep =
      this.editing() && words.keep.length
        ? [
            el("h3", {}, "Keep as it is"),
            ...words.keep.map((one) => this.item(one.label, one.text, true)),
            this.item("Keep all of these", words.keep.map((one) => one.text).join(", "), true, `${this.id}-keep`),
          ]
        : [];
    const none = el("p", { class: "mod-note" }, "Nothing is said of this character yet. Fill in its blueprint in the Characters section.");
    this.panel.replaceChildren(el("h3", {}, character.name), ...(fields.length ? [...fields, ...all] : [none]), ...keep);
    this.popover.follow();
    this.panel.querySelector(".lk-menu-item")?.focus({ preventScroll: true });
  }

  /** @param {string} label @param {string} text @param {boolean} locked @param {string | null} [id] */
  item(label, text, locked, id = null) {
    return el(
      "button",
      { type: "button", id, class: "lk-menu-item chr-picker-item", onclick: () => this.use(text) },
      kit.icon(locked ? "lock" : "edit"),
      el("span", {}, el("strong", {}, label), el("small", {}, text)),
    );
  }

  /** @param {string} text */
  use(text) {
    this.popover.close();
    const box = this.box();
    if (box) insert(box, text);
  }
}

/** The Studio's own: its value is the id of the character that is loaded in this tab. @param {Part} said */
export const fieldPicker = ({ element, props, watch }) => {
  element.classList.add("out");
  const picker = new FieldPicker({
    id: "field-picker",
    box: () => document.querySelector("#prompt textarea"),
    editing: () => recall().mode === "smart_edit",
  });
  const unload = kit.button({
    id: "character-unload",
    name: "close",
    label: "Put the character away",
    words: false,
    kind: "ghost small",
    run: () => loadCharacter(null),
  });
  picker.node.append(unload);
  element.querySelector(".chr-picker-root")?.append(picker.node);

  /** Find out who it is; one that is gone is put away. @param {string} id */
  const find = async (id) => {
    const known = await api(`/characters/${encodeURIComponent(id)}`, { quiet: true }).catch(({ problem }) =>
      problem?.status === 404 ? null : { id, name: "Character" },
    );
    if (props.value === id) loadCharacter(known);
  };
  const follow = () => {
    const id = props.value || null;
    if (id === (loadedCharacter()?.id ?? null)) return;
    if (id) find(id);
    else loadCharacter(null);
  };
  on("character:loaded", (character) => {
    picker.load(character);
    if ((props.value || null) !== (character?.id ?? null)) props.value = character?.id ?? null;
  });
  on("characters:changed", ({ id }) => {
    const loaded = loadedCharacter();
    if (loaded && (!id || id === loaded.id)) find(loaded.id);
  });
  watch("value", follow);
  follow();
};
