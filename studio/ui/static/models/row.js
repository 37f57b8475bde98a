import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { ModelMemory } from "./model_memory.js";

/** @import { AddOn, Download, Fit, Library, MemorySetting, ModelCard, ModelVersion } from "../core/schemas.js" */

/** @typedef {Node | string} Said */

/** @type {Record<string, [kind: string, words: string]>} */
const COMMERCIAL = {
  yes: ["good", "Commercial use: yes"],
  no: ["bad", "Commercial use: no"],
  conditions: ["warn", "Commercial use: with conditions"],
  unknown: ["", "Commercial use: read the licence"],
};
/** @type {Record<string, [kind: string, words: string]>} */
const FITS = {
  full: ["good", "Fits fully"],
  offloaded: ["warn", "Fits, offloaded"],
  quantised: ["warn", "Fits, with smaller numbers"],
  too_large: ["bad", "Too large for this machine"],
  impossible: ["bad", "Not possible here"],
};

const ANSWERS = {
  caption: "Describes a picture in words, for Auto-describe",
  points: "Selects what you click on, for masks",
  words: "Selects what your words mean, for masks",
  heads: "Finds small heads, for Fix the face",
  face: "Tells how alike two faces are, for the drift of a line",
};
const ACTIVE = new Set(["queued", "checking", "downloading", "verifying"]);

/** @param {ModelCard} card */
export const isActive = (card) => Boolean(card.download && ACTIVE.has(card.download.status));
/** @param {string} kind @param {string} words @param {string} [title] */
export const chip = (kind, words, title = "") => el("span", { class: `mod-chip ${kind}`, title }, words);

/** @param {string} address @param {string} words */
export const link = (address, words) => el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, words);

// --- one model ------------------------------------------------------------------------------
export class Row {
  /** @type {string} */
  text;
  /** @type {ModelCard} */
  card;

  /** @param {ModelCard} card @param {import("./models.js").ModelsPage} page */
  constructor(card, page) {
    this.page = page;
    this.id = card.id;
    this.badges = el("span", { class: "mod-badges" });
    this.words = el("p", { class: "mod-description" });
    this.facts = el("dl", { class: "mod-facts" });
    this.status = el("p", { class: "mod-status", role: "status" });
    this.bar = el("i");
    this.track = el(
      "div",
      { class: "mod-bar", role: "progressbar", "aria-label": `Download of ${card.label}`, "aria-valuemin": "0", "aria-valuemax": "100" },
      this.bar,
    );
    this.files = el("ul", { class: "mod-files" });
    this.more = el("details", { class: "mod-more" }, el("summary", {}, "Files"), this.files);
    /** @param {string} name */
    const id = (name) => `model-${name}-${card.id}`;
    this.buttons = {
      agree: kit.button({ id: id("agree"), name: "check", label: "Agree to the licence…", run: () => page.agree(this.card) }),
      download: kit.button({
        id: id("download"),
        name: "download",
        label: "Download",
        kind: "strong",
        run: () => page.download(this.card),
      }),
      cancel: kit.button({ id: id("cancel"), name: "close", label: "Cancel", run: () => page.cancel(this.card) }),
      update: kit.button({ id: id("update"), name: "reuse", label: "Look for a newer version", run: () => page.update(this.card) }),
      remove: kit.button({ id: id("remove"), name: "trash", label: "Remove…", run: () => page.remove(this.card) }),
    };
    this.memory = new ModelMemory(card, (setting) => page.setMemory(this.card, setting));
    this.node = el(
      "li",
      { class: "mod-card", id: `model-card-${card.id}`, "aria-label": card.label },
      el("div", { class: "mod-head" }, el("h3", {}, card.label), this.badges),
      this.words,
      this.facts,
      this.track,
      this.status,
      this.more,
      this.memory.node,
      el("div", { class: "out-toolbar" }, Object.values(this.buttons)),
    );
    this.update(card);
  }

  /** @param {ModelCard} card */
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

  /** @param {ModelCard} card */
  badgesOf(card) {
    /** @type {[kind: string, words: string]} */
    const here =
      card.available === "ready" ? ["good", "Ready"] : card.available === "missing" ? ["bad", "Files missing"] : ["", "Not downloaded"];
    return [
      chip(...here),
      ...(card.edit ? [chip("good", "Edit", "Edits by instruction, or follows reference pictures")] : []),
      ...(card.fit ? [chip(...this.fitsOf(card.fit), card.fit.reason)] : []),
    ];
  }

  /** @param {ModelCard} card */
  factsOf(card) {
    /** @param {string} mode */
    const begins = (mode) => (card.default_for.includes(mode) ? " (begins with it)" : "");
    const modes = card.modes.map((mode) => kit.modeWords(mode) + begins(mode)).join(", ");
    /** @type {[name: string, value: Said | Said[]][]} */
    const facts = [
      card.answers ? ["Reads", ANSWERS[card.answers]] : ["Modes", modes],
      ["Size", this.sizeOf(card)],
      ["Licence", this.licenceOf(card)],
    ];
    if (card.fit) facts.push(["On this machine", this.planOf(card.fit)]);
    const absent = [...new Set(Object.values(card.absent))];
    if (absent.length) facts.push(["Missing", absent.join(" ")]);
    facts.push(["Source", card.page ? link(card.page, card.source) : card.source]);
    if (card.version) facts.push(["Version", this.versionOf(card.version)]);
    return facts;
  }

  /** That it fits is no good news where it will take for ever. @param {Fit} said @returns {[kind: string, words: string]} */
  fitsOf({ verdict, pace }) {
    return verdict === "full" && pace ? ["warn", "Fits, but slow"] : FITS[verdict];
  }

  /** @param {Fit} said */
  planOf({ verdict, label, reason, pace, estimated }) {
    if (verdict === "too_large" || verdict === "impossible") return reason;
    const plan = label.charAt(0).toUpperCase() + label.slice(1);
    return [estimated ? `${plan}, judging by its size` : plan, el("span", { class: "mod-note" }, [reason, pace].filter(Boolean).join(" "))];
  }

  /** @param {ModelVersion} said */
  versionOf({ commit, held, since }) {
    const words = {
      catalogue: "Held by models.yaml.",
      no: "It is held at this version from the first picture on.",
      studio: since ? `Held since ${kit.date(since).toLocaleDateString()}; newer ones come only when you ask.` : "",
    }[held];
    return [el("code", { title: commit }, commit.slice(0, 12)), el("span", { class: "mod-note" }, words)];
  }

  /** @param {ModelCard} card */
  sizeOf(card) {
    const here = card.size_bytes ? `${kit.bytes(card.size_bytes)} on this disk` : "";
    const there = card.available !== "ready" && card.download_bytes ? `about ${kit.bytes(card.download_bytes)} to download` : "";
    return [here, there].filter(Boolean).join(", ") || "not known before the download";
  }

  /** @param {ModelCard} said */
  licenceOf({ licence, consent }) {
    const name = licence.url ? link(licence.url, licence.name) : licence.name;
    const agreed = consent ? ` You agreed on ${kit.date(consent.agreed_at).toLocaleDateString()}.` : "";
    return [
      name,
      " ",
      chip(...COMMERCIAL[licence.commercial]),
      licence.note || agreed ? el("span", { class: "mod-note" }, licence.note + agreed) : "",
    ];
  }

  /** @param {ModelCard} card */
  showDownload(card) {
    const download = card.download;
    const lacking = card.available !== "ready" || Object.keys(card.absent).length > 0;
    const told = download && download.status !== "done" && (isActive(card) || lacking || download.status === "failed");
    const shown = told ? download : null;
    const share = shown?.total_bytes ? shown.done_bytes / shown.total_bytes : 0;
    this.track.hidden = !shown || (!isActive(card) && !shown.done_bytes);
    this.track.classList.toggle("unknown", Boolean(shown) && isActive(card) && !shown?.total_bytes);
    this.bar.style.setProperty("--share", share);
    this.track.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.status.replaceChildren(...(shown ? this.statusOf(shown) : []));
    this.status.classList.toggle("bad", shown?.status === "failed");
    this.more.hidden = !shown?.files.length;
    if (shown?.files.length)
      this.files.replaceChildren(
        ...shown.files.map((file) =>
          el(
            "li",
            {},
            el("span", {}, file.name),
            el("span", {}, file.done >= file.size ? kit.bytes(file.size) : `${kit.bytes(file.done)} of ${kit.bytes(file.size)}`),
          ),
        ),
      );
  }

  /** @param {Download} download */
  statusOf(download) {
    const amount = download.total_bytes ? `${kit.bytes(download.done_bytes)} of ${kit.bytes(download.total_bytes)}` : "";
    const left = download.seconds_left === null ? "" : kit.remaining(download.seconds_left);
    const pace = download.bytes_per_second ? [`${kit.bytes(download.bytes_per_second)}/s`, left] : [];
    /** @type {Record<string, (string | undefined)[]>} */
    const said = {
      queued: ["Waiting for another download"],
      checking: ["Asking the hub what there is…"],
      downloading: ["Downloading", amount, ...pace],
      verifying: ["Comparing checksums", amount],
      cancelled: ["Stopped", amount, "what has come is kept"],
      interrupted: ["Interrupted", amount, "what has come is kept"],
      failed: [download.error?.message],
    };
    const words = said[download.status] ?? [];
    /** @type {(string | Node)[]} */
    const parts = [words.filter(Boolean).join(" · ")];
    if (download.error?.link) parts.push(" ", link(download.error.link, "Open its page"));
    return parts;
  }

  /** @param {ModelCard} card */
  showButtons(card) {
    const { agree, download, cancel, update, remove } = this.buttons;
    const focused = document.activeElement;
    agree.hidden = !card.needs_consent || Boolean(card.consent);
    const partly = card.origin === "hub" || Object.keys(card.absent).length > 0;
    download.hidden =
      isActive(card) || !partly || (card.available === "ready" && !Object.keys(card.absent).length) || card.available === "missing";
    const stopped = card.download && ["cancelled", "interrupted", "failed"].includes(card.download.status);
    const goesOn = stopped && card.download && card.download.done_bytes > 0;
    const words = goesOn ? "Go on with the download" : card.available === "ready" ? "Download what is missing" : "Download";
    kit.relabel(download, words, `${words}: ${card.label}`);
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
