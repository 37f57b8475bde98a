// Make a picture once more and say how alike it came out: identical, close or different, and what could explain it.

import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { latestSnapshot, onSnapshot } from "../core/snapshot.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import * as pictures from "./pictures.js";

/** @import { Reproduction } from "../core/schemas.js" */
/** @import { Job, Picture, Snapshot } from "../core/events.js" */

const VERDICT = {
  identical: ["Identical", "Every pixel came out the same."],
  close: ["Close", "It looks the same; single pixels differ."],
  different: ["Different", "It came out visibly different."],
};
const AGAIN_AFTER = 500; // ms
/** @type {Record<string, string>} */
const ENDED = { failed: "It could not be made again. The queue says why.", cancelled: "It was cancelled." };

/** @param {Record<string, number | undefined>} said */
function measuresLine({ mean_difference: mean, max_difference: most, ssim }) {
  const parts = [
    mean === undefined ? null : `${mean.toFixed(2)} of 255 on average`,
    most === undefined ? null : `${Math.round(most)} at most`,
    ssim === undefined ? null : `structure ${kit.percent(ssim)} alike`,
  ];
  return parts.filter(Boolean).join(" · ");
}

export class Reproduce {
  /** @type {import("../core/events.js").Picture} */
  record;
  /** @type {import("../core/schemas.js").Reproduction[]} */
  found;
  /** @type {string | null} */
  origin;
  /** @type {number} */
  asked;
  /** @type {HTMLParagraphElement} */
  state;

  /** `open(id)` shows another picture. @param {(id: string) => unknown} open */
  constructor(open) {
    this.open = open;
    this.node = el("div", { class: "out-reproduce", "aria-live": "polite" });
    onSnapshot((snapshot) => this.take(snapshot));
  }

  /**
   * Of another picture now: show what is known of earlier tries.
   * @param {Picture} record
   * @param {string | null} [origin]
   */
  async show(record, origin = null) {
    this.record = record;
    this.found = [];
    this.origin = origin;
    this.draw();
    if (record.request) await this.load();
  }

  async load() {
    const { id } = this.record;
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const found = await api(pictures.path(id, "/reproductions"), { quiet: true }).catch(() => null);
    if (this.record.id !== id || this.asked !== asked) return; // another picture, or a later answer is on its way
    if (found) {
      this.found = found;
      this.draw();
    }
    // It may have ended while the answer was on its way: then no further snapshot comes of it.
    if (this.waiting.length) setTimeout(() => this.take(latestSnapshot()), AGAIN_AFTER);
  }

  /** Queue it. Its refusal is a toast. @param {string} id */
  async start(id) {
    await api(pictures.path(id, "/reproduce"), { method: "POST" });
    if (this.record?.id !== id) return void toast("The picture is being made again. Its details will say how it came out.", "info");
    await this.load();
    return this.node.scrollIntoView({ block: "nearest" });
  }

  get waiting() {
    return this.found.filter((one) => !one.verdict && (one.status === "queued" || one.status === "running"));
  }

  /** @param {Snapshot | null} snapshot */
  take(snapshot) {
    if (!snapshot || !this.record || !this.waiting.length) return;
    const jobs = this.waiting.map((one) => snapshot.jobs.find((job) => job.id === one.job_id));
    const running = jobs.find((job) => job && kit.isActive(job));
    if (running && this.state) this.state.textContent = `Making it again: ${kit.jobWords(running)}`;
    if (jobs.some((job) => !job || !kit.isActive(job))) this.load();
  }

  draw() {
    const [latest] = this.found;
    const { origin } = this;
    const made = origin
      ? [
          el("p", {}, "This is a second make of "),
          el("button", { type: "button", class: "out-link", onclick: () => this.open(origin) }, "another picture"),
        ]
      : [];
    this.node.replaceChildren(...made, ...(latest ? [el("h3", {}, "Made again"), ...this.result(latest)] : []));
  }

  /** @param {Reproduction} one */
  result(one) {
    if (!one.verdict) {
      this.state = el("p", {}, (one.status && ENDED[one.status]) ?? "Making it again: waiting in the queue");
      return [this.state];
    }
    const [word, meaning] = VERDICT[one.verdict];
    const measured = one.verdict === "identical" ? "" : measuresLine(one.measures ?? {});
    const { result_id: id, image_id: against } = one;
    const compare = id ? [kit.button({ name: "compare", label: "Compare the two", run: () => emit("compare:open", { id, against }) })] : [];
    const why = one.differences?.length
      ? [
          el("p", { class: "out-dim" }, "What could explain it:"),
          el(
            "ul",
            { class: "out-notes" },
            one.differences.map((words) => el("li", {}, words)),
          ),
        ]
      : [];
    return [
      el("p", { class: `out-verdict ${one.verdict}` }, el("strong", {}, word), ` ${meaning}`),
      ...(measured ? [el("p", { class: "out-dim" }, measured)] : []),
      ...why,
      ...compare,
    ];
  }
}
