// What a picture's file says of how another tool made it: the tool, the settings that can be used here, what has no
// place here, and the file's own texts. Everything is shown as text.

import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { SETTINGS } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import * as pictures from "./pictures.js";

/** @import { ImageMetadata, Lora } from "../core/schemas.js" */
/** @import { Picture } from "../core/events.js" */

/** @param {string} name @param {unknown} value */
const shown = (name, value) => {
  if (name === "loras") return /** @type {Lora[]} */ (value).map(({ id, weight }) => `${id} (${weight})`).join(", ");
  if (name === "strength") return kit.percent(1 - Number(value));
  return name === "model" ? pictures.modelLabel(String(value)) : String(value);
};
/** @param {[string, string][]} pairs */
const facts = (pairs) =>
  el(
    "dl",
    { class: "out-facts" },
    pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );

export class Foreign {
  /** @type {string} */
  id;

  /** `reuse()` fills the studio with the settings. @param {() => unknown} reuse */
  constructor(reuse) {
    this.reuse = reuse;
    this.node = el("section", { class: "out-group", "aria-label": "From the file", hidden: true });
  }

  /** Only of pictures that were not made here. @param {Picture} record */
  async show(record) {
    this.id = record.id;
    this.node.hidden = true;
    if (record.request) return;
    const found = await api(pictures.path(record.id, "/metadata"), { quiet: true }).catch(() => null);
    if (this.id === record.id && found) this.draw(found);
  }

  /** @param {ImageMetadata} found */
  draw(found) {
    const settings = Object.entries(found.settings).filter(([name]) => SETTINGS[name]);
    const said = settings.length || found.unmapped.length || found.raw.length;
    this.node.hidden = !found.tool && !said && !found.notes.length;
    this.node.replaceChildren(
      el("h3", {}, found.tool ? `Made with ${found.tool}` : "What its file says"),
      ...(found.sidecar ? [el("p", { class: "out-dim" }, `Read from ${found.sidecar}, which lay beside it.`)] : []),
      ...(settings.length
        ? [
            facts(settings.map(([name, value]) => [SETTINGS[name], shown(name, value)])),
            kit.button({ name: "reuse", label: "Reuse these settings", id: "reuse-foreign", run: () => this.reuse() }),
          ]
        : []),
      ...(found.unmapped.length
        ? [el("p", { class: "out-dim" }, "Cannot be used here:"), facts(found.unmapped.map(({ name, value }) => [name, value]))]
        : []),
      ...found.raw.map(({ name, value }) => el("details", { class: "out-raw" }, el("summary", {}, name), el("pre", {}, value))),
      ...(found.notes.length
        ? [
            el(
              "ul",
              { class: "out-notes" },
              found.notes.map((note) => el("li", {}, note)),
            ),
          ]
        : []),
    );
  }
}
