// The left column of the portrait modal: the picture, its place among the versions, what made it, and what can be
// done with it. Versions are only ever added; the newest is number one from the right.

import * as pictures from "../collection/pictures.js";
import { apiAddress, fileAddress } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { toast, toastWithUndo } from "../kit/toasts.js";
import { cast } from "./cast.js";
import { saveAsDefault } from "./design_default.js";

/** @import { Character, PortraitVersion } from "../core/schemas.js" */
/** @import { Job } from "../core/events.js" */
/** @import { IconName } from "../kit/icons.js" */

const SOURCES = {
  generated: "Generated",
  upload: "Uploaded",
  picture: "From the collection",
  cast: "Brought to a design",
  imported: "Imported",
};

export class VersionView {
  /** @type {import("../core/schemas.js").PortraitVersion[]} */
  items;

  /** `modal`: gives character and toStudio; is told of files to take in. @param {import("./portrait.js").PortraitModal} modal */
  constructor(modal) {
    this.modal = modal;
    this.items = [];
    this.at = 0;
    this.image = el("img", { class: "chr-portrait", alt: "" });
    this.live = el("img", { class: "chr-live", alt: "The picture as far as it is drawn", hidden: true });
    this.words = el("span", { class: "chr-drop-words" }, "Drop, paste or choose a picture");
    this.file = el("input", {
      type: "file",
      id: "portrait-file",
      accept: "image/*",
      multiple: true,
      hidden: true,
      onchange: () => this.chosen(),
    });
    this.stage = el(
      "div",
      {
        class: "chr-stage",
        id: "portrait-stage",
        role: "button",
        tabindex: 0,
        "aria-label": "Portrait. Drop or paste a picture here, or press to choose a file.",
        onclick: () => this.file.click(),
      },
      this.image,
      this.live,
      this.words,
    );
    this.stage.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), this.file.click()));
    this.older = kit.button({ id: "portrait-older", name: "left", label: "Older", kind: "ghost", run: () => this.step(1) });
    this.newer = kit.button({ id: "portrait-newer", name: "right", label: "Newer", kind: "ghost", run: () => this.step(-1) });
    this.place = el("span", { class: "chr-place", id: "portrait-place", role: "status" });
    this.facts = el("dl", { class: "out-facts chr-version-facts" });
    this.tools = this.makeTools();
    this.node = el(
      "div",
      { class: "chr-left", tabindex: -1 },
      this.stage,
      this.file,
      el("div", { class: "chr-walk" }, this.older, this.place, this.newer),
      this.tools.node,
      this.facts,
    );
  }

  makeTools() {
    const { modal } = this;
    /**
     * @param {string} name
     * @param {IconName} icon
     * @param {string} label
     * @param {(one: PortraitVersion) => unknown} run
     * @param {string} [kind]
     * @param {boolean} [words]
     */
    const button = (name, icon, label, run, kind = "ghost", words = true) =>
      kit.button({ id: `portrait-${name}`, name: icon, label, kind, words, run: () => this.current && run(this.current) });
    /** @param {string} verb @param {string} [words] */
    const act =
      (verb, words = "") =>
      (/** @type {PortraitVersion} */ one) =>
        cast.act(modal.character.id, one.id, verb).then(
          () => words && toast(words, "success"),
          () => {},
        );
    const all = {
      accept: button("accept", "check", "Accept", act("use", "It is the portrait now."), "strong"),
      leave: button("leave", "close", "Leave it", act("leave", "Left. It stays in the collection.")),
      use: button("use", "check", "Use this version", act("use"), "strong"),
      crop: button("crop", "fit", "Apply as avatar", (one) => emit("crop:open", { character: modal.character, version: one }), ""),
      compare: button(
        "compare",
        "compare",
        "Compare with current",
        (one) => emit("compare:open", { id: one.image_id, against: this.portraitId() }),
        "ghost",
        false,
      ),
      reference: button("reference", "anchor", "Add to the reference set", (one) => this.addReference(one), "ghost", false),
      save: button("default", "design", "Save as design default", (one) => saveAsDefault(modal.character, one)),
      studio: button("studio", "edit", "Open in the studio", (one) => modal.toStudio(one.image_id), "ghost", false),
      download: button("download", "download", "Download", (one) => pictures.download(one.image_id), "ghost", false),
      trash: button("trash", "trash", "Move to the trash", (one) => this.trash(one), "ghost", false),
    };
    return { node: el("div", { class: "out-toolbar", role: "group", "aria-label": "This version" }, Object.values(all)), ...all };
  }

  get current() {
    return this.items[this.at] ?? null;
  }

  portraitId() {
    return this.items.find((one) => one.current)?.image_id ?? null;
  }

  /**
   * `newest`: show the newest one, else the one that was shown.
   * @param {Character} character
   * @param {boolean} [newest]
   */
  async load(character, newest = false) {
    const found = await cast.versions(character.id).catch(() => null);
    if (!found) return;
    const kept = this.current?.id;
    const grown = found.items.length > this.items.length && this.items.length && found.items[0].id !== this.items[0]?.id;
    this.items = found.items;
    const chosen =
      newest || grown
        ? found.items.some((one) => one.state === "proposed") || grown
          ? 0
          : this.placeOf(found.current_id)
        : this.placeOf(kept);
    this.at = Math.max(0, chosen);
    this.draw();
  }

  /** @param {string | null | undefined} id */
  placeOf(id) {
    return this.items.findIndex((one) => one.id === id);
  }

  /** @param {number} by */
  step(by) {
    const to = this.at + by;
    if (to < 0 || to >= this.items.length) return;
    this.at = to;
    this.draw();
  }

  draw() {
    const one = this.current;
    this.stage.classList.toggle("empty", !one);
    if (one) {
      this.image.alt = `Version ${one.place} of ${one.total}`;
      if (this.image.dataset.id !== one.image_id) this.image.src = fileAddress(one.image_id);
      this.image.dataset.id = one.image_id;
    } else {
      this.image.removeAttribute("src");
      delete this.image.dataset.id;
    }
    this.image.hidden = !one;
    this.older.disabled = this.at >= this.items.length - 1;
    this.newer.disabled = this.at <= 0;
    this.place.textContent = one
      ? `${one.place} of ${one.total}${one.current ? " · current" : one.state === "proposed" ? " · proposed" : ""}`
      : "No version yet";
    this.facts.replaceChildren(...(one ? this.rows(one) : []));
    this.drawTools(one);
  }

  /** @param {PortraitVersion} one */
  rows(one) {
    const facts = [
      ["Model", one.model ? one.label : null],
      ["Seed", one.seed],
      ["Negative prompt", one.negative_prompt],
      ["Prompt", one.prompt],
      ["Changed", one.changes.map((change) => change.words).join(" · ")],
      ["Guidance", one.guidance_scale],
      ["Steps", one.num_inference_steps],
      ["Design", one.design_name],
      ["Origin", `${SOURCES[one.source]}, ${kit.clock(one.created_at)}`],
      ["Size", `${one.width} × ${one.height}`],
    ];
    return facts.filter(([, value]) => kit.given(value)).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]);
  }

  /** @param {PortraitVersion | null} one */
  drawTools(one) {
    const { tools } = this;
    const proposed = one?.state === "proposed";
    const focused = document.activeElement;
    tools.accept.hidden = tools.leave.hidden = !proposed;
    tools.use.hidden = proposed || !one || one.current;
    tools.crop.hidden = !one || proposed;
    tools.compare.disabled = !one || one.current || !this.portraitId();
    tools.save.disabled = !one?.model;
    for (const tool of [tools.reference, tools.studio, tools.download, tools.trash]) tool.disabled = !one;
    tools.node.hidden = !one;
    if (focused?.hidden || (focused?.matches(":disabled") && tools.node.contains(focused))) this.stage.focus();
  }

  // --- what is being drawn ----------------------------------------------------------------------
  /** @param {Job | null} job */
  preview(job) {
    this.live.hidden = !job?.preview;
    if (!job?.preview) return void this.live.removeAttribute("src");
    const url = apiAddress(`/jobs/${encodeURIComponent(job.id)}/preview?v=${job.preview}`);
    if (this.live.getAttribute("src") !== url) this.live.src = url;
  }

  /** @param {boolean} on */
  lit(on) {
    this.stage.classList.toggle("lit", on);
  }

  leave() {
    this.items = [];
    this.at = 0;
    this.preview(null);
    this.lit(false);
  }

  chosen() {
    this.modal.take([...(this.file.files ?? [])]);
    this.file.value = "";
  }

  // --- actions ----------------------------------------------------------------------------------
  /** @param {PortraitVersion} one */
  async addReference(one) {
    const set = await cast.addReference(this.modal.character.id, one.image_id).catch(() => null); // its toast has said why
    if (set) toast(`In the reference set: ${kit.count(set.items.length, "picture")}.`, "success");
  }

  /** @param {PortraitVersion} one */
  async trash(one) {
    const { id } = this.modal.character;
    const done = await cast.trash(id, one.id).catch(() => null); // its toast has said why
    if (!done) return;
    toastWithUndo("Moved to the trash.", () => cast.act(id, one.id, "restore"));
  }
}
