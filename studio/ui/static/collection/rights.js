// Rights: what the artist says about a picture that was not made here, and the lines that pictures made from it
// inherit. States, never asks twice.

import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import * as pictures from "./pictures.js";

/** @import { Picture } from "../core/events.js" */

/** @type {[name: keyof import("../core/schemas.js").Rights, label: string, example: string][]} */
const FIELDS = [
  ["source", "Source", "e.g. my own photo"],
  ["licence", "Licence", "e.g. CC BY 4.0, licensed from …"],
  ["consent", "Consent", "e.g. client, release signed"],
];
const GUIDANCE = "Note where the picture comes from and that you may use it; pictures made from it carry the note on.";

export class Rights {
  /** @type {import("../core/events.js").Picture} */
  record;

  constructor() {
    this.fields = FIELDS.map(([name, label, example]) => {
      const one = kit.field(label, { maxlength: 500, placeholder: `Not stated, ${example}`, id: `rights-${name}`, autocomplete: "off" });
      one.input.addEventListener("change", () => this.save());
      return { name, ...one };
    });
    this.form = el(
      "div",
      { class: "out-rights" },
      el("p", { class: "out-dim" }, GUIDANCE),
      this.fields.map((field) => field.node),
    );
    this.lines = el("ul", { class: "out-notes" });
    this.node = el("section", { class: "out-group", "aria-label": "Rights" }, el("h3", {}, "Rights"), this.form, this.lines);
  }

  /** Another picture comes: until it is known nothing is said of it, nor of the last one. */
  expect() {
    this.node.hidden = true;
  }

  /** @param {Picture} record @param {string[]} [inherited] */
  show(record, inherited = []) {
    this.record = record;
    this.form.hidden = Boolean(record.request);
    this.fields.forEach(({ name, input }) => {
      if (document.activeElement !== input) input.value = record.rights?.[name] ?? "";
    });
    this.lines.replaceChildren(...inherited.map((line) => el("li", {}, line)));
    this.node.hidden = Boolean(record.request) && !inherited.length;
  }

  save() {
    const rights = Object.fromEntries(this.fields.map(({ name, input }) => [name, input.value.trim() || null]));
    pictures.patch(this.record.id, { rights }).catch(() => {}); // its toast has said why
  }
}
