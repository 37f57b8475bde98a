import { showTab } from "../core/sections.js";
import { tabId } from "../core/tab.js";
import { whenReady } from "./memory.js";
import { showPreview } from "./small_parts.js";

/** @import { Wish } from "../core/events.js" */

/** @param {unknown} a @param {unknown} b */
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
/** @type {Wish[]} */
const waiting = [];
/** Of what had to wait: what the controls held when the artist asked. @type {WeakMap<Wish, unknown[]>} */
const shown = new WeakMap();
/** What Python is busy with. @type {Wish | null} */
let asked = null;
/** What the controls held when it was asked. @type {unknown[]} */
let held = [];
/** Of the answer to it: what is on its way to the controls. @type {unknown[]} */
let coming = [];
/** Tells Python. @type {(wish: Wish) => void} */
let send;

const next = async () => {
  if (asked) return;
  const wish = (asked = waiting.shift() ?? null);
  if (!wish) return;
  await whenReady;
  send(wish);
};

/** Ask for a change: {action, …} is something the artist wants done, {} lets the rest follow what was changed. */
export const requestChange = (/** @type {Wish} */ data = {}) => {
  const follows = !data.action && waiting.some((other) => !other.action);
  if (!follows) waiting.push(data);
  setTimeout(next); // the control that was changed is not yet done with its own event
};

/**
 * Generate was pressed: the picture is made from what was shown then, and from what was asked for before.
 * @param {unknown[]} values
 */
export const generate = (values) => {
  const wish = { action: "generate", tab: tabId() };
  if (asked || waiting.length) shown.set(wish, ahead(JSON.parse(JSON.stringify(values))));
  requestChange(wish);
};

/** With what is on its way to controls that nobody has touched. @param {unknown[]} values */
const ahead = (values) => values.map((value, index) => (coming[index] !== undefined && same(value, held[index]) ? coming[index] : value));

/** The caret stands at the end of the prompt: what is to be said next is the change. */
function writePrompt() {
  const prompt = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#prompt textarea"));
  prompt?.focus();
  prompt?.setSelectionRange(prompt.value.length, prompt.value.length);
}

export const changes = {
  /** @param {(wish: Wish) => void} ask */
  mount(ask) {
    send = ask;
    next();
  },

  /** On the way to Python: note what the controls hold. @param {unknown[]} values */
  sent(values) {
    held = JSON.parse(JSON.stringify(values));
    return (asked && shown.get(asked)) ?? values;
  },

  /**
   * The answer: new values for the controls that nobody has touched since, undefined for the others.
   * @param {{values: Record<number, unknown>, again: number[]}} answer
   * @param {unknown[]} values
   */
  merge(answer, values) {
    const touched = values.map((value, index) => !same(value, held[index]));
    const lost = asked?.action && touched.some((yes, index) => yes && answer.again.includes(index) && index in answer.values);
    if (asked && lost) waiting.unshift(asked); // it was about references that are others by now
    const fresh = values.map((_, index) => (lost || touched[index] ? undefined : answer.values[index]));
    const later = waiting.map((other) => shown.get(other) ?? []);
    later.filter((wish) => wish.length).forEach((wish) => fresh.forEach((value, index) => value !== undefined && (wish[index] = value)));
    coming = fresh;
    return fresh;
  },

  /** The answer is on the page, or there is none. @param {boolean} answered */
  done(answered) {
    const action = asked?.action;
    const over = !asked || !waiting.includes(asked);
    asked = null;
    coming = [];
    next();
    if (!answered || !over || !action) return;
    if (action === "generate") return showPreview();
    showTab("studio");
    if (action === "edit") writePrompt();
  },
};
