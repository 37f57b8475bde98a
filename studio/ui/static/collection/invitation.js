// What to do first, in a collection without pictures.
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { showTab } from "../core/sections.js";
import * as kit from "../kit/kit.js";

/** @param {() => unknown} add asks for pictures of this device */
export const invitation = (add) =>
  el(
    "div",
    { class: "out-invite out-invite-collection", hidden: true },
    el("h3", {}, "Every picture you make is kept here"),
    el("p", {}, "With its prompt, its settings and what it was made from, so that nothing is lost and any of them can be made again."),
    el(
      "div",
      { class: "out-invite-buttons" },
      kit.button({ name: "edit", label: "Make the first portrait", kind: "strong", run: () => showTab("studio") }),
      kit.button({ name: "add", label: "Add pictures", run: add }),
      kit.button({ name: "folder", label: "Import a folder", run: () => emit("import:open") }),
    ),
  );
