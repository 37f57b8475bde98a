// The tags of one picture, as chips that can be taken away, and a field for another.
(() => {
  "use strict";
  const { likeness } = window;
  if (likeness.Tags) return;
  const { el } = likeness;
  const { kit, pictures } = likeness;

  class Tags {
    constructor() {
      this.chips = el("ul", { class: "out-tags", "aria-label": "Tags" });
      this.input = el("input", { type: "text", class: "out-tag-input", id: "details-tag", maxlength: 64, placeholder: "Add a tag", "aria-label": "Add a tag", autocomplete: "off" });
      this.input.addEventListener("keydown", (event) => ["Enter", ","].includes(event.key) && (event.preventDefault(), this.add()));
      this.input.addEventListener("blur", () => this.add());
      this.node = el("div", { class: "out-tag-row" }, this.chips, this.input);
    }

    show(record) {
      this.record = record;
      this.chips.replaceChildren(...record.tags.map((tag) => el("li", { class: "out-tag" }, tag,
        el("button", { type: "button", "aria-label": `Take the tag ${tag} away`, onclick: () => this.save(this.record.tags.filter((other) => other !== tag)) }, kit.icon("close")))));
    }

    add() {
      const tag = this.input.value.trim();
      this.input.value = "";
      if (tag) this.save([...this.record.tags, tag]);
    }

    /** Shown before it is answered, so that the next tag comes on top of this one. */
    save(tags) {
      const before = this.record;
      this.show({ ...before, tags });
      const refused = () => this.record.id === before.id && this.show(before); // its toast has said why
      pictures.patch(before.id, { tags }).then(() => likeness.emit("tags:changed"), refused);
    }
  }

  likeness.Tags = Tags;
})();
