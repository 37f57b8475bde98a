// A character sheet as it comes: previews of what is being made, Cancel, the pictures, the laid-out sheet, and winners for
// the reference set. The second half of the sheet dialog.

import * as pictures from "../collection/pictures.js";
import { apiAddress, thumbnailAddress } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { onSnapshot } from "../core/snapshot.js";
import { enlarge } from "../kit/dialogs.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { cast } from "./cast.js";

/** @import { SheetNow } from "../core/shapes.js" */
/** @import { Sheet, SheetPicture } from "../core/schemas.js" */
/** @import { Snapshot } from "../core/events.js" */

const POLL = 1500; // ms
/** @type {Record<string, string>} */
const NOT_THERE = { queued: "Waits", cancelled: "Cancelled", failed: "Failed" };

export class SheetResult {
  /** The character's id. @type {string} */
  id = "";
  /** @type {Sheet | null} */
  sheet = null;
  /** Pictures of the reference set. @type {Set<string>} */
  joined = new Set();
  /** What is shown of each picture, by its job. @type {Map<string, {said: string, node: HTMLElement}>} */
  figures = new Map();
  resting = true;
  sheetColumns = 1;
  timer = 0;

  constructor() {
    this.status = el("p", { class: "mod-status", role: "status" });
    this.grid = el("div", { class: "sheet-grid" });
    this.whole = el("div", { class: "out-toolbar" });
    this.cancel = kit.button({ id: "sheet-cancel", name: "close", label: "Cancel the rest", run: () => this.stop() });
    this.bar = el(
      "div",
      { class: "mod-bar", role: "progressbar", "aria-label": "Progress of the sheet", "aria-valuemin": 0, "aria-valuemax": 100 },
      el("i"),
    );
    const head = el("div", { class: "sheet-head" }, this.status, this.cancel);
    this.node = el("section", { class: "sheet-result", hidden: true }, head, this.bar, this.whole, this.grid);
    onSnapshot((snapshot) => this.resting || this.preview(snapshot));
  }

  /** For this character, nothing shown yet. @param {string} id */
  begin(id) {
    this.rest();
    this.id = id;
    this.node.hidden = true;
    this.joined = new Set();
    cast.references(id).then(
      (/** @type {import("../core/schemas.js").ReferenceSet} */ set) =>
        this.id === id && set.items.forEach((item) => this.joined.add(item.image_id)),
      () => {},
    );
  }

  /** Nobody looks: ask for nothing more. */
  rest() {
    clearTimeout(this.timer);
    this.resting = true;
  }

  /** @param {SheetNow} sheet */
  async watch(sheet) {
    clearTimeout(this.timer);
    this.resting = false;
    this.node.hidden = false;
    if (this.sheet?.id !== sheet.id) this.figures.clear(), this.whole.replaceChildren();
    this.sheet = sheet;
    this.show(sheet);
    if (sheet.ended < sheet.total) this.timer = setTimeout(() => this.look(sheet), POLL);
    else if (!sheet.image_id && !sheet.looked) this.look({ ...sheet, looked: true });
  }

  /** @param {SheetNow} sheet */
  async look(sheet) {
    const now = await cast.sheet(this.id, sheet.id).catch(() => sheet);
    if (!this.resting) this.watch({ ...now, looked: sheet.looked });
  }

  /** @param {SheetNow} sheet */
  show(sheet) {
    this.sheetColumns = sheet.columns;
    const made = sheet.pictures.filter((one) => one.image_id).length;
    const all = made === sheet.total ? `All ${kit.count(made)} are made` : `${made} of ${kit.count(sheet.total)} were made`;
    this.status.textContent = sheet.ended < sheet.total ? `${made} of ${kit.count(sheet.total)} are made` : all;
    this.cancel.hidden = this.bar.hidden = sheet.ended >= sheet.total;
    this.bar.children[0].style.setProperty("--share", sheet.ended / sheet.total);
    this.bar.setAttribute("aria-valuenow", Math.round((100 * sheet.ended) / sheet.total));
    this.grid.style.setProperty(
      "--columns",
      sheet.columns > 1 ? sheet.columns : sheet.total > 4 ? Math.ceil(Math.sqrt(sheet.total)) : Math.max(1, sheet.total),
    );
    this.drawPictures(sheet.pictures);
    this.drawWhole(sheet.image_id);
  }

  /** What can be done with the laid-out sheet, once there is one. @param {string | null} id */
  drawWhole(id) {
    this.whole.hidden = !id;
    if (!id) return void this.whole.replaceChildren();
    const view = kit.button({ id: "sheet-view", name: "fit", label: "View the sheet", run: () => enlarge(id, "Character sheet") });
    const save = kit.button({ id: "sheet-download", name: "download", label: "Download the sheet", run: () => pictures.download(id) });
    if (!this.whole.children.length) this.whole.replaceChildren(view, save); // while it is there, it is the same one
  }

  /** Those of which something else is to be said are drawn anew; the others keep focus and preview. @param {readonly SheetPicture[]} all */
  drawPictures(all) {
    const nodes = all.map((one) => {
      const said = JSON.stringify([one.status, one.image_id, one.error]);
      const known = this.figures.get(one.job_id);
      const node = known?.said === said ? known.node : this.picture(one);
      this.figures.set(one.job_id, { said, node });
      return node;
    });
    const shown = [...this.grid.children];
    if (nodes.length !== shown.length || nodes.some((node, index) => node !== shown[index])) this.grid.replaceChildren(...nodes);
  }

  /** A picture that is being made shows how far it is drawn. @param {Snapshot} snapshot */
  preview({ jobs }) {
    for (const job of jobs) {
      const image = /** @type {HTMLImageElement | null | undefined} */ (this.figures.get(job.id)?.node.querySelector("img.sheet-live"));
      if (!image || !job.preview || job.status !== "running") continue;
      const url = apiAddress(`/jobs/${encodeURIComponent(job.id)}/preview?v=${job.preview}`);
      if (image.getAttribute("src") !== url) image.src = url;
      image.hidden = false;
    }
  }

  async stop() {
    if (!this.sheet) return;
    this.cancel.disabled = true;
    const sheet = await cast.cancelSheet(this.id, this.sheet.id).catch(() => null); // its toast has said why
    this.cancel.disabled = false;
    if (sheet) this.watch(sheet);
  }

  /** A picture that is not there: it waits, is being made, or will not be. @param {SheetPicture} said @param {string} words */
  absent({ status, error }, words) {
    const why = error ?? NOT_THERE[status] ?? "";
    const live = el("img", { class: "sheet-live", alt: `${words}, as far as it is drawn`, hidden: true });
    return el(
      "figure",
      { class: "sheet-picture" },
      el("div", { class: `chr-noface${status === "running" ? " out-coming" : ""}` }, live),
      el("figcaption", {}, words, why ? el("small", { class: error ? "" : "quiet" }, why) : null),
    );
  }

  /** @param {SheetPicture} one */
  picture(one) {
    const { label, image_id: id, seed } = one;
    const words = this.sheetColumns > 1 ? `${label}, seed ${seed}` : label;
    if (!id) return this.absent(one, words);
    const join = kit.button({
      name: "anchor",
      label: `Add ${words} to the reference set`,
      words: false,
      kind: "ghost",
      run: () => this.join(id, join, words),
    });
    const view = el(
      "button",
      { type: "button", class: "sheet-view", "aria-label": `View ${words}`, onclick: () => enlarge(id, words) },
      el("img", { src: thumbnailAddress(id), alt: "", loading: "lazy" }),
    );
    if (this.joined.has(id)) this.mark(join, words);
    return el("figure", { class: "sheet-picture", "data-picture": id }, view, el("figcaption", { title: `Seed ${seed}` }, words, join));
  }

  /** @param {HTMLButtonElement} join @param {string} words */
  mark(join, words) {
    join.disabled = true;
    join.replaceChildren(kit.icon("check"));
    join.setAttribute("aria-label", `${words} is in the reference set`);
    join.title = "In the reference set";
  }

  /** @param {string} id @param {HTMLButtonElement} button @param {string} words */
  async join(id, button, words) {
    const set = await cast.addReference(this.id, id).catch(() => null); // its toast has said why
    if (!set) return;
    this.joined.add(id);
    this.mark(button, words);
    toast("It is in the reference set.", "success");
  }
}
