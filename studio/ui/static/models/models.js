// The Models section: what is on this machine, what fits it, licences in plain words, downloads, defaults.
// Everything shown comes from REST; rows are kept and updated, so focus stays where it is.
import { MODES } from "../core/rules.js";
import * as facts from "../collection/facts.js";
import { on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { currentSection } from "../core/sections.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { ModelMemory } from "./model_memory.js";
import { requestChange } from "../studio/changes.js";

const POLL = 1000;
const PATIENCE = 20000; // ms; one lost answer must not end the polling
const COMMERCIAL = {
  yes: ["good", "Commercial use: yes"], no: ["bad", "Commercial use: no"],
  conditions: ["warn", "Commercial use: with conditions"], unknown: ["", "Commercial use: read the licence"],
};
const FITS = {
  full: ["good", "Fits fully"], offloaded: ["warn", "Fits, offloaded"],
  quantised: ["warn", "Fits, with smaller numbers"], too_large: ["bad", "Too large for this machine"], impossible: ["bad", "Not possible here"],
};
const KINDS = { lora: "LoRA", controlnet: "ControlNet", ip_adapter: "IP-Adapter", vae: "VAE", image_encoder: "Image encoder" };
const ANSWERS = { caption: "Describes a picture in words, for Auto-describe", face: "Tells how alike two faces are, for the drift of a line" };
const ACTIVE = new Set(["queued", "checking", "downloading", "verifying"]);
const FILTERS = [["all", "All", () => true], ["ready", "On this machine", (card) => card.available === "ready"],
  ["away", "To download", (card) => card.available === "downloadable"]];

const all = (library) => [...library.models, ...library.readers];
const isActive = (card) => Boolean(card.download && ACTIVE.has(card.download.status));
const chip = (kind, words, title) => el("span", { class: `mod-chip ${kind}`, title }, words);

const link = (address, words) => el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, words);

// --- one model ------------------------------------------------------------------------------
class Row {
  constructor(card, page) {
    this.page = page;
    this.id = card.id;
    this.badges = el("span", { class: "mod-badges" });
    this.words = el("p", { class: "mod-description" });
    this.facts = el("dl", { class: "mod-facts" });
    this.status = el("p", { class: "mod-status", role: "status" });
    this.bar = el("i");
    this.track = el("div", { class: "mod-bar", role: "progressbar", "aria-label": `Download of ${card.label}`, "aria-valuemin": "0", "aria-valuemax": "100" }, this.bar);
    this.files = el("ul", { class: "mod-files" });
    this.more = el("details", { class: "mod-more" }, el("summary", {}, "Files"), this.files);
    const id = (name) => `model-${name}-${card.id}`;
    this.buttons = {
      agree: kit.button({ id: id("agree"), name: "check", label: "Agree to the licence…", run: () => page.agree(this.card) }),
      download: kit.button({ id: id("download"), name: "download", label: "Download", kind: "strong", run: () => page.download(this.card) }),
      cancel: kit.button({ id: id("cancel"), name: "close", label: "Cancel", run: () => page.cancel(this.card) }),
      update: kit.button({ id: id("update"), name: "reuse", label: "Look for a newer version", run: () => page.update(this.card) }),
      remove: kit.button({ id: id("remove"), name: "trash", label: "Remove…", run: () => page.remove(this.card) }),
    };
    this.memory = new ModelMemory(card, (setting) => page.setMemory(this.card, setting));
    this.node = el("li", { class: "mod-card", id: `model-card-${card.id}`, "aria-label": card.label },
      el("div", { class: "mod-head" }, el("h3", {}, card.label), this.badges), this.words, this.facts,
      this.track, this.status, this.more, this.memory.node, el("div", { class: "out-toolbar" }, Object.values(this.buttons)));
    this.update(card);
  }

  update(card) {
    const text = JSON.stringify(card);
    if (text === this.text) return;
    this.text = text;
    this.card = card;
    this.node.dataset.available = card.available;
    this.badges.replaceChildren(...this.badgesOf(card));
    this.words.textContent = card.description;
    this.facts.replaceChildren(...this.factsOf(card).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    this.memory.update(card);
    this.showDownload(card);
    this.showButtons(card);
  }

  badgesOf(card) {
    const here = card.available === "ready" ? ["good", "Ready"] : card.available === "missing" ? ["bad", "Files missing"] : ["", "Not downloaded"];
    return [chip(...here), card.edit ? chip("good", "Edit", "Edits by instruction, or follows reference pictures") : null,
      card.fit ? chip(...FITS[card.fit.verdict], card.fit.reason) : null].filter(Boolean);
  }

  factsOf(card) {
    const begins = (mode) => (card.default_for.includes(mode) ? " (begins with it)" : "");
    const modes = card.modes.map((mode) => kit.modeWords(mode) + begins(mode)).join(", ");
    const facts = [card.answers ? ["Reads", ANSWERS[card.answers]] : ["Modes", modes], ["Size", this.sizeOf(card)], ["Licence", this.licenceOf(card)]];
    if (card.fit) facts.push(["On this machine", this.planOf(card.fit)]);
    const absent = [...new Set(Object.values(card.absent))];
    if (absent.length) facts.push(["Missing", absent.join(" ")]);
    facts.push(["Source", card.page ? link(card.page, card.source) : card.source]);
    if (card.version) facts.push(["Version", this.versionOf(card.version)]);
    return facts;
  }

  planOf({ verdict, label, reason, estimated }) {
    if (verdict === "too_large" || verdict === "impossible") return reason;
    const plan = label.charAt(0).toUpperCase() + label.slice(1);
    return [estimated ? `${plan}, judging by its size` : plan, el("span", { class: "mod-note" }, reason)];
  }

  versionOf({ commit, held, since }) {
    const words = {
      catalogue: "Held by models.yaml.", no: "It is held at this version from the first picture on.",
      studio: since ? `Held since ${kit.date(since).toLocaleDateString()}; newer ones come only when you ask.` : "",
    }[held];
    return [el("code", { title: commit }, commit.slice(0, 12)), el("span", { class: "mod-note" }, words)];
  }

  sizeOf(card) {
    const here = card.size_bytes ? `${kit.bytes(card.size_bytes)} on this disk` : "";
    const there = card.available !== "ready" && card.download_bytes ? `about ${kit.bytes(card.download_bytes)} to download` : "";
    return [here, there].filter(Boolean).join(", ") || "not known before the download";
  }

  licenceOf({ licence, consent }) {
    const name = licence.url ? link(licence.url, licence.name) : licence.name;
    const agreed = consent ? ` You agreed on ${kit.date(consent.agreed_at).toLocaleDateString()}.` : "";
    return [name, " ", chip(...COMMERCIAL[licence.commercial]), licence.note || agreed ? el("span", { class: "mod-note" }, licence.note + agreed) : ""];
  }

  showDownload(card) {
    const download = card.download;
    const lacking = card.available !== "ready" || Object.keys(card.absent).length > 0;
    const shown = Boolean(download) && download.status !== "done" && (isActive(card) || lacking || download.status === "failed");
    const share = shown && download.total_bytes ? download.done_bytes / download.total_bytes : 0;
    this.track.hidden = !shown || (!isActive(card) && !download.done_bytes);
    this.track.classList.toggle("unknown", shown && isActive(card) && !download.total_bytes);
    this.bar.style.setProperty("--share", share);
    this.track.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.status.replaceChildren(...(shown ? this.statusOf(download) : []));
    this.status.classList.toggle("bad", shown && download.status === "failed");
    this.more.hidden = !(shown && download.files.length);
    if (!this.more.hidden) this.files.replaceChildren(...download.files.map((file) =>
      el("li", {}, el("span", {}, file.name), el("span", {}, file.done >= file.size ? kit.bytes(file.size) : `${kit.bytes(file.done)} of ${kit.bytes(file.size)}`))));
  }

  statusOf(download) {
    const amount = download.total_bytes ? `${kit.bytes(download.done_bytes)} of ${kit.bytes(download.total_bytes)}` : "";
    const pace = download.bytes_per_second ? [`${kit.bytes(download.bytes_per_second)}/s`, kit.remaining(download.seconds_left)] : [];
    const words = {
      queued: ["Waiting for another download"], checking: ["Asking the hub what there is…"],
      downloading: ["Downloading", amount, ...pace], verifying: ["Comparing checksums", amount],
      cancelled: ["Stopped", amount, "what has come is kept"], interrupted: ["Interrupted", amount, "what has come is kept"],
      failed: [download.error?.message],
    }[download.status] || [];
    const parts = [words.filter(Boolean).join(" · ")];
    if (download.error?.link) parts.push(" ", link(download.error.link, "Open its page"));
    return parts;
  }

  showButtons(card) {
    const { agree, download, cancel, update, remove } = this.buttons;
    const focused = document.activeElement;
    agree.hidden = !card.needs_consent || Boolean(card.consent);
    const partly = card.origin === "hub" || Object.keys(card.absent).length > 0;
    download.hidden = isActive(card) || !partly || (card.available === "ready" && !Object.keys(card.absent).length) || card.available === "missing";
    const goesOn = ["cancelled", "interrupted", "failed"].includes(card.download?.status) && card.download.done_bytes > 0;
    download.lastChild.textContent = goesOn ? "Go on with the download" : card.available === "ready" ? "Download what is missing" : "Download";
    download.setAttribute("aria-label", `${download.lastChild.textContent}: ${card.label}`);
    cancel.hidden = !isActive(card);
    const lost = card.download?.status === "failed" && card.download.error?.code === "not_found";
    update.hidden = isActive(card) || !card.updatable || !card.version || (card.available !== "ready" && !lost);
    update.setAttribute("aria-label", `Look for a newer version of ${card.label}`);
    remove.hidden = isActive(card) || !card.removable;
    cancel.setAttribute("aria-label", `Cancel the download of ${card.label}`);
    remove.setAttribute("aria-label", `Remove ${card.label}…`);
    if (focused?.hidden) (Object.values(this.buttons).find((each) => !each.hidden) || focused).focus();
  }
}

// --- the section ------------------------------------------------------------------------------
class ModelsPage {
  constructor(element) {
    this.rows = new Map();
    this.filter = "all";
    this.machine = el("p", { class: "mod-machine" });
    this.list = el("ul", { class: "mod-list", id: "models-list", "aria-label": "Models" });
    this.readers = el("ul", { class: "mod-list", id: "models-readers" });
    this.empty = el("p", { class: "out-empty", hidden: true }, "No model is in this list.");
    this.segments = el("div", { class: "out-segments", role: "group", "aria-label": "Which models" }, FILTERS.map(([name, words]) =>
      el("button", { type: "button", class: "out-segment", id: `models-filter-${name}`, "aria-pressed": String(name === "all"), onclick: () => this.choose(name) }, words)));
    this.scan = kit.button({ id: "models-scan", name: "reuse", label: "Look through the folder", run: () => this.lookThrough() });
    this.defaults = el("div", { class: "mod-defaults" });
    this.addOns = el("ul", { class: "mod-addons", id: "models-addons" });
    this.folder = el("p", { class: "mod-note" });
    element.replaceChildren(el("div", { class: "mod-page" }, this.machine,
      el("div", { class: "mod-head" }, this.segments, this.scan), this.list, this.empty,
      el("section", { "aria-label": "Models that read pictures" }, el("h3", {}, "Models that read pictures"),
        el("p", { class: "mod-note" }, "None is needed to make pictures. They stay on this machine like the others, and no picture leaves it."), this.readers),
      el("section", { "aria-label": "Default models" }, el("h3", {}, "Which model each mode starts with"), this.defaults),
      el("section", { "aria-label": "Models folder" }, el("h3", {}, "Your own files"), this.folder, this.addOns)));
    on("tab:shown", (name) => name === "models" && this.load());
    if (currentSection() === "models") this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const answer = api("/models/library", { quiet: true, signal: AbortSignal.timeout(PATIENCE) });
    const library = await answer.catch(() => null); // asked again below
    if (library) this.show(library);
    const busy = library && all(library).some(isActive);
    const waiting = currentSection() === "models" && !library?.device; // what fits is known once the worker is there
    if (busy || waiting) this.timer = setTimeout(() => this.load(), busy ? POLL : 3 * POLL);
  }

  show(library) {
    this.tellEnds(library);
    this.library = library;
    const machine = library.device ? `Runs on ${library.device}. ` : "";
    this.machine.textContent = `${machine}${kit.bytes(library.free_bytes)} free for downloads in ${library.cache_folder}`;
    this.showRows();
    this.showDefaults();
    this.showFolder();
  }

  /** A toast where a download has ended since the last look. */
  tellEnds(library) {
    for (const card of all(library)) {
      const before = this.library && all(this.library).find((other) => other.id === card.id);
      if (!before || !isActive(before) || isActive(card)) continue;
      if (card.download?.status === "failed") toast(card.download.error.message, "error");
      else if (card.download?.status === "done") toast(this.arrived(before, card), "success");
      this.tellStudio();
    }
  }

  arrived(before, card) {
    if (!card.download.newest) return `${card.label} is ready.`;
    return before.version?.commit === card.version?.commit ? `${card.label} is at its newest version.` : `${card.label} has its newest version now.`;
  }

  /** The model selector shows what there is now. */
  tellStudio() {
    requestChange();
  }

  showRows() {
    const wanted = FILTERS.find(([name]) => name === this.filter)[2];
    const cards = this.library.models.filter(wanted);
    const ids = new Set([...cards, ...this.library.readers].map((card) => card.id));
    for (const [id, row] of this.rows) if (!ids.has(id)) row.node.remove(), this.rows.delete(id);
    this.fill(this.list, cards);
    this.fill(this.readers, this.library.readers);
    this.readers.parentElement.hidden = !this.library.readers.length;
    this.empty.hidden = cards.length > 0;
  }

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

  chooser(mode) {
    const chosen = this.library.defaults[mode] || "";
    const offered = this.library.models.filter((card) => card.modes.includes(mode) && (card.available === "ready" || card.id === chosen));
    const options = offered.map((card) => el("option", { value: card.id, selected: card.id === chosen }, card.available === "ready" ? card.label : `${card.label} (not here)`));
    const select = el("select", { id: `model-default-${mode}`, onchange: (event) => this.setDefault(mode, event.target.value) },
      el("option", { value: "", selected: !chosen }, "The first that is ready"), options);
    return el("label", { class: "mod-default" }, el("span", {}, kit.modeWords(mode)), select);
  }

  showFolder() {
    const { models_folder: folder, add_ons: addOns, refused } = this.library;
    this.scan.hidden = !folder;
    this.folder.textContent = folder ? `Put .safetensors files or diffusers folders into ${folder}, then look through it: checkpoints become models above, LoRAs and other parts are listed here.` : "This studio has no models folder.";
    this.addOns.replaceChildren(...addOns.map((each) => this.addOn(each)), ...refused.map((each) =>
      el("li", { class: "mod-addon refused" }, chip("bad", "Cannot be used"), el("strong", {}, each.file), el("span", { class: "mod-note" }, each.reason))));
  }

  addOn(each) {
    const facts = [each.base_label ? `for ${each.base_label}` : "for IP-Adapters", kit.bytes(each.size_bytes), each.kind === "lora" ? `weight ${each.weight}` : "",
      each.triggers.length ? `words: ${each.triggers.join(", ")}` : ""].filter(Boolean).join(" · ");
    return el("li", { class: "mod-addon", id: `addon-${each.id}` }, chip("accent", KINDS[each.kind]), el("strong", { title: each.file }, each.name), el("span", { class: "mod-note" }, facts));
  }

  choose(name) {
    this.filter = name;
    for (const button of this.segments.children) button.setAttribute("aria-pressed", String(button.id === `models-filter-${name}`));
    if (this.library) this.showRows();
  }

  // --- what the artist does -----------------------------------------------------------------
  call(card, path, method = "POST") {
    return api(`/models/${encodeURIComponent(card.id)}/${path}`, { method }).catch(() => null).then(() => this.load());
  }

  async agree(card) {
    const { licence } = card;
    const words = [`${card.label} comes under the ${licence.name}. It does not allow commercial use.`, licence.note,
      licence.url ? el("p", {}, "Read it here: ", link(licence.url, licence.url)) : "",
      "Pictures made with it carry this licence in their record. You are asked only once."].filter(Boolean);
    const agreed = await kit.confirm({ id: "models-ask", title: "A non-commercial licence", words, yes: "I agree", kind: "strong" });
    if (agreed) await this.call(card, "consent", "PUT");
    return agreed;
  }

  async download(card) {
    if (card.needs_consent && !card.consent && !(await this.agree(card))) return;
    await this.call(card, "download");
  }

  update(card) {
    return this.call(card, "update");
  }

  async setMemory(card, setting) {
    const changed = await api(`/models/${encodeURIComponent(card.id)}/memory`, { method: "PUT", json: setting }).catch(() => null);
    if (changed) toast(`From the next picture on. ${changed.fit?.reason ?? ""}`, "success");
    await this.load();
    if (!changed) this.rows.get(card.id)?.memory.update(card);
  }

  cancel(card) {
    return this.call(card, "download/cancel");
  }

  async remove(card) {
    const others = card.shared_with.length ? `${card.shared_with.join(", ")} ${card.shared_with.length > 1 ? "use the same files and go" : "uses the same files and goes"}, too.` : "";
    const words = [`${kit.bytes(card.size_bytes)} will be deleted from this disk. Pictures made with it stay.`, others].filter(Boolean);
    if (!(await kit.confirm({ id: "models-ask", title: `Remove ${card.label}?`, words, yes: "Remove" }))) return;
    await this.call(card, "files", "DELETE");
    this.tellStudio();
  }

  async setDefault(mode, model) {
    const library = await api(`/models/defaults/${mode}`, { method: "PUT", json: { model: model || null } }).catch(() => null);
    if (!library) return;
    this.show(library);
    this.tellStudio();
  }

  /** What the models folder holds, in words. */
  found({ models, add_ons: addOns, refused }) {
    const own = models.filter((card) => card.id.startsWith("file-")).length;
    const counts = [[own, "model"], [addOns.length, "LoRA or other part", "LoRAs and other parts"], [refused.length, "file that cannot be used", "files that cannot be used"]];
    const words = counts.filter(([count]) => count).map(([count, one, many]) => `${count} ${count === 1 ? one : many || `${one}s`}`);
    return words.length ? `Your folder holds ${words.join(", ")}.` : "Your folder holds no models yet.";
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

export const models = ({ element }) => new ModelsPage(element);
