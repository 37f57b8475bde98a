// Several pictures chosen at once, and the bar with what can be done with all of them. The bar stands at the foot
// of the page while something is chosen.

import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { LIMITS } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import * as pictures from "./pictures.js";

const MOST = 200; // pictures that one edit goes over

/** @import { Listing } from "../core/shapes.js" */

/** Ids in the order in which they were chosen. `changed()` runs after every change. */
export class Selection {
  /** @type {Set<string>} */
  chosen;
  /** @type {null | string} */
  from;

  /** @param {Listing} source @param {() => unknown} changed */
  constructor(source, changed) {
    this.source = source;
    this.changed = changed;
    this.chosen = new Set();
    this.from = null; // where a range begins
  }

  get size() {
    return this.chosen.size;
  }

  ids() {
    return [...this.chosen];
  }

  /** @param {string} id */
  has(id) {
    return this.chosen.has(id);
  }

  /** @param {string} id */
  toggle(id) {
    if (!this.chosen.delete(id)) this.chosen.add(id);
    this.from = id;
    this.changed();
  }

  /** Everything from where the last one was chosen up to this one. @param {string} id */
  async range(id) {
    const [a, b] = [this.source.indexOf(this.from ?? id), this.source.indexOf(id)];
    const ids = await this.source.between(a < 0 ? b : Math.min(a, b), a < 0 ? b : Math.max(a, b));
    ids.forEach((one) => this.chosen.add(one));
    this.changed();
  }

  async all() {
    this.chosen = new Set(await this.source.all());
    this.changed();
  }

  clear() {
    this.chosen.clear();
    this.from = null;
    this.changed();
  }

  /** Forget pictures that left the listing. @param {string[]} ids */
  drop(ids) {
    const before = this.size;
    ids.forEach((id) => this.chosen.delete(id));
    if (this.size !== before) this.changed();
  }
}

/** Ask for a tag; resolves with {tag, remove} or null. @param {number} number */
async function askTag(number) {
  const buttons = [
    { name: "remove", label: "Take the tag away" },
    { name: "add", label: "Add tag", kind: "strong" },
  ];
  const props = { id: "tag-name", maxlength: 64, placeholder: "e.g. final, client A" };
  const given = await kit.askLine({ id: "tag-dialog", title: `Tag ${kit.count(number)}`, label: "Tag", props, buttons });
  return given && { tag: given.text, remove: given.by === "remove" };
}

/** What can be done with all chosen pictures. */
export class SelectionBar {
  /** @param {Selection} selection */
  constructor(selection) {
    this.selection = selection;
    this.words = el("span", { class: "out-select-count", role: "status" });
    /**
     * @param {import("../kit/icons.js").IconName} name
     * @param {string} label
     * @param {string | null} key
     * @param {() => unknown} run
     * @param {string} [kind]
     */
    const make = (name, label, key, run, kind = "ghost") => kit.button({ name, label, key, kind, run, "data-bulk": name });
    this.live = [
      make("use", "Use as references", "R", () => this.perform("use"), "strong"),
      make("edit", "Edit all", "E", () => this.perform("edit")),
      make("compare", "Compare", "C", () => this.perform("compare")),
      make("star", "Star", "S", () => this.perform("star")),
      make("tag", "Tag", "T", () => this.perform("tag")),
      make("download", "Export", null, () => this.perform("export")),
      make("trash", "Move to trash", "Delete", () => this.perform("trash")),
    ];
    this.dead = [make("restore", "Restore", null, () => this.perform("restore"), "strong")];
    this.all = kit.button({ label: "Choose all", kind: "ghost", key: "Ctrl+A", run: () => selection.all() });
    const close = kit.button({
      name: "close",
      label: "Choose none",
      key: "Escape",
      words: false,
      kind: "ghost",
      run: () => selection.clear(),
    });
    this.node = el(
      "div",
      { class: "out-select-bar", role: "toolbar", "aria-label": "Chosen pictures", hidden: true },
      this.words,
      this.all,
      el("span", { class: "out-select-tools" }, this.live, this.dead),
      close,
    );
  }

  /** @param {boolean} trash */
  draw(trash) {
    const { size } = this.selection;
    this.node.hidden = !size;
    if (!size) return;
    this.words.textContent = `${kit.grouped(size)} chosen`;
    this.live.forEach((node) => (node.hidden = trash));
    this.dead.forEach((node) => (node.hidden = !trash));
    this.all.hidden = size === this.selection.source.total;
    this.live[0].disabled = size > LIMITS.references;
    this.live[0].title = size > LIMITS.references ? `The studio takes up to ${LIMITS.references} references.` : "Use as references (R)";
    this.live[1].disabled = size < 2 || size > MOST;
    this.live[1].title = this.live[1].disabled ? `One edit goes over 2 to ${MOST} pictures.` : "Edit all (E)";
    this.live[2].disabled = size !== 2;
    this.live[2].title = size === 2 ? "Compare (C)" : "Choose two pictures to compare them.";
  }

  /** Do it with everything chosen; refusals come as toasts. @param {string} name */
  async perform(name) {
    const ids = this.selection.ids();
    const run = {
      use: () => this.use(ids),
      compare: () => ids.length === 2 && emit("compare:open", { id: ids[1], against: ids[0] }),
      edit: () => this.edit(ids),
      star: () => this.star(ids),
      tag: () => this.tag(ids),
      export: () => emit("export:open", { ids }),
      trash: () => pictures.trashMany(ids),
      restore: () => this.restore(ids),
    }[name];
    await Promise.resolve(run?.()).catch(() => {}); // its toast has said why
  }

  /** One alone as any picture is edited. @param {string[]} ids */
  edit(ids) {
    if (ids.length === 1) requestChange({ action: "edit", image_id: ids[0] });
    else if (ids.length <= MOST) emit("many:open", { ids });
  }

  /** @param {string[]} ids */
  use(ids) {
    if (ids.length > LIMITS.references) return void toast(`The studio takes up to ${LIMITS.references} references.`, "info");
    requestChange({ action: "use_all", image_ids: ids });
    return this.selection.clear();
  }

  /** All of them starred; where they all are already, none. @param {string[]} ids */
  async star(ids) {
    const records = await pictures.many(ids.slice(0, 500));
    const off = records.every((record) => record.starred);
    await pictures.bulk(ids, off ? "unstar" : "star");
    toast(`${kit.count(ids.length)} ${off ? "no longer starred" : "starred"}.`, "success");
  }

  /** @param {string[]} ids */
  async tag(ids) {
    const given = await askTag(ids.length);
    if (!given) return;
    await pictures.bulk(ids, given.remove ? "untag" : "tag", given.tag);
    toast(`“${given.tag}” ${given.remove ? "taken from" : "given to"} ${kit.count(ids.length)}.`, "success");
    emit("tags:changed");
  }

  /** @param {string[]} ids */
  async restore(ids) {
    await pictures.bulk(ids, "restore");
    toast(`${kit.count(ids.length)} restored.`, "success");
  }
}
