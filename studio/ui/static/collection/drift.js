// How far a line has moved from its anchor, in words; and the side of the family tree that says it of the chosen
// picture, with what can be done from there.

import { thumbnailAddress } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { CATEGORIES } from "../core/rules.js";
import { showTab } from "../core/sections.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import * as pictures from "./pictures.js";

/** @import { Placed } from "../core/shapes.js" */
/** @import { Drift, DriftReport, ImageSummary } from "../core/schemas.js" */
/** @import { IconName } from "../kit/icons.js" */

/** @type {Record<keyof Drift, string>} */
const ALIKE = { structure: "Structure", colour: "Colour", face: "Face" };
const EXPLAINED = {
  structure: "How much of forms and light is as in the anchor.",
  colour: "How far the colours have moved: below 2 is hardly seen, above 10 plainly.",
  face: "How alike the heads look to a model that recognises things: 100 % is the same picture. Only compare it along one line.",
};

/** @param {string} name @param {number} number */
const value = (name, number) => (name === "colour" ? `Δ ${number.toFixed(1)}` : kit.percent(Math.max(0, number)));
/** Share of a bar: 1 is as in the anchor. @param {string} name @param {number} number */
const share = (name, number) => (name === "colour" ? Math.max(0, 1 - number / 20) : Math.max(0, number));

/** On one line. @param {Drift} said */
export const shortDrift = ({ structure, colour, face }) => {
  const known = typeof face === "number" ? ` · face ${value("face", face)}` : "";
  return `${value("structure", structure)} · ${value("colour", colour)}${known}`;
};

/** The measures as a list of bars. @param {Drift} drift @param {string | null} faceReason */
function bars(drift, faceReason) {
  const rows = /** @type {(keyof Drift)[]} */ (Object.keys(ALIKE)).map((name) => {
    const number = drift[name];
    if (number === null || number === undefined) return null;
    const bar = el("i", {});
    bar.style.setProperty("--share", share(name, number));
    return el(
      "li",
      { title: EXPLAINED[name] },
      el("span", {}, ALIKE[name]),
      el("span", { class: "out-drift-bar", "aria-hidden": "true" }, bar),
      el("strong", {}, value(name, number)),
    );
  });
  return el("div", { class: "out-drift" }, el("ul", {}, rows), faceReason ? el("p", { class: "out-dim" }, faceReason) : null);
}

/** @param {string} id @returns {Promise<DriftReport>} */
const report = (id) => api(pictures.path(id, "/drift"), { quiet: true });

/**
 * Make a picture the one that later pictures of its line are measured against; or take that back.
 * @param {string} id
 * @param {boolean} [on]
 */
async function anchor(id, on = true) {
  await pictures.patch(id, { anchor: on });
  toast(on ? "This picture is the anchor of its line now." : "This picture is no anchor any more.", "success");
}

export class TreeSide {
  /** @type {Placed} */
  shown;

  /** @param {import("./tree.js").FamilyTree} tree */
  constructor(tree) {
    this.tree = tree;
    this.head = el("h3", {}, "Chosen picture");
    this.meta = el("p", { class: "out-dim" });
    this.image = el("img", { class: "out-tree-large", alt: "" });
    this.changes = el("ul", { class: "out-changes" });
    this.measured = el("div", { class: "out-measured" });
    /**
     * @param {IconName} icon
     * @param {string} label
     * @param {string | null} key
     * @param {() => unknown} run
     * @param {object} [rest]
     */
    const make = (icon, label, key, run, rest = {}) => kit.button({ name: icon, label, key, run, ...rest });
    const small = { words: false };
    this.buttons = {
      use: make("use", "Use as reference", "R", () => tree.perform("use"), { kind: "strong" }),
      edit: make("edit", "Edit image", "E", () => tree.perform("edit"), small),
      reuse: make("reuse", "Reuse settings", null, () => tree.perform("reuse_settings"), small),
      details: make("info", "Details", "Enter", () => tree.perform("details"), small),
      compare: make("compare", "Compare", "C", () => tree.compare()),
      mark: make("check", "Mark for comparing", "Space", () => tree.mark(tree.chosen)),
      anchor: make("anchor", "Make anchor", "A", () => this.makeAnchor()),
    };
    const { use, edit, reuse, details, ...others } = this.buttons;
    this.node = el(
      "aside",
      { class: "out-tree-side", "aria-label": "The chosen picture" },
      this.image,
      el(
        "div",
        { class: "out-tree-facts" },
        this.head,
        this.meta,
        el("div", { class: "out-tree-buttons" }, use, edit, reuse, details),
        this.changes,
        el("div", { class: "out-tree-buttons" }, Object.values(others)),
        this.measured,
      ),
    );
  }

  /** @param {Placed} node */
  show(node) {
    this.shown = node;
    const { image } = node;
    Object.values(this.buttons).forEach((button) => (button.disabled = !image));
    this.measured.replaceChildren();
    if (!image) return this.showGone();
    this.head.textContent = pictures.alt(image);
    const depth = node.generation ? `generation ${node.generation}` : null;
    this.meta.textContent = [CATEGORIES[image.category], depth, kit.clock(image.created_at), image.trashed_at ? "in the trash" : null]
      .filter(Boolean)
      .join(" · ");
    this.image.hidden = false;
    this.image.src = thumbnailAddress(image.id);
    this.changes.replaceChildren(...this.tree.changes(node).map((change) => el("li", {}, change.words)));
    this.drawButtons(node.id, image);
    return this.measure(node);
  }

  showGone() {
    this.head.textContent = "Not in this collection";
    this.meta.textContent = "The picture this was made from was deleted, or was never here.";
    this.image.hidden = true;
    this.changes.replaceChildren();
  }

  /** @param {string} id @param {ImageSummary} image */
  drawButtons(id, image) {
    const { marked } = this.tree;
    const label = kit.relabel;
    label(this.buttons.anchor, image.anchor ? "Take the anchor away" : "Make anchor");
    label(this.buttons.mark, marked.includes(id) ? "Unmark" : "Mark for comparing");
    const first = marked[0] && marked[0] !== id;
    label(this.buttons.compare, marked.length === 2 ? "Compare A and B" : first ? "Compare with A" : "Compare with its reference");
    this.buttons.compare.disabled = !first && marked.length < 2 && !this.shown.edge;
    const live = !image.trashed_at && !image.purged_at;
    [this.buttons.use, this.buttons.edit].forEach((button) => (button.disabled = !live));
    this.buttons.reuse.disabled = !image.job_id;
  }

  /** @param {Placed} node */
  async measure(node) {
    const found = node.edge ? await report(node.id).catch(() => null) : null;
    if (this.shown !== node || !found || !found.depth) return;
    this.tree.showDrift(found);
    const from = found.depth === 1 ? "its anchor, one step back" : `its anchor, ${found.depth} steps back`;
    const words = el("h4", {}, `Measured against ${from}`);
    this.measured.replaceChildren(words, bars(found.drift, found.face_reason), ...this.suggestion(found));
  }

  /** @param {DriftReport} found */
  suggestion(found) {
    if (!found.suggestion) return [];
    const ids = [found.anchor_id, ...found.branch.map((step) => step.image_id).filter((id) => id !== found.anchor_id)];
    const go = () => (this.tree.dialog.close(), showTab("studio"), requestChange({ action: "edit_together", image_ids: ids }));
    const button = kit.button({ name: "anchor", label: "Apply the edits to the anchor", run: go });
    return [el("div", { class: "out-suggestion" }, el("p", {}, found.suggestion), button)];
  }

  makeAnchor() {
    const { image } = this.shown;
    if (image) anchor(image.id, !image.anchor).catch(() => {}); // its toast has said why
  }
}
