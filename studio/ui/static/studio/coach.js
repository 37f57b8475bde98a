// The coach on the Studio page: one quiet line under the prompt, one under the result. What it says of a request comes
// with the check of the settings, what it says of a picture from REST; a step is taken through Python. Both keep their
// height, so nothing moves; what an artist has put away stays away on this computer until it is asked for again.

import * as pictures from "../collection/pictures.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { store } from "../core/storage.js";
import * as kit from "../kit/kit.js";
import { popover } from "../kit/menus.js";
import { advice } from "./asked.js";
import { requestChange } from "./changes.js";

/** @import { Advice, Step } from "../core/schemas.js" */

const AFTER = "after";
const OUTCOMES = [
  ["closer", "Closer"],
  ["same", "Same"],
  ["drifted", "Drifted"],
];

// --- what was put away ------------------------------------------------------------------------
const away = () => {
  try {
    return new Set(JSON.parse(store.get("localStorage", "coach.away") ?? "[]"));
  } catch {
    return new Set();
  }
};

/** @param {Iterable<string>} ids */
function putAway(ids) {
  store.set("localStorage", "coach.away", JSON.stringify([...ids]));
  emit("coach:away");
}

/** @param {string} id */
const dismiss = (id) => putAway(away().add(id));

/** @param {Step[]} steps @param {() => unknown} [done] */
const stepButtons = (steps, done = undefined) =>
  steps.map((step) =>
    kit.button({ label: step.label, kind: "coach-step", run: () => (requestChange({ action: "coach_step", step }), done?.()) }),
  );

// --- before Generate ------------------------------------------------------------------------------
class CoachLine {
  /** What is said and not put away. @type {Advice[]} */
  advice = [];

  /** @param {HTMLElement} element */
  constructor(element) {
    this.words = el("span", { class: "coach-words" });
    this.more = el("span", { class: "coach-more" });
    this.open = el(
      "button",
      { type: "button", class: "coach-open", id: "coach-open", "aria-label": "Advice", "aria-haspopup": "dialog" },
      kit.icon("info"),
      this.words,
      this.more,
    );
    this.close = kit.button({
      id: "coach-dismiss",
      name: "close",
      label: "Put this advice away",
      words: false,
      kind: "ghost small",
      run: () => dismiss(this.advice[0].id),
    });
    this.again = el(
      "button",
      { type: "button", class: "out-link coach-again", id: "coach-again", hidden: true, onclick: () => putAway([]) },
      "Show advice again",
    );
    this.panel = el("div", { class: "coach-panel", role: "dialog", "aria-label": "Advice" });
    this.node = el("div", { class: "coach-line" }, this.open, this.close, this.again, this.panel);
    element.replaceChildren(this.node);
    this.popover = popover(this.open, this.panel, { width: 380 });
    on("settings:checked", () => this.show());
    on("coach:away", () => this.show());
    this.show();
  }

  show() {
    const hidden = away();
    this.advice = advice().filter((one) => !hidden.has(one.id));
    const [first] = this.advice;
    this.open.hidden = this.close.hidden = !first;
    this.again.hidden = Boolean(first) || !hidden.size;
    this.words.textContent = first?.words ?? "";
    this.open.setAttribute("aria-label", `Advice: ${first?.words ?? "none"}`);
    this.more.textContent = this.advice.length > 1 ? `+${this.advice.length - 1}` : "";
    this.more.title = this.advice.length > 1 ? "There is more advice" : "";
    this.panel.replaceChildren(...this.advice.map((one) => this.card(one)));
    if (!first) this.popover.close();
  }

  /** @param {Advice} one */
  card(one) {
    const put = el("button", { type: "button", class: "out-link", onclick: () => dismiss(one.id) }, "Don't say this again");
    return el(
      "section",
      { class: "coach-card", "data-rule": one.id },
      el("h3", {}, one.words),
      el("p", {}, one.why),
      el(
        "div",
        { class: "coach-steps" },
        stepButtons(one.steps, () => this.popover.close()),
        put,
      ),
    );
  }
}

// --- after Generate ---------------------------------------------------------------------------------
class CoachVerdict {
  /** @type {string | null} */
  id;
  /** @type {import("../core/schemas.js").Judgement | null} */
  judgement;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.words = el("p", { class: "coach-measured", role: "status" });
    this.choice = el(
      "div",
      { class: "out-segments", role: "group", "aria-label": "How did it come out?" },
      OUTCOMES.map(([name, words]) =>
        el(
          "button",
          { type: "button", class: "out-segment", id: `coach-${name}`, "aria-pressed": "false", onclick: () => this.say(name) },
          words,
        ),
      ),
    );
    this.steps = el("div", { class: "coach-steps" });
    this.why = el("button", { type: "button", class: "out-link", id: "coach-why" }, "Why?");
    this.panel = el("div", { class: "coach-panel", role: "dialog", "aria-label": "Why" });
    const close = kit.button({
      id: "coach-after-dismiss",
      name: "close",
      label: "Put this question away",
      words: false,
      kind: "ghost small",
      run: () => dismiss(AFTER),
    });
    this.row = el("div", { class: "coach-row", hidden: true }, this.words, this.choice, this.steps, this.why, close, this.panel);
    element.replaceChildren(el("div", { class: "coach-after" }, this.row));
    popover(this.why, this.panel, { width: 380 });
    on("gallery:selected", ({ id }) => id !== this.id && this.look(id)); // an answer that was given stays
    on("coach:away", () => this.look(this.id));
  }

  /** @param {string | null} id */
  async look(id) {
    if (id !== this.id) this.row.hidden = true; // what is there was said of another picture
    this.id = id;
    const judged = id && !away().has(AFTER) ? await this.judged(id) : null;
    if (this.id !== id) return;
    this.judgement = judged;
    this.row.hidden = !judged;
    if (!judged) return;
    this.words.textContent = this.words.title = judged.words;
    this.say(judged.verdict);
  }

  /** The judgement of a picture that was made from another one; null for all others. @param {string} id */
  async judged(id) {
    const record = await pictures.get(id).catch(() => null);
    if (!record?.request?.references.length || record.trashed_at) return null;
    return api(pictures.path(id, "/advice"), { quiet: true }).catch(() => null);
  }

  /** @param {string | null} name */
  say(name) {
    [...this.choice.children].forEach((node) => node.setAttribute("aria-pressed", String(node.id === `coach-${name}`)));
    const advice = name && this.judgement?.outcomes[name];
    this.steps.replaceChildren(...(advice ? stepButtons(advice.steps) : []));
    this.why.hidden = !advice;
    this.panel.replaceChildren(...(advice ? [el("h3", {}, advice.words), el("p", {}, advice.why)] : []));
  }
}

/** @param {{element: HTMLElement}} said */
export const coachLine = ({ element }) => new CoachLine(element);
/** @param {{element: HTMLElement}} said */
export const coachVerdict = ({ element }) => new CoachVerdict(element);
