// The reference set of a character: up to ten approved pictures, ordered, one of them the anchor, and what they say
// about each other. Opened by `references:open` {id}.

import { thumbnailAddress } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { LIMITS } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { cast } from "./cast.js";

/** @import { ReferenceItem, ReferenceSet } from "../core/schemas.js" */
/** @import { IconName } from "../kit/icons.js" */

class ReferenceDialog {
  /** @type {string} */
  id;
  /** @type {ReferenceItem[]} */
  items;

  constructor() {
    this.dialog = kit.dialog({ id: "reference-set", title: "Reference set", kind: "wide" });
    this.warning = el("p", { class: "mod-status bad", role: "status", hidden: true });
    this.list = el("ol", { class: "chr-set", "aria-label": "Approved pictures, in order" });
    this.empty = el(
      "p",
      { class: "out-empty" },
      "Add the portraits that show who this is: a front view first, then angles and expressions that came out right. They are the default references everywhere.",
    );
    this.measure = el(
      "p",
      { class: "mod-note" },
      "Compared with the anchor are the main colours around the head: hair, skin and what is worn close to them. That is no face recognition: the same colours on somebody else agree.",
    );
    const add = kit.button({
      id: "reference-set-add",
      name: "plus",
      label: "Add from the collection",
      kind: "strong",
      run: () => this.choose(),
    });
    this.count = el("span", { class: "out-picker-count", role: "status" });
    this.dialog.body.append(this.warning, this.empty, this.list, this.measure);
    this.dialog.node.append(el("div", { class: "out-dialog-foot" }, this.count, add));
    this.list.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {string} id */
  async open(id) {
    const character = await cast.get(id).catch(() => null); // its toast has said why
    if (!character) return;
    this.id = id;
    this.dialog.heading.textContent = `Reference set of ${character.name}`;
    const set = await cast.references(id, false).catch(({ message }) => void toast(message, "error"));
    if (!set) return;
    this.show(set);
    this.dialog.open();
    this.compare(id);
  }

  /** What the pictures say about each other takes a moment. @param {string} id */
  async compare(id) {
    const set = await cast.references(id).catch(() => null); // it is shown, without what was measured
    /** @param {ReferenceItem} one @param {number} index */
    const same = (one, index) => one.image_id === this.items[index]?.image_id && one.anchor === this.items[index].anchor;
    if (set && this.id === id && set.items.length === this.items.length && set.items.every(same)) this.measured(set);
  }

  /** @param {Pick<ReferenceSet, "items" | "warning">} set */
  measured(set) {
    this.warn(set.warning);
    set.items.forEach((item, index) => this.list.children[index].querySelector(":scope > .mod-note")?.replaceWith(this.said(item)));
    set.items.forEach((item, index) => this.list.children[index].classList.toggle("bad", item.disagrees));
  }

  /** @param {string | null} words */
  warn(words) {
    this.warning.textContent = words ?? "";
    this.warning.hidden = !words;
  }

  /** @param {{items: ReferenceItem[], warning: string | null}} set */
  show(set) {
    this.items = set.items;
    this.warn(set.warning);
    this.empty.hidden = set.items.length > 0;
    this.measure.hidden = set.items.length < 2;
    this.list.replaceChildren(...set.items.map((item, index) => this.item(item, index)));
    this.count.textContent = `${set.items.length} of ${LIMITS.references}`;
  }

  /** @param {ReferenceItem} item @param {number} index */
  item(item, index) {
    const words = `Reference ${index + 1}${item.anchor ? ", the anchor" : ""}`;
    /** @param {IconName} name @param {string} label @param {() => unknown} run @param {boolean} [disabled] */
    const button = (name, label, run, disabled = false) => kit.button({ name, label, words: false, kind: "ghost", disabled, run });
    return el(
      "li",
      { class: `chr-set-item${item.disagrees ? " bad" : ""}`, tabindex: 0, "data-picture": item.image_id, "aria-label": words },
      el("img", { src: thumbnailAddress(item.image_id), alt: words }),
      this.said(item),
      el(
        "div",
        { class: "out-toolbar" },
        button(
          "anchor",
          item.anchor ? "This is the anchor" : "Make it the anchor",
          () => this.change(cast.anchor(this.id, item.image_id)),
          item.anchor,
        ),
        button("left", "Move to the front", () => this.move(index, -1), index === 0),
        button("right", "Move back", () => this.move(index, 1), index === this.items.length - 1),
        button("trash", "Take out of the set", () => this.change(cast.removeReference(this.id, item.image_id))),
      ),
    );
  }

  /** @param {ReferenceItem} item */
  said(item) {
    const words = item.anchor ? "Anchor" : item.colours === null ? "" : item.disagrees ? "Colours unlike the anchor's" : "Similar colours";
    return el(
      "p",
      {
        class: "mod-note",
        title: item.colours === null ? null : `Distance of the main colours: ${item.colours.toFixed(1)} (ΔE); above 20 they disagree`,
      },
      words,
    );
  }

  /** @param {Promise<ReferenceSet>} asked */
  async change(asked) {
    const done = await asked.catch(() => null); // its toast has said why
    if (!done) return;
    const at = document.activeElement?.closest(".chr-set-item")?.dataset.picture;
    this.show(done);
    ([...this.list.children].find((node) => node.dataset.picture === at) ?? this.dialog.node).focus();
    await this.compare(this.id);
  }

  /** @param {number} index @param {number} by */
  move(index, by) {
    const ids = this.items.map((item) => item.image_id);
    ids.splice(index + by, 0, ...ids.splice(index, 1));
    return this.change(cast.orderReferences(this.id, ids));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const item = closest(event, ".chr-set-item");
    if (!item || event.target !== item) return;
    const index = [...this.list.children].indexOf(item);
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Delete") this.change(cast.removeReference(this.id, item.dataset.picture ?? ""));
    else if (by && event.altKey) this.items[index + by] && this.move(index, by);
    else if (by) this.list.children[index + by]?.focus();
    else return;
    event.preventDefault();
  }

  choose() {
    const max = LIMITS.references - this.items.length;
    if (max < 1) return void toast("The set is full. Take a picture out first.", "warning");
    return emit("picker:open", { max, answer: (ids) => this.add(ids) });
  }

  /** @param {string[]} ids */
  async add(ids) {
    for (const id of ids) await cast.addReference(this.id, id).catch(() => {}); // its toast has said why
    this.show(await cast.references(this.id, false).catch(() => ({ items: this.items, warning: null })));
    await this.compare(this.id);
  }
}

/** @type {ReferenceDialog | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{id: string}} said */
export function open({ id }) {
  shown ??= new ReferenceDialog();
  shown.open(id);
}
