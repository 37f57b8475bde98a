import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { store } from "../core/storage.js";
import * as kit from "../kit/kit.js";
import * as pictures from "./pictures.js";

const KINDS = [
  ["", "All"],
  ["generated", "Generated"],
  ["edited", "Edited"],
  ["upload", "Uploads"],
  ["imported", "Imported"],
  ["avatar", "Avatars"],
  ["sheet", "Sheets"],
  ["starred", "Starred"],
  ["trash", "Trash"],
];
const RARE = ["avatar", "sheet"]; // shown where there are some
const SORTS = [
  ["newest", "Newest first"],
  ["oldest", "Oldest first"],
  ["name", "By name"],
  ["size", "Largest files"],
];
const OPEN = "collection.filters";
const ANY = "";

export class Filters {
  /** @type {HTMLSpanElement} */
  count;
  /** @type {HTMLButtonElement} */
  toggle;
  /** @type {HTMLButtonElement} */
  clear;
  /** @type {HTMLDivElement} */
  more;

  /** `changed()` runs when another listing is wanted. @param {() => unknown} changed */
  constructor(changed) {
    this.changed = () => (this.mark(), changed());
    this.search = kit.searchBox("collection-search", this.changed);
    this.kind = kit.segments("Show", KINDS, this.changed);
    this.sort = kit.choice("Order", SORTS, this.changed, { id: "collection-sort" });
    this.sort.node.classList.add("bare");
    this.model = kit.choice("Model", [[ANY, "Any model"]], this.changed);
    this.mode = kit.choice("Mode", [[ANY, "Any mode"]], this.changed);
    this.tag = kit.choice("Tag", [[ANY, "Any tag"]], this.changed);
    this.character = kit.choice("Character", [[ANY, "Any character"]], this.changed);
    this.character.node.hidden = true;
    this.made = kit.choice(
      "References",
      [
        [ANY, "With or without"],
        ["true", "Has references"],
        ["false", "From words alone"],
      ],
      this.changed,
    );
    this.after = kit.field("From", { type: "date", onchange: this.changed });
    this.before = kit.field("To", { type: "date", onchange: this.changed });
    this.build();
  }

  build() {
    this.count = el("span", { class: "out-badge", hidden: true });
    this.toggle = kit.button({
      name: "filter",
      label: "Filters",
      id: "collection-filters",
      run: () => this.unfold(this.more.hidden),
      "aria-controls": "collection-more",
    });
    this.toggle.append(this.count);
    this.clear = kit.button({ label: "Clear filters", kind: "ghost", run: () => this.reset() });
    this.more = el(
      "div",
      { class: "out-filters", id: "collection-more", role: "group", "aria-label": "Filters" },
      [this.character, this.model, this.mode, this.tag, this.made, this.after, this.before].map((one) => one.node),
      this.clear,
    );
    RARE.forEach((kind) => this.kind.hide(kind, true));
    this.unfold(store.get("localStorage", OPEN) === "1");
    this.mark();
  }

  /** @param {boolean} open */
  unfold(open) {
    this.more.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    store.set("localStorage", OPEN, open ? "1" : "0");
  }

  finer() {
    return [
      this.character.select,
      this.model.select,
      this.mode.select,
      this.tag.select,
      this.made.select,
      this.after.input,
      this.before.input,
    ];
  }

  mark() {
    const set = this.finer().filter((node) => node.value).length;
    this.count.hidden = !set;
    this.count.textContent = String(set);
    this.clear.disabled = !set;
  }

  reset() {
    this.finer().forEach((node) => (node.value = ""));
    this.changed();
  }

  /** Everything as it is when one comes: no words, every kind, no filter. */
  showAll() {
    this.search.input.value = "";
    this.kind.pick("");
    this.reset();
  }

  get trash() {
    return this.kind.state.value === "trash";
  }

  /** Whether the listing is one of such pictures, by trash and star. @param {import("../core/events.js").Picture} record */
  shows(record) {
    return Boolean(record.trashed_at) === this.trash && (this.kind.state.value !== "starred" || record.starred);
  }

  /** Whether pictures leave the listing when this is done to them. @param {string} action */
  loses(action) {
    return { trash: !this.trash, restore: this.trash, unstar: this.kind.state.value === "starred" }[action] ?? false;
  }

  /** Words or finer filters are set. */
  get narrow() {
    return Boolean(this.search.input.value.trim()) || this.finer().some((node) => node.value);
  }

  /** Nothing is narrowed down: what is empty now is empty altogether. */
  get plain() {
    return !this.kind.state.value && !this.narrow;
  }

  /** Parameters of the listing. */
  query() {
    const { value } = this.kind.state;
    return {
      q: this.search.input.value.trim(),
      category: ["starred", "trash"].includes(value) ? null : value,
      starred: value === "starred" ? true : null,
      trashed: value === "trash" ? true : null,
      model: this.model.select.value,
      mode: this.mode.select.value,
      tag: this.tag.select.value,
      character: this.character.select.value,
      has_references: this.made.select.value,
      after: midnight(this.after.input.value, 0),
      before: midnight(this.before.input.value, 1),
      sort: this.sort.select.value,
    };
  }

  /** Words for a listing without pictures. */
  words() {
    const sought = this.search.input.value.trim();
    if (sought) return `No picture matches “${sought}”. Try fewer or other words.`;
    if (this.finer().some((node) => node.value)) return "No picture fits these filters. Clear one of them.";
    if (this.trash) return "The trash is empty.";
    if (this.kind.state.value === "starred") return "Nothing is starred yet. Press S on a picture to keep it close.";
    return "No picture of this kind yet.";
  }

  /** Offer what pictures have. */
  offer() {
    this.offerKinds();
    this.offerCharacters();
  }

  async offerCharacters() {
    /** @type {import("../core/schemas.js").CharacterSummary[]} */
    const cast = await api("/characters", { quiet: true }).catch(() => []);
    this.character.set([[ANY, "Any character"], ...cast.map(({ id, name }) => [id, name])]);
    this.character.node.hidden = !cast.length;
  }

  async offerKinds() {
    const found = await pictures.facets().catch(() => null);
    if (!found) return;
    /** @param {Record<string, number>} numbers @param {(value: string) => string} name */
    const words = (numbers, name) => Object.entries(numbers).map(([value, count]) => [value, `${name(value)} (${kit.grouped(count)})`]);
    this.model.set([[ANY, "Any model"], ...words(found.model, pictures.modelLabel)]);
    this.mode.set([[ANY, "Any mode"], ...words(found.mode, kit.modeWords)]);
    this.tag.set([[ANY, "Any tag"], ...words(found.tag, (tag) => tag)]);
    RARE.forEach((kind) => this.kind.hide(kind, !found.category[kind] && this.kind.state.value !== kind));
  }
}

/**
 * The beginning of a day of this place, `days` later, as ISO time; "" stays "".
 * @param {string} day
 * @param {number} days
 */
function midnight(day, days) {
  if (!day) return "";
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + days).toISOString();
}
