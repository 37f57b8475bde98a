// One character of the cast: portrait, name, what there is of it, and what can be done with it.

import * as pictures from "../collection/pictures.js";
import { thumbnailAddress } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { popover, rove } from "../kit/menus.js";
import { cast } from "./cast.js";

/** @import { CharacterSummary } from "../core/schemas.js" */

const THUMB = 144;

export class Row {
  /** @type {string} */
  text;
  /** @type {CharacterSummary} */
  one;

  /** @param {import("./characters.js").CharactersPage} page @param {CharacterSummary} one */
  constructor(page, one) {
    this.page = page;
    this.image = el("img", { alt: "", loading: "lazy", decoding: "async" });
    this.thumb = el("button", { type: "button", class: "chr-thumb", onclick: () => this.portrait() }, this.image, kit.icon("add"));
    this.name = el("h3", {});
    this.facts = el("p", { class: "chr-facts" });
    this.badges = el("span", { class: "mod-badges" });
    this.make = kit.button({ label: "Generate", kind: "strong", run: () => this.portrait(true) });
    this.plan = kit.button({ name: "info", label: "Blueprint", run: () => emit("blueprint:open", { id: this.one.id }) });
    this.set = kit.button({
      name: "references",
      label: "References",
      "data-do": "references",
      run: () => emit("references:open", { id: this.one.id }),
    });
    this.sheet = kit.button({ name: "sheet", label: "Sheet", "data-do": "sheet", run: () => emit("sheet:open", { id: this.one.id }) });
    this.more = kit.button({ name: "more", label: "More", words: false, kind: "ghost" });
    this.menu = el("div", { role: "menu", "aria-label": "More" });
    this.handle = el("span", { class: "chr-handle", title: "Drag to another place", "aria-hidden": "true" }, "⠿");
    this.node = el(
      "li",
      { class: "chr-row", draggable: "true", tabindex: -1 },
      this.handle,
      this.thumb,
      el("div", { class: "chr-about" }, el("div", { class: "chr-name" }, this.name, this.badges), this.facts),
      el("div", { class: "chr-actions" }, this.make, this.plan, this.set, this.sheet, this.more, this.menu),
    );
    this.popover = popover(this.more, this.menu, { width: 240, onOpen: () => this.fillMenu() });
    rove(this.menu, () => [...this.menu.children]);
    this.update(one);
  }

  /** @param {CharacterSummary} one */
  update(one) {
    const text = JSON.stringify(one);
    if (text === this.text) return;
    this.text = text;
    this.one = one;
    const { portrait } = one;
    this.node.dataset.character = one.id;
    this.node.setAttribute("aria-label", one.name);
    this.name.textContent = one.name;
    this.facts.textContent = this.factsOf(one);
    this.thumb.classList.toggle("empty", !portrait);
    this.thumb.setAttribute("aria-label", portrait ? `Portrait of ${one.name}` : `Make a portrait of ${one.name}`);
    const source = one.avatar
      ? `${cast.avatar(one.id, THUMB)}&v=${one.avatar.image_id}-${Object.values(one.avatar.crop).join("-")}`
      : portrait
        ? thumbnailAddress(portrait.image_id)
        : "";
    if (source && this.image.getAttribute("src") !== source) this.image.src = source;
    if (!source) this.image.removeAttribute("src");
    const words = portrait ? "Regenerate" : "Generate";
    kit.relabel(this.make, words, `${words} the portrait of ${one.name}`);
    this.make.classList.toggle("strong", !portrait);
    this.plan.setAttribute("aria-label", `Blueprint of ${one.name}`);
    this.set.setAttribute("aria-label", `References of ${one.name}`);
    this.sheet.setAttribute("aria-label", `Sheet of ${one.name}`);
    this.more.setAttribute("aria-label", `More for ${one.name}`);
    this.badges.replaceChildren(...this.badgesOf(one));
  }

  /** @param {CharacterSummary} one */
  factsOf(one) {
    const set = one.references ? ` · ${kit.count(one.references, "reference")}` : "";
    return `${kit.count(one.versions, "version")}${set}`;
  }

  /** @param {CharacterSummary} one */
  badgesOf(one) {
    /** @param {string} kind @param {string} words */
    const badge = (kind, words) => el("span", { class: `mod-chip ${kind}` }, words);
    return [
      one.proposed ? badge("accent", `${one.proposed} to look at`) : null,
      one.other_design ? badge("warn", "Other design") : null,
      one.archived ? badge("", "Archived") : null,
    ].filter((each) => each !== null);
  }

  portrait(generate = false) {
    emit("portrait:open", { id: this.one.id, generate });
  }

  fillMenu() {
    const { one, page } = this;
    /** @param {string} id @param {string} words @param {() => unknown} run */
    const item = (id, words, run) =>
      el(
        "button",
        { type: "button", role: "menuitem", class: "lk-menu-item", "data-do": id, onclick: () => (this.popover.close(), run()) },
        words,
      );
    this.menu.replaceChildren(
      item("studio", "Load into the studio", () => page.loadInto(one)),
      item("rename", "Rename…", () => page.rename(one)),
      item("up", "Move up", () => page.move(one.id, -1)),
      item("down", "Move down", () => page.move(one.id, 1)),
      item("duplicate", "Duplicate", () => cast.duplicate(one.id).catch(() => {})),
      item("archive", one.archived ? "Bring back" : "Archive", () => cast.patch(one.id, { archived: !one.archived }).catch(() => {})),
      item("zip", "Export as zip", () => pictures.save(cast.zip(one.id))),
      ...(one.portrait
        ? [
            item("card", "Export as character card", () => pictures.save(cast.card(one.id))),
            item("avatar", "Export the avatar…", () => emit("avatar:export", { character: one })),
          ]
        : []),
      item("delete", "Delete…", () => page.remove(one)),
    );
    this.menu.firstElementChild?.focus();
  }
}
