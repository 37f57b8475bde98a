// The tags of one picture, as chips that can be taken away, and a field for another.

import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import * as pictures from "./pictures.js";

/** @import { Picture } from "../core/events.js" */

export class Tags {
  /** @type {import("../core/events.js").Picture} */
  record;

  /** Whose tags those typed now are, while they are not known yet. @type {string | null} */
  coming = null;
  early = false; // a tag was given meanwhile

  constructor() {
    this.sent = Promise.resolve();
    this.waiting = 0; // changes that are not answered yet
    this.chips = el("ul", { class: "out-tags", "aria-label": "Tags" });
    this.input = el("input", {
      type: "text",
      class: "out-tag-input",
      id: "details-tag",
      maxlength: 64,
      placeholder: "Add a tag",
      "aria-label": "Add a tag",
      autocomplete: "off",
    });
    this.input.addEventListener("keydown", (event) => ["Enter", ","].includes(event.key) && (event.preventDefault(), this.add()));
    this.input.addEventListener("blur", () => this.add());
    this.node = el("div", { class: "out-tag-row" }, this.chips, this.input);
  }

  /** Another picture comes: a tag given before its own are known waits for them. @param {string} id */
  expect(id) {
    this.coming = id;
    this.early = false;
    this.input.value = "";
    this.chips.replaceChildren();
  }

  /**
   * What is known of a picture; while changes of its tags are on their way, those shown are newer.
   * @param {Picture} record
   */
  show(record) {
    const awaited = this.coming === record.id;
    if (awaited) this.coming = null;
    if (awaited || !this.waiting || record.id !== this.record.id) this.draw(record);
    if (awaited && this.early) this.add();
  }

  /** @param {Picture} record */
  draw(record) {
    this.record = record;
    this.chips.replaceChildren(
      ...record.tags.map((tag) =>
        el(
          "li",
          { class: "out-tag" },
          tag,
          el(
            "button",
            {
              type: "button",
              "aria-label": `Take the tag ${tag} away`,
              onclick: () => this.save(this.record.tags.filter((other) => other !== tag)),
            },
            kit.icon("close"),
          ),
        ),
      ),
    );
  }

  add() {
    if (this.coming) return void (this.early = true);
    const tag = this.input.value.trim();
    this.input.value = "";
    if (tag) this.save([...this.record.tags, tag]);
  }

  /**
   * Shown before it is answered, so that the next tag comes on top of this one; sent one after the other.
   * @param {string[]} tags
   */
  save(tags) {
    const before = this.record;
    this.draw({ ...before, tags });
    this.waiting += 1;
    /** @param {import("../core/events.js").Picture} record */
    const settled = (record) => {
      this.waiting -= 1;
      if (!this.waiting && record.id === this.record.id) this.draw(record);
    };
    this.sent = this.sent
      .then(() => pictures.patch(before.id, { tags }))
      .then(
        (record) => (settled(record), emit("tags:changed")),
        () => settled(before),
      ); // its toast has said why
  }
}
