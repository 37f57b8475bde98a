// The Characters section: the cast in the artist's order, each with portrait, number of versions and what can be done
// with it. Rows are kept and updated, so focus stays where it is. Dialogs have files of their own.

import { emit, on } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { currentSection } from "../core/sections.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import { cast } from "./cast.js";
import { Row } from "./cast_row.js";
import { loadCharacter } from "./loaded.js";

/** @import { CharacterSummary } from "../core/schemas.js" */
/** @import { Part } from "../core/events.js" */

/**
 * Ask for a name; resolves to it, or to null.
 * @param {{id: string, title: string, value?: string, yes: string}} said
 */
async function askName({ id, title, value = "", yes }) {
  const given = await kit.askLine({
    id,
    title,
    label: "Name",
    value,
    props: { maxlength: 120 },
    buttons: [{ name: "yes", label: yes, kind: "strong" }],
  });
  return given?.text ?? null;
}

// --- the section --------------------------------------------------------------------------------
export class CharactersPage {
  /** @type {Map<string, Row>} */
  rows;
  /** @type {ReturnType<typeof kit.searchBox>} */
  search;
  /** @type {ReturnType<typeof kit.segments>} */
  archived;
  /** @type {HTMLInputElement} */
  file;
  /** @type {HTMLButtonElement} */
  design;
  /** @type {HTMLSpanElement} */
  count;
  /** @type {HTMLOListElement} */
  list;
  /** @type {HTMLDivElement} */
  empty;
  /** @type {HTMLParagraphElement} */
  words;
  /** @type {HTMLDivElement} */
  live;
  /** @type {number} */
  timer;
  /** @type {number} */
  turn;
  /** @type {boolean} */
  filtered;
  /** @type {HTMLElement | null | null} */
  dragged;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.rows = new Map();
    this.build(element);
    on("tab:shown", (name) => name === "characters" && this.load());
    on("characters:changed", () => currentSection() === "characters" && this.soon());
    on("pictures:new", () => currentSection() === "characters" && this.soon());
    if (currentSection() === "characters") this.load();
  }

  /** @param {HTMLElement} element */
  build(element) {
    this.search = kit.searchBox("characters-search", () => this.load(), "Search names and descriptions");
    this.search.input.setAttribute("aria-label", "Search characters");
    this.archived = kit.segments(
      "Which characters",
      [
        ["", "The cast"],
        ["1", "Archived"],
      ],
      () => this.load(),
    );
    this.file = el("input", {
      type: "file",
      id: "characters-file",
      accept: ".zip,.png,.json,.charx",
      hidden: true,
      onchange: () => this.take([...(this.file.files ?? [])]),
    });
    const add = kit.button({ id: "character-add", name: "plus", label: "New character", kind: "strong", run: () => this.create() });
    const bring = kit.button({ id: "characters-import", name: "folder", label: "Import", run: () => this.file.click() });
    this.design = kit.button({ id: "designs-open", name: "design", label: "Designs", run: () => emit("designs:open") });
    this.count = el("span", { class: "out-count", role: "status" });
    this.list = el("ol", { class: "chr-list", id: "characters-list", "aria-label": "Characters" });
    this.empty = this.invitation();
    this.words = el("p", { class: "out-empty", role: "status", hidden: true });
    this.live = el("div", { class: "lk-visually-hidden", "aria-live": "polite" });
    element.replaceChildren(
      el(
        "section",
        { class: "chr-page", "aria-label": "Characters" },
        el("h2", { class: "lk-visually-hidden" }, "Characters"),
        el("div", { class: "out-head-row" }, this.search.node, this.archived.node, add, bring, this.design, this.count, this.file),
        this.words,
        this.empty,
        this.list,
        this.live,
      ),
    );
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.listenToDrags();
  }

  invitation() {
    return el(
      "div",
      { class: "out-invite", hidden: true },
      el("h3", {}, "A portrait belongs to a character"),
      el(
        "p",
        {},
        "Say who it is once. The blueprint keeps what must not change, every portrait stays as a version, and one design holds the whole cast together.",
      ),
      el(
        "div",
        { class: "out-invite-buttons" },
        kit.button({ name: "plus", label: "Make the first character", kind: "strong", run: () => this.create() }),
        kit.button({ name: "folder", label: "Import a character card", run: () => this.file.click() }),
      ),
    );
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), 100);
  }

  async load() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const q = this.search.input.value.trim();
    const archived = this.archived.state.value === "1";
    const answer = await Promise.all([cast.list({ q, archived }), cast.designs()]).catch((/** @type {Error} */ error) => error);
    if (turn !== this.turn) return;
    if (answer instanceof Error) return void this.say(answer.message);
    const [found, designs] = answer;
    this.show(found, q, archived);
    const active = designs.find((one) => one.active);
    kit.relabel(this.design, active ? `Design: ${active.name}` : "Designs");
  }

  /** @param {string} words */
  say(words) {
    this.words.textContent = words;
    this.words.hidden = !words;
  }

  /** @param {CharacterSummary[]} found @param {string} q @param {boolean} archived */
  show(found, q, archived) {
    const ids = new Set(found.map((one) => one.id));
    this.filtered = Boolean(q);
    for (const [id, row] of this.rows) if (!ids.has(id)) row.node.remove(), this.rows.delete(id);
    found.forEach((one, index) => {
      const row = this.rows.get(one.id) ?? new Row(this, one);
      row.update(one);
      this.rows.set(one.id, row);
      if (this.list.children[index] !== row.node) this.list.insertBefore(row.node, this.list.children[index] ?? null);
    });
    this.count.textContent = found.length ? kit.count(found.length, "character") : "";
    this.empty.hidden = Boolean(found.length || q || archived);
    this.say(found.length || !(q || archived) ? "" : q ? `No character matches “${q}”.` : "Nobody is archived.");
  }

  // --- what the artist does ---------------------------------------------------------------------
  async create() {
    const name = await askName({ id: "character-new", title: "New character", yes: "Create" });
    const made = name && (await cast.create(name).catch(() => null));
    if (!made) return;
    await this.load();
    this.rows.get(made.id)?.node.scrollIntoView({ block: "nearest" });
    emit("blueprint:open", { id: made.id });
  }

  /** @param {File[]} files */
  async take(files) {
    this.file.value = "";
    for (const file of files) {
      const taken = await cast.take(file).catch(() => null); // its toast has said why
      if (!taken) continue;
      toast(`${taken.character.name} is here.`, "success");
      taken.notes.forEach((note) => toast(note));
    }
  }

  /** @param {CharacterSummary} one */
  async rename(one) {
    const name = await askName({ id: "character-rename", title: "Rename", value: one.name, yes: "Rename" });
    if (name && name !== one.name) await cast.patch(one.id, { name }).catch(() => {}); // its toast has said why
  }

  /** @param {CharacterSummary} one */
  async remove(one) {
    const agreed = await kit.confirm({
      title: `Delete ${one.name}?`,
      words: "Blueprint, versions and reference set go. Every picture stays in the collection.",
      yes: "Delete",
    });
    if (agreed) await cast.remove(one.id).catch(() => {}); // its toast has said why
  }

  /** Beside the prompt, with its reference set and portrait as the references. @param {CharacterSummary} one */
  loadInto(one) {
    loadCharacter(one);
    requestChange({ action: "load_character", character: one.id });
  }

  // --- order --------------------------------------------------------------------------------------
  order() {
    return [...this.list.children].map((node) => node.dataset.character ?? "");
  }

  /** @param {string} id @param {number} by */
  async move(id, by) {
    const order = this.order();
    const from = order.indexOf(id);
    await this.place(id, from + by);
  }

  /** @param {string} id @param {number} to */
  async place(id, to) {
    const order = this.order();
    const from = order.indexOf(id);
    if (to < 0 || to >= order.length || to === from) return;
    order.splice(to, 0, ...order.splice(from, 1));
    const row = this.rows.get(id);
    if (!row) return;
    const { node, one } = row;
    this.turn = (this.turn ?? 0) + 1; // a list on its way has the order of before
    const focused = document.activeElement;
    this.list.insertBefore(node, this.list.children[to > from ? to + 1 : to] ?? null);
    if (focused && node.contains(focused)) focused.focus();
    this.live.textContent = `${one.name} is now number ${to + 1} of ${order.length}.`;
    await cast.reorder(order).catch(() => this.load()); // its toast has said why
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const row = closest(event, ".chr-row");
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!row?.dataset.character || !by || closest(event, "[popover]")) return;
    event.preventDefault();
    if (event.altKey || event.shiftKey) return void this.move(row.dataset.character, by);
    const next = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    next?.querySelector(".chr-thumb")?.focus();
  }

  listenToDrags() {
    this.list.addEventListener("dragstart", (event) => {
      this.dragged = closest(event, ".chr-row");
      if (!event.dataTransfer) return;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", this.dragged?.getAttribute("aria-label") ?? "");
    });
    this.list.addEventListener("dragover", (event) => {
      const over = closest(event, ".chr-row");
      if (!this.dragged || !over) return;
      event.preventDefault();
      this.mark(over);
    });
    this.list.addEventListener("drop", (event) => {
      const over = closest(event, ".chr-row");
      const [moved, to] = [this.dragged?.dataset.character, over?.dataset.character];
      if (!moved || !to) return;
      event.preventDefault();
      this.place(moved, this.order().indexOf(to));
    });
    this.list.addEventListener("dragend", () => ((this.dragged = null), this.mark(null)));
  }

  /** @param {Element | null} over */
  mark(over) {
    for (const node of this.list.children) node.classList.toggle("over", node === over && node !== this.dragged);
  }
}

/** @param {Part} said */
export const characters = ({ element }) => new CharactersPage(element);
