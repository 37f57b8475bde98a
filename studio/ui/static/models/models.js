// The Models section: what is on this machine, what fits it, licences in plain words, downloads, defaults.
// Everything shown comes from REST; rows are kept and updated, so focus stays where it is.

import { on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { MODES } from "../core/rules.js";
import { currentSection } from "../core/sections.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import { MOST, ModelRoots, more } from "./roots.js";
import { chip, isActive, link, Row } from "./row.js";
import { finds } from "./searching.js";

/** @import { AddOn, Download, Fit, Library, MemorySetting, ModelCard, ModelRoot, ModelVersion } from "../core/schemas.js" */

const POLL = 1000;
const PATIENCE = 20000; // ms; one lost answer must not end the polling
const KINDS = {
  lora: "LoRA",
  controlnet: "ControlNet",
  ip_adapter: "IP-Adapter",
  vae: "VAE",
  image_encoder: "Image encoder",
  text_encoder: "Text encoder",
};
/** @type {[name: string, words: string, wanted: (card: ModelCard) => boolean][]} */
const FILTERS = [
  ["all", "All", () => true],
  ["ready", "On this machine", (card) => card.available === "ready"],
  ["away", "To download", (card) => card.available === "downloadable"],
];

/** @param {Library} library */
const all = (library) => [...library.models, ...library.readers];
// --- the section ------------------------------------------------------------------------------
export class ModelsPage {
  /** @type {Map<string, Row>} */
  rows;
  /** @type {number} */
  timer;
  /** @type {Library} */
  library;
  /** @type {string} */
  shownDefaults;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.rows = new Map();
    this.filter = "all";
    this.machine = el("p", { class: "mod-machine" });
    this.list = el("ul", { class: "mod-list", id: "models-list", "aria-label": "Models" });
    this.readers = el("ul", { class: "mod-list", id: "models-readers" });
    this.empty = el("p", { class: "out-empty", hidden: true }, "No model is in this list.");
    this.segments = el(
      "div",
      { class: "out-segments", role: "group", "aria-label": "Which models" },
      FILTERS.map(([name, words]) =>
        el(
          "button",
          {
            type: "button",
            class: "out-segment",
            id: `models-filter-${name}`,
            "aria-pressed": String(name === "all"),
            onclick: () => this.choose(name),
          },
          words,
        ),
      ),
    );
    this.search = kit.searchBox("models-search", () => this.library && this.searched(), "Search models and files");
    this.search.input.setAttribute("aria-label", "Search models and files");
    this.scan = kit.button({ id: "models-scan", name: "reuse", label: "Look through the folder", run: () => this.lookThrough() });
    this.defaults = el("div", { class: "mod-defaults" });
    this.addOns = el("ul", { class: "mod-addons", id: "models-addons" });
    this.folder = el("p", { class: "mod-note" });
    this.roots = new ModelRoots({
      kinds: KINDS,
      added: (library) => this.brought(library),
      isFound: (each) => this.isFound(each),
      asked: () => this.asked,
    });
    element.replaceChildren(
      el(
        "div",
        { class: "mod-page" },
        el("h2", { class: "lk-visually-hidden" }, "Models"),
        this.machine,
        el("div", { class: "mod-head" }, this.segments, this.search.node, this.scan),
        this.list,
        this.empty,
        el(
          "section",
          { "aria-label": "Models that read pictures" },
          el("h3", {}, "Models that read pictures"),
          el(
            "p",
            { class: "mod-note" },
            "None is needed to make pictures. They stay on this machine like the others, and no picture leaves it.",
          ),
          this.readers,
        ),
        el("section", { "aria-label": "Default models" }, el("h3", {}, "Which model each mode starts with"), this.defaults),
        el("section", { "aria-label": "Models folder" }, el("h3", {}, "Your own files"), this.folder, this.addOns),
        this.roots.node,
      ),
    );
    on("tab:shown", (name) => name === "models" && this.load());
    if (currentSection() === "models") this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const answer = api("/models/library", { quiet: true, signal: AbortSignal.timeout(PATIENCE) });
    const library = await answer.catch(() => null); // asked again below
    if (library) this.show(library);
    const busy = library && all(library).some(isActive);
    const looking = library?.model_roots.some((/** @type {ModelRoot} */ root) => root.state === "looking");
    const waiting = currentSection() === "models" && (looking || !library?.device); // what fits is known once the worker is there
    if (busy || waiting) this.timer = setTimeout(() => this.load(), busy ? POLL : 3 * POLL);
  }

  /** @param {Library} library */
  show(library) {
    this.tellEnds(library);
    this.library = library;
    const machine = library.device ? `Runs on ${library.device}. ` : "";
    this.machine.textContent = `${machine}${kit.bytes(library.free_bytes)} free for downloads in ${library.cache_folder}`;
    this.showRows();
    this.showDefaults();
    this.showFolder();
    this.roots.show(library);
  }

  /** A folder of another tool came or went. @param {Library | null} library */
  brought(library) {
    if (library) this.show(library);
    this.tellStudio();
    return this.load();
  }

  /** A toast where a download has ended since the last look. @param {Library} library */
  tellEnds(library) {
    for (const card of all(library)) {
      const before = this.library && all(this.library).find((other) => other.id === card.id);
      if (!before || !isActive(before) || isActive(card)) continue;
      if (card.download?.status === "failed") toast(card.download.error?.message ?? "This download failed. Try again.", "error");
      else if (card.download?.status === "done") toast(this.arrived(before, card), "success");
      this.tellStudio();
    }
  }

  /** @param {ModelCard} before @param {ModelCard} card */
  arrived(before, card) {
    if (!card.download?.newest) return `${card.label} is ready.`;
    return before.version?.commit === card.version?.commit
      ? `${card.label} is at its newest version.`
      : `${card.label} has its newest version now.`;
  }

  /** The model selector shows what there is now. */
  tellStudio() {
    requestChange();
  }

  showRows() {
    const wanted = FILTERS.find(([name]) => name === this.filter)?.[2] ?? (() => true);
    const cards = this.library.models.filter((card) => wanted(card) && finds(this.asked, card.label, card.id, card.family));
    const ids = new Set([...cards, ...this.library.readers].map((card) => card.id));
    for (const [id, row] of this.rows) if (!ids.has(id)) row.node.remove(), this.rows.delete(id);
    this.fill(this.list, cards);
    this.fill(this.readers, this.library.readers);
    if (this.readers.parentElement) this.readers.parentElement.hidden = !this.library.readers.length;
    this.empty.hidden = cards.length > 0;
  }

  /** @param {HTMLElement} list @param {ModelCard[]} cards */
  fill(list, cards) {
    cards.forEach((card, index) => {
      const row = this.rows.get(card.id) || new Row(card, this);
      row.update(card);
      this.rows.set(card.id, row);
      if (list.children[index] !== row.node) list.insertBefore(row.node, list.children[index] || null);
    });
  }

  showDefaults() {
    const key = JSON.stringify([this.library.defaults, this.library.models.map((card) => [card.id, card.available])]);
    if (key === this.shownDefaults) return;
    this.shownDefaults = key;
    const focused = document.activeElement?.id;
    const modes = Object.keys(MODES).filter((mode) => this.library.models.some((card) => card.modes.includes(mode)));
    this.defaults.replaceChildren(...modes.map((mode) => this.chooser(mode)));
    if (focused?.startsWith("model-default-")) document.getElementById(focused)?.focus();
  }

  /** @param {string} mode */
  chooser(mode) {
    const chosen = this.library.defaults[mode] || "";
    const offered = this.library.models.filter((card) => card.modes.includes(mode) && (card.available === "ready" || card.id === chosen));
    const options = offered.map((card) =>
      el("option", { value: card.id, selected: card.id === chosen }, card.available === "ready" ? card.label : `${card.label} (not here)`),
    );
    const select = el(
      "select",
      {
        id: `model-default-${mode}`,
        onchange: (/** @type {import("../core/shapes.js").FieldEvent} */ event) => this.setDefault(mode, event.target.value),
      },
      el("option", { value: "", selected: !chosen }, "The first that is ready"),
      options,
    );
    return el("label", { class: "mod-default" }, el("span", {}, kit.modeWords(mode)), select);
  }

  showFolder() {
    const { models_folder: folder, add_ons: addOns, refused } = this.library;
    this.scan.hidden = !folder;
    this.folder.textContent = folder
      ? `Put .safetensors files or diffusers folders into ${folder}, then look through it: checkpoints become models above, LoRAs and other parts are listed here.`
      : "This studio has no models folder.";
    const own = addOns.filter((each) => !each.root && this.isFound(each));
    this.addOns.replaceChildren(
      ...own.slice(0, MOST).map((each) => this.addOn(each)),
      ...more(own.length - MOST),
      ...refused
        .filter(({ file }) => finds(this.asked, file))
        .map((each) =>
          el(
            "li",
            { class: "mod-addon refused" },
            chip("bad", "Cannot be used"),
            el("strong", {}, each.file),
            el("span", { class: "mod-note" }, each.reason),
          ),
        ),
    );
  }

  get asked() {
    return this.search.input.value;
  }

  /** @param {AddOn} each */
  isFound(each) {
    return finds(this.asked, each.name, each.file, KINDS[each.kind], each.base_label, ...each.triggers);
  }

  searched() {
    this.showRows();
    this.showFolder();
    this.roots.show(this.library);
  }

  /** @param {AddOn} each */
  addOn(each) {
    const facts = [
      each.kind === "text_encoder" ? each.base_label : each.base_label ? `for ${each.base_label}` : "for IP-Adapters",
      kit.bytes(each.size_bytes),
      each.kind === "lora" ? `weight ${each.weight}` : "",
      each.triggers.length ? `words: ${each.triggers.join(", ")}` : "",
    ]
      .filter(Boolean)
      .join(" · ");
    return el(
      "li",
      { class: "mod-addon", id: `addon-${each.id}` },
      chip("accent", KINDS[each.kind]),
      el("strong", { title: each.file }, each.name),
      el("span", { class: "mod-note" }, facts),
    );
  }

  /** @param {string} name */
  choose(name) {
    this.filter = name;
    for (const button of this.segments.children) button.setAttribute("aria-pressed", String(button.id === `models-filter-${name}`));
    if (this.library) this.showRows();
  }

  // --- what the artist does -----------------------------------------------------------------
  /** @param {ModelCard} card @param {string} path @param {string} [method] */
  call(card, path, method = "POST") {
    return api(`/models/${encodeURIComponent(card.id)}/${path}`, { method })
      .catch(() => null)
      .then(() => this.load());
  }

  /** @param {ModelCard} card */
  async agree(card) {
    const { licence } = card;
    const words = [
      `${card.label} comes under the ${licence.name}. It does not allow commercial use.`,
      licence.note,
      licence.url ? el("p", {}, "Read it here: ", link(licence.url, licence.url)) : "",
      "Pictures made with it carry this licence in their record. You are asked only once.",
    ].filter(Boolean);
    const agreed = await kit.confirm({ id: "models-ask", title: "A non-commercial licence", words, yes: "I agree", kind: "strong" });
    if (agreed) await this.call(card, "consent", "PUT");
    return agreed;
  }

  /** @param {ModelCard} card */
  async download(card) {
    if (card.needs_consent && !card.consent && !(await this.agree(card))) return;
    await this.call(card, "download");
  }

  /** @param {ModelCard} card */
  update(card) {
    return this.call(card, "update");
  }

  /** @param {ModelCard} card @param {MemorySetting} setting */
  async setMemory(card, setting) {
    const changed = await api(`/models/${encodeURIComponent(card.id)}/memory`, { method: "PUT", json: setting }).catch(() => null);
    if (changed) toast(`From the next picture on. ${changed.fit?.reason ?? ""}`, "success");
    await this.load();
    if (!changed) this.rows.get(card.id)?.memory.update(card);
  }

  /** @param {ModelCard} card */
  cancel(card) {
    return this.call(card, "download/cancel");
  }

  /** @param {ModelCard} card */
  async remove(card) {
    const others = card.shared_with.length
      ? `${card.shared_with.join(", ")} ${card.shared_with.length > 1 ? "use the same files and go" : "uses the same files and goes"}, too.`
      : "";
    const words = [`${kit.bytes(card.size_bytes)} will be deleted from this disk. Pictures made with it stay.`, others].filter(Boolean);
    if (!(await kit.confirm({ id: "models-ask", title: `Remove ${card.label}?`, words, yes: "Remove" }))) return;
    await this.call(card, "files", "DELETE");
    this.tellStudio();
  }

  /** @param {string} mode @param {string} model */
  async setDefault(mode, model) {
    const library = await api(`/models/defaults/${mode}`, { method: "PUT", json: { model: model || null } }).catch(() => null);
    if (!library) return;
    this.show(library);
    this.tellStudio();
  }

  /** What the models folder holds, in words. @param {Library} said */
  found({ models, add_ons: addOns, refused, model_roots: roots }) {
    const own = models.filter((card) => card.id.startsWith("file-") && !card.root).length;
    const parts = addOns.filter((each) => !each.root).length;
    const counts = [
      [own, "model"],
      [parts, "LoRA or other part", "LoRAs and other parts"],
      [refused.length, "file that cannot be used", "files that cannot be used"],
    ];
    const words = counts.filter(([count]) => count).map(([count, one, many]) => `${count} ${count === 1 ? one : many || `${one}s`}`);
    const others = roots.length ? ` ${roots.length} ${roots.length === 1 ? "folder" : "folders"} of other tools looked through.` : "";
    return (words.length ? `Your folder holds ${words.join(", ")}.` : "Your folder holds no models yet.") + others;
  }

  async lookThrough() {
    this.scan.disabled = true;
    const library = await api("/models/scan", { method: "POST" }).catch(() => null);
    this.scan.disabled = false;
    if (!library) return;
    this.show(library);
    toast(this.found(library), "success");
    this.tellStudio();
  }
}

/** @param {{element: HTMLElement}} said */
export const models = ({ element }) => new ModelsPage(element);
