// Details: a dialog with one picture, how it came to be, and what can be done with it. Opened by `details:open`
// {id, ids} on the bus; `ids` are the neighbours the arrow keys step through.

import { fileAddress } from "../core/addresses.js";
import { on } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { showTab } from "../core/sections.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import * as facts from "./facts.js";
import { Foreign } from "./foreign.js";
import * as pictures from "./pictures.js";
import { Reproduce } from "./reproduce.js";
import { Rights } from "./rights.js";
import { Tags } from "./tags.js";
import * as toolbar from "./toolbar.js";

/** @import { ImageDetails } from "../core/schemas.js" */
/** @import { Picture } from "../core/events.js" */
/** @import { IconName } from "../kit/icons.js" */

/** @type {import("../core/shapes.js").ActionName[]} */
const TOOLS = [
  "use",
  "add",
  "edit",
  "enlarge",
  "extend",
  "fix_face",
  "compare",
  "tree",
  "reproduce",
  "reuse_settings",
  "reuse_seed",
  "reuse_references",
  "download",
  "clean",
  "character",
  "star",
  "trash",
  "restore",
];
/** @type {import("../core/shapes.js").ActionName[]} */
const ICONS = ["download", "clean", "character", "star", "trash", "restore"];
/** @type {import("../core/shapes.js").ActionName[]} */
const STAYS = ["download", "clean", "star", "restore", "reproduce"]; // actions that leave the dialog open

class Details {
  /** @type {HTMLDivElement} */
  side;
  /** @type {string[]} */
  ids;
  /** @type {string} */
  id;

  constructor() {
    this.dialog = kit.dialog({ id: "details-dialog", title: "Picture", kind: "wide tall", saves: true });
    this.image = el("img", { class: "out-details-image", alt: "" });
    /** @param {IconName} name @param {string} label @param {number} by */
    const step = (name, label, by) => kit.button({ name, label, words: false, kind: "ghost", run: () => this.step(by) });
    this.before = step("left", "Previous picture", -1);
    this.after = step("right", "Next picture", 1);
    this.name = el("input", {
      type: "text",
      class: "out-input",
      id: "details-name",
      maxlength: 200,
      placeholder: "Give it a name",
      "aria-label": "Name",
    });
    this.name.addEventListener("change", () => this.rename());
    this.list = el("dl", { class: "out-facts" });
    this.changed = el("div", { class: "out-group" });
    this.family = el("div", { class: "out-family" });
    this.notes = el("ul", { class: "out-notes" });
    this.tags = new Tags();
    this.rights = new Rights();
    this.foreign = new Foreign(() => this.fill());
    this.again = new Reproduce((id) => this.jump(id));
    this.bar = toolbar.bar(TOOLS, { icons: ICONS, target: () => [this.id] });
    this.build();
    on("picture:changed", (record) => this.dialog.node.open && record.id === this.id && this.show(record.id));
  }

  build() {
    this.bar.node.addEventListener("click", (event) => this.leave(closest(event, "[data-action]")?.dataset.action), { capture: true });
    this.dialog.head.insertBefore(this.before, this.dialog.head.lastChild);
    this.dialog.head.insertBefore(this.after, this.dialog.head.lastChild);
    const side = el(
      "div",
      { class: "out-details-side", tabindex: -1 },
      this.bar.node,
      this.again.node,
      this.name,
      this.tags.node,
      this.list,
      this.foreign.node,
      this.changed,
      this.family,
      this.rights.node,
      this.notes,
    );
    this.dialog.body.append(el("div", { class: "out-details" }, el("div", { class: "out-details-view" }, this.image), side));
    this.side = side;
    this.dialog.node.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {{id: string, ids?: string[]}} said */
  open({ id, ids = [id] }) {
    this.ids = ids;
    this.side.classList.toggle("out-coming-words", this.image.dataset.id !== id); // not those of the picture before
    this.dialog.open();
    this.dialog.node.focus();
    this.show(id);
  }

  /** @param {string} id */
  jump(id) {
    this.ids = [id];
    this.show(id);
  }

  /** @param {string} id */
  async show(id) {
    const other = this.id !== id || !this.dialog.node.open;
    if (this.image.dataset.id !== id) {
      this.tags.expect(id);
      this.rights.expect();
    }
    this.id = id;
    const details = await pictures.details(id).catch((error) => (toast(error.message, "warning"), null));
    if (this.id !== id) return;
    if (!details) return void this.dialog.close();
    this.draw(details.image, details);
    if (other || this.again.record?.id !== id) this.turn(details);
  }

  /** Another picture than before. @param {ImageDetails} said */
  turn({ image, reproduces }) {
    this.side.scrollTop = 0;
    this.again.show(image, reproduces);
    this.foreign.show(image);
  }

  /** @param {Picture} record @param {ImageDetails} details */
  draw(record, details) {
    this.side.classList.remove("out-coming-words");
    const at = this.ids.indexOf(record.id);
    this.before.disabled = at <= 0;
    this.after.disabled = at < 0 || at >= this.ids.length - 1;
    this.dialog.heading.textContent = pictures.alt(record);
    this.image.style.setProperty("--ratio", record.width / record.height);
    if (this.image.dataset.id !== record.id) this.image.src = fileAddress(record.id);
    this.image.dataset.id = record.id;
    this.image.alt = pictures.alt(record);
    if (document.activeElement !== this.name) this.name.value = record.name || "";
    this.tags.show(record);
    this.list.replaceChildren(...facts.list(record, details));
    this.changed.replaceChildren(...facts.changes(details.changes));
    this.family.replaceChildren(...facts.family(record, details, (id) => this.jump(id)));
    this.rights.show(record, details.rights_lines);
    this.notes.replaceChildren(...(record.notes || []).map((note) => el("li", {}, note)));
    this.bar.update(record);
  }

  rename() {
    const name = this.name.value.trim();
    pictures.patch(this.id, { name }).catch(() => {}); // its toast has said why
  }

  /** Settings another tool wrote into the file, as far as they can be used here. */
  fill() {
    this.dialog.close();
    showTab("studio");
    requestChange({ action: "reuse_foreign", image_id: this.id });
  }

  /** @param {number} by */
  step(by) {
    const next = this.ids[this.ids.indexOf(this.id) + by];
    if (next) this.show(next);
  }

  /** What happens elsewhere on the page needs the dialog out of the way. @param {string | undefined} action */
  leave(action) {
    if (action && !STAYS.some((one) => one === action)) this.dialog.close();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (kit.isTyping(event)) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.step(event.key === "ArrowRight" ? 1 : -1);
    const action = event.key === "Enter" ? null : toolbar.keyAction(event);
    if (!action) return;
    event.preventDefault();
    this.leave(action);
    toolbar.perform(action, this.id);
  }
}

/** @type {Details | null} */
let shown = null;
const dialog = () => (shown ??= new Details());

/** Open it; it is made when it is first asked for. @param {{id: string, ids?: string[]}} event */
export const open = (event) => dialog().open(event);

/** Make a picture again; its details say how it came out. @param {{id: string}} said */
export const reproduce = ({ id }) =>
  dialog()
    .again.start(id)
    .catch(() => {}); // its toast has said why
