// The reference strip: up to ten numbered pictures with a role each. Pictures come from the collection,
// from this device, by drop or by paste; only their ids are kept. The strip's value is the truth about the
// references; `scene` (roles, words) comes from Python. Knows REST only through upload.

import { upload } from "../collection/uploads.js";
import { sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { showTab } from "../core/sections.js";
import { enlarge } from "../kit/dialogs.js";
import { bringsSomething, droppedFiles, PICTURE, pastedPictures, takeDropsOn } from "../kit/drops.js";
import { icon } from "../kit/icons.js";
import { popover, rove } from "../kit/menus.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "./changes.js";
import { whenReady } from "./memory.js";
import { weightRow } from "./weight_row.js";

/** @import { Reference, Role } from "../core/schemas.js" */
/** @import { Part } from "../core/events.js" */

const DRAGGED = "application/x-likeness-reference";
/** @type {Record<string, number>} */
const MOVES = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

class ReferenceStrip {
  /** @type {HTMLSpanElement} */
  count;
  /** @type {HTMLOListElement} */
  list;
  /** @type {HTMLDivElement} */
  live;
  /** @type {HTMLInputElement} */
  file;
  /** @type {HTMLSpanElement} */
  addWords;
  /** @type {HTMLButtonElement} */
  plus;
  /** @type {HTMLLIElement} */
  addTile;
  /** @type {ReturnType<typeof popover>} */
  menu;
  /** @type {number | undefined} */
  dragged;
  /** @type {string | undefined} */
  told;

  /** @param {HTMLElement} element @param {Part["props"]} props @param {Part["watch"]} watch */
  constructor(element, props, watch) {
    this.props = props;
    this.uploading = 0;
    this.root = element.querySelector(".lk-references") ?? element;
    this.build();
    this.listen();
    watch(["value", "scene"], () => this.draw());
    this.draw();
    whenReady.then(() => this.tell(true));
  }

  /** Say which pictures are loaded, masks aside, once and whenever they become others. */
  tell(begun = false) {
    const ids = this.items.filter((one) => one.role !== "mask").map((one) => one.image_id);
    if (!begun && (this.told === undefined || this.told === ids.join())) return;
    this.told = ids.join();
    emit("references:loaded", { ids, begun });
  }

  // --- the value -------------------------------------------------------------------------------
  /** @returns {Reference[]} */
  get items() {
    return JSON.parse(JSON.stringify(this.props.value ?? []));
  }

  get scene() {
    return this.props.scene;
  }

  /** @param {Reference[]} items */
  set(items) {
    this.props.value = items;
    this.draw();
    requestChange();
  }

  /** Load pictures, and show one of them large: also one that the picture on the stage was made from. @param {string[]} ids */
  async add(ids) {
    await whenReady;
    const items = this.items;
    let refused = false;
    /** @type {string | undefined} */
    let fresh;
    for (const id of ids) {
      const known = items.findIndex((item) => item.image_id === id);
      if (known >= 0) {
        toast(`That picture is already loaded as reference ${known + 1}.`);
        fresh ??= id;
      } else if (items.length < this.scene.limit) {
        items.push({ image_id: id, role: null, weight: 1 });
        fresh ??= id;
      } else refused = true;
    }
    if (refused) toast(this.scene.full, "warning");
    if (items.length !== this.items.length) this.set(items);
    if (fresh) emit("gallery:selected", { id: fresh, by: "studio" });
  }

  get room() {
    return this.scene.limit - this.items.length - this.uploading;
  }

  /** @param {File[]} files */
  async upload(files) {
    await whenReady;
    const room = Math.max(0, this.room);
    const taken = [...files].slice(0, room);
    if (files.length > room) toast(this.scene.full, "warning");
    if (!taken.length) return;
    showTab("studio");
    this.uploading += taken.length;
    this.draw();
    const records = await upload(taken);
    this.uploading -= taken.length;
    await this.add(records.map((record) => record.id));
    this.draw();
  }

  /** @param {number} index */
  remove(index) {
    const items = this.items;
    items.splice(index, 1);
    this.set(items);
    this.say(`Reference ${index + 1} removed. ${items.length} left.`);
    (this.thumbs()[Math.min(index, items.length - 1)] ?? this.plus).focus();
  }

  /** @param {number} from @param {number} to */
  move(from, to) {
    const items = this.items;
    if (to < 0 || to >= items.length || from === to) return;
    items.splice(to, 0, ...items.splice(from, 1));
    this.set(items);
    this.say(`Reference ${from + 1} is now number ${to + 1} of ${items.length}.`);
  }

  /** @param {number} index @param {Partial<Reference>} change */
  change(index, change) {
    const items = this.items;
    Object.assign(items[index], change);
    this.set(items);
  }

  // --- DOM --------------------------------------------------------------------------------------
  build() {
    this.count = el("span", { class: "lk-muted" });
    this.list = el("ol", { class: "lk-reference-list", "aria-label": "References" });
    this.live = el("div", { class: "lk-visually-hidden", "aria-live": "polite" });
    this.file = el("input", {
      type: "file",
      id: "reference-file",
      accept: "image/*",
      multiple: true,
      class: "lk-visually-hidden",
      tabindex: "-1",
      "aria-label": "Pictures from this device",
    });
    this.addWords = el("span", { class: "lk-add-words" });
    this.plus = el(
      "button",
      { type: "button", id: "reference-add", "aria-haspopup": "menu", "aria-label": "Add a reference" },
      icon("plus"),
      this.addWords,
    );
    const head = el("div", { class: "lk-section-head" }, el("h2", {}, "References"), this.count);
    this.root.append(head, this.list, this.live, this.file, this.buildMenu());
    this.addTile = el("li", { class: "lk-add-tile" }, this.plus);
  }

  buildMenu() {
    /** @param {string} id @param {import("../kit/icons.js").IconName} name @param {string} words @param {() => unknown} run */
    const item = (id, name, words, run) =>
      el(
        "button",
        { type: "button", id, role: "menuitem", class: "lk-menu-item", onclick: () => (this.menu.close(), run()) },
        icon(name),
        words,
      );
    const panel = el(
      "div",
      { role: "menu", "aria-label": "Add a reference" },
      item("reference-from-collection", "folder", "From collection", () => this.pick()),
      item("reference-from-device", "device", "From this device", () => this.file.click()),
    );
    rove(panel, () => [...panel.querySelectorAll("button")]);
    this.menu = popover(this.plus, panel, { width: 216, onOpen: () => panel.querySelector("button")?.focus() });
    return panel;
  }

  pick() {
    if (this.room <= 0) toast(this.scene.full, "warning");
    else {
      this.plus.focus(); // where the picker gives the focus back to
      emit("picker:open", { max: this.room });
    }
  }

  draw() {
    const { items, scene } = this;
    if (!scene) return;
    const focused = this.thumbs().findIndex((thumb) => thumb === document.activeElement);
    const adding = document.activeElement === this.plus;
    this.root.classList.toggle("lk-empty", !items.length && !this.uploading);
    this.count.textContent = items.length ? `${items.length} of ${scene.limit}` : "";
    const words = items.length ? "" : "Add a picture to refine";
    this.addWords.textContent = words;
    this.plus.setAttribute("aria-label", words || "Add a reference");
    const waiting = Array.from({ length: this.uploading }, () =>
      el("li", { class: "lk-reference lk-waiting", "aria-label": "Being taken in" }),
    );
    this.list.replaceChildren(...items.map((item, index) => this.card(item, index, items.length)), ...waiting, this.addTile);
    if (focused >= 0) this.thumbs()[focused]?.focus();
    if (adding) this.plus.focus();
    this.tell();
  }

  thumbs() {
    return [...this.list.querySelectorAll(".lk-thumb")];
  }

  /** @param {Reference} item @param {number} index @param {number} total */
  card(item, index, total) {
    const role = item.role ?? this.scene.default_role;
    const words = `Reference ${index + 1} of ${total}`;
    const image = el("img", { ...sized(item.image_id, 132), alt: "", draggable: "false", loading: "lazy" });
    const thumb = el(
      "button",
      {
        type: "button",
        class: "lk-thumb",
        "aria-label": `${words}, ${this.scene.roles[role] ?? role}. Show large`,
        title: "Drag, or Alt with an arrow key, to reorder",
        onclick: () => enlarge(item.image_id, words),
      },
      image,
      el("span", { class: "lk-number" }, String(index + 1)),
    );
    image.addEventListener("error", () => thumb.classList.add("lk-missing"));
    const remove = el(
      "button",
      { type: "button", class: "lk-remove", "aria-label": `Remove reference ${index + 1}`, onclick: () => this.remove(index) },
      icon("close"),
    );
    const card = el(
      "li",
      { class: "lk-reference", draggable: "true", "data-image-id": item.image_id },
      thumb,
      remove,
      this.roleSelect(role, index),
      this.scene.weights ? weightRow(item.weight, index, (weight) => this.change(index, { weight })) : null,
    );
    thumb.addEventListener("keydown", (event) => this.key(event, index));
    card.addEventListener("dragstart", (event) => this.dragStart(event, card, index, item.image_id));
    card.addEventListener("dragend", () => this.dragEnd());
    return card;
  }

  /** @param {Role} role @param {number} index */
  roleSelect(role, index) {
    const { roles, usable, default_role: standard } = this.scene;
    /** @param {[value: string, words: string]} pair */
    const option = ([value, words]) =>
      el("option", { value, selected: value === role, disabled: usable.length > 0 && !usable.includes(value) && value !== role }, words);
    /** @param {Event} event */
    const change = (event) => {
      const { value } = /** @type {HTMLSelectElement} */ (event.target);
      this.change(index, { role: value === standard ? null : /** @type {Reference["role"]} */ (value) });
    };
    return el(
      "select",
      { class: "lk-role", "aria-label": `Role of reference ${index + 1}`, title: "What this reference is for", onchange: change },
      Object.entries(roles).map(option),
    );
  }

  /** @param {string} words */
  say(words) {
    this.live.textContent = words;
  }

  // --- keyboard -------------------------------------------------------------------------------------
  /** @param {KeyboardEvent} event @param {number} index */
  key(event, index) {
    const step = MOVES[event.key];
    const thumbs = this.thumbs();
    if (step !== undefined) {
      event.preventDefault();
      const to = index + step;
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
        this.move(index, to);
        this.thumbs()[Math.min(Math.max(to, 0), thumbs.length - 1)].focus();
      } else thumbs[to]?.focus();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.remove(index);
    }
  }

  // --- drag, drop, paste ------------------------------------------------------------------------------
  /** @param {DragEvent} event @param {HTMLElement} card @param {number} index @param {string} id */
  dragStart(event, card, index, id) {
    this.dragged = index;
    event.dataTransfer?.setData(DRAGGED, String(index));
    event.dataTransfer?.setData("text/plain", id);
    if (event.dataTransfer) event.dataTransfer.effectAllowed = "move";
    requestAnimationFrame(() => card.classList.add("lk-dragged"));
  }

  dragEnd() {
    this.dragged = undefined;
    this.list
      .querySelectorAll(".lk-dragged, .lk-before, .lk-after")
      .forEach((card) => card.classList.remove("lk-dragged", "lk-before", "lk-after"));
  }

  // Where a drop at the pointer would put it: an index between 0 and the number of references.
  /** @param {DragEvent} event */
  slot(event) {
    const cards = [...this.list.querySelectorAll(".lk-reference:not(.lk-waiting)")];
    const index = cards.findIndex((card) => {
      const box = card.getBoundingClientRect();
      return event.clientY < box.bottom && event.clientX < box.left + box.width / 2;
    });
    const sameRow = cards.findLastIndex((card) => card.getBoundingClientRect().top <= event.clientY);
    return index < 0 || index > sameRow + 1 ? sameRow + 1 : index;
  }

  /** @param {DragEvent} event */
  mark(event) {
    const cards = [...this.list.querySelectorAll(".lk-reference:not(.lk-waiting)")];
    const slot = this.slot(event);
    cards.forEach((card, index) => {
      card.classList.toggle("lk-before", index === slot);
      card.classList.toggle("lk-after", slot === cards.length && index === slot - 1);
    });
  }

  listen() {
    this.file.addEventListener("change", () => {
      this.upload([...(this.file.files ?? [])]);
      this.file.value = "";
    });
    on("picker:picked", ({ ids }) => this.add(ids));
    document.addEventListener("paste", (event) => this.paste(event));
    this.listenToDrags();
  }

  listenToDrags() {
    /** @param {DragEvent} event */
    const ours = (event) => bringsSomething(event) || [DRAGGED, PICTURE].some((type) => event.dataTransfer?.types.includes(type));
    /** @param {boolean} on */
    const lit = (on) => this.root.classList.toggle("lk-drop", on);
    this.root.addEventListener("dragover", (event) => {
      if (!ours(event)) return;
      event.preventDefault();
      if (this.dragged === undefined) lit(true);
      else this.mark(event);
    });
    this.root.addEventListener("dragleave", (event) => !this.root.contains(/** @type {Node | null} */ (event.relatedTarget)) && lit(false));
    this.root.addEventListener("drop", (event) => {
      if (!ours(event)) return;
      event.preventDefault();
      lit(false);
      this.drop(event);
    });
    takeDropsOn("#preview", lit, (event) => this.drop(event));
  }

  /** @param {DragEvent} event */
  drop(event) {
    const { dataTransfer } = event;
    if (this.dragged !== undefined) {
      const slot = this.slot(event);
      this.move(this.dragged, slot > this.dragged ? slot - 1 : slot);
      this.dragEnd();
    } else if (dataTransfer?.types.includes(PICTURE)) this.add([dataTransfer.getData(PICTURE)]);
    else droppedFiles(event).then((files) => this.upload(files));
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    const files = pastedPictures(event);
    if (!files.length) return;
    event.preventDefault();
    this.upload(files);
  }
}

/** @param {Part} said */
export const references = ({ element, props, watch }) => new ReferenceStrip(element, props, watch);
