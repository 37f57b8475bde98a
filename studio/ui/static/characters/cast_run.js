// “Bring the cast to this design”: who was made under another one, one job for each, its progress, and what came of
// it, to accept or to leave. A part of the designs dialog.

import { thumbnailAddress } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { cast } from "./cast.js";

/** @import { CastJob, Design, DesignUse } from "../core/schemas.js" */

const POLL = 1000;
const WORDS = { queued: "Waits", running: "Is being made", done: "Made", failed: "Failed", cancelled: "Cancelled" };

export class CastRun {
  /** @type {Design | null} */
  design;
  /** @type {number} */
  others;
  /** @type {import("../core/schemas.js").CastRun | null} */
  run;
  /** @type {number} */
  timer;

  constructor() {
    this.words = el("p", { class: "mod-note", role: "status" });
    this.uses = el("div", { class: "cast-uses", role: "group", "aria-label": "Portraits made under another design" });
    this.mode = kit.choice(
      "How",
      [
        ["smart_edit", "Smart edit of each portrait"],
        ["style_reference", "New picture with the style references"],
      ],
      () => {},
      { id: "cast-mode" },
    );
    this.bring = kit.button({ id: "cast-bring", name: "winners", label: "Bring the cast to this design", run: () => this.start() });
    this.cancel = kit.button({ id: "cast-cancel", name: "close", label: "Cancel the rest", run: () => this.stop() });
    this.bar = el(
      "div",
      { class: "mod-bar", role: "progressbar", "aria-label": "Progress of the cast", "aria-valuemin": 0, "aria-valuemax": 100 },
      el("i"),
    );
    this.jobs = el("ul", { class: "cast-jobs", "aria-label": "Results" });
    this.node = el(
      "section",
      { class: "cast-run", "aria-label": "The cast" },
      el("h3", {}, "The cast under this design"),
      this.words,
      this.uses,
      el("div", { class: "cast-tools" }, this.mode.node, this.bring, this.cancel),
      this.bar,
      this.jobs,
    );
  }

  /** `design`: null for one that is not saved yet. @param {Design | null} design */
  async show(design) {
    this.rest();
    this.design = design;
    this.node.hidden = !design;
    if (!design) return;
    const [uses, runs] = await Promise.all([cast.uses(design.id), cast.runs(design.id)]).catch(() => [[], []]);
    if (this.design !== design) return;
    this.drawUses(uses);
    this.draw(runs[0] ?? null);
  }

  /** @param {DesignUse[]} uses */
  drawUses(uses) {
    const others = uses.filter((one) => !one.same);
    this.others = others.length;
    this.words.textContent = !uses.length
      ? "No character has a portrait yet."
      : others.length
        ? `${others.length} of ${uses.length} portraits were made under another design:`
        : "Every portrait was made under this design.";
    this.uses.replaceChildren(
      ...others.slice(0, 24).map((one) =>
        el(
          "button",
          {
            type: "button",
            class: "out-mini",
            title: `${one.name}: ${one.design_name ?? "no design"}`,
            "aria-label": `${one.name}, made under ${one.design_name ?? "no design"}`,
            onclick: () => emit("portrait:open", { id: one.character_id }),
          },
          el("img", { src: thumbnailAddress(one.image_id), alt: "" }),
        ),
      ),
    );
    this.bring.disabled = !others.length;
  }

  rest() {
    clearTimeout(this.timer);
  }

  /** @param {import("../core/schemas.js").CastRun | null} run */
  draw(run) {
    this.rest();
    this.run = run;
    const busy = run !== null && run.ended < run.total;
    this.cancel.hidden = this.bar.hidden = !busy;
    this.bring.disabled = busy || !this.others;
    const share = run?.total ? run.ended / run.total : 0;
    this.bar.children[0].style.setProperty("--share", share);
    this.bar.setAttribute("aria-valuenow", Math.round(share * 100));
    const skipped = (run?.skipped ?? []).map((one) =>
      el("li", { class: "cast-job" }, el("strong", {}, one.name), el("span", { class: "mod-note" }, one.reason)),
    );
    this.jobs.replaceChildren(...(run?.jobs ?? []).map((job) => this.job(job)), ...skipped);
    if (busy) this.timer = setTimeout(() => this.look(), POLL);
  }

  async look() {
    const { design, run } = this;
    if (!run) return;
    const now = await cast.run(run.id).catch(() => run);
    if (this.design !== design || this.run !== run) return;
    this.draw(now);
    if (now.ended >= now.total) cast.tell(null);
  }

  /** @param {CastJob} job */
  job(job) {
    const words = job.error ?? (job.status === "running" && job.step ? `Step ${job.step} of ${job.total_steps}` : WORDS[job.status]);
    const open = job.state === "proposed";
    const said = job.state && { kept: "Accepted", left: "Left", proposed: null }[job.state];
    const { image_id: imageId, version_id: versionId } = job;
    /** @param {string} verb */
    const act = (verb) => async () => {
      if (versionId) await cast.act(job.character_id, versionId, verb).catch(() => {}); // its toast has said why
      return this.look();
    };
    return el(
      "li",
      { class: "cast-job", "data-character": job.character_id },
      imageId ? el("img", { src: thumbnailAddress(imageId), alt: `New portrait of ${job.name}` }) : el("span", { class: "chr-noface" }),
      el("div", { class: "cast-about" }, el("strong", {}, job.name), el("span", { class: "mod-note" }, said ?? words)),
      open
        ? el(
            "div",
            { class: "out-toolbar" },
            kit.button({
              name: "compare",
              label: "Compare",
              words: false,
              kind: "ghost",
              run: () => imageId && emit("compare:open", { id: imageId }),
            }),
            kit.button({ label: "Leave", kind: "ghost", "data-do": "leave", run: act("leave") }),
            kit.button({ label: "Accept", kind: "strong", "data-do": "accept", run: act("use") }),
          )
        : null,
    );
  }

  async start() {
    if (!this.design) return;
    const run = await cast.bring(this.design.id, { mode: this.mode.select.value }).catch(() => null); // its toast has said why
    if (!run) return;
    this.draw(run);
    this.jobs.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  async stop() {
    const run = this.run && (await cast.cancelRun(this.run.id).catch(() => null)); // its toast has said why
    if (run) this.draw(run);
  }
}
