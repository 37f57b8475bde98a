// What a request has that the one before it had not, in few words: under a row of pictures one wants to know what is
// different, not the same line fifteen times. Draws nothing.
import { percent } from "../kit/formatting.js";
import { modeWords, promptWords } from "../kit/jobs.js";

/** @typedef {import("../core/events.js").Request} Request */

const ALIKE = 0.5; // share of its words a prompt must keep for the change to be worth more than the prompt
const MOST = 3; // differences worth reading

/** A prompt's parts between commas; of one without commas, its words. @param {string} prompt */
function parts(prompt) {
  const split = prompt.split(/[,;.\n]+/);
  const pieces = split.length > 1 ? split : prompt.split(/\s+/);
  return pieces.map((piece) => piece.trim()).filter(Boolean);
}

/** What was said more and what was left out; null where it is another prompt altogether. @param {string} now @param {string} before */
function promptChange(now, before) {
  if (now === before) return [];
  const commas = /[,;.\n]/.test(now) || /[,;.\n]/.test(before);
  const pieces = (/** @type {string} */ text) => (commas ? parts(`${text},`) : parts(text));
  const [after, former] = [pieces(now), pieces(before)];
  const more = after.filter((piece) => !former.includes(piece));
  const less = former.filter((piece) => !after.includes(piece));
  if (more.length === 1 && less.length === 1 && commas) {
    const words = wordChange(more[0], less[0]);
    if (words) return words;
  }
  if (after.length - more.length < ALIKE * Math.max(after.length, former.length)) return null;
  const joined = (/** @type {string[]} */ words) => words.join(commas ? ", " : " ");
  return [more.length ? `+ ${joined(more)}` : "", less.length ? `− ${joined(less)}` : ""].filter(Boolean);
}

/** The words of a part that are others, where most of them stayed; else null. @param {string} now @param {string} before */
function wordChange(now, before) {
  const [after, former] = [now.split(/\s+/), before.split(/\s+/)];
  const more = after.filter((word) => !former.includes(word));
  const less = former.filter((word) => !after.includes(word));
  if (!(more.length + less.length) || after.length - more.length <= ALIKE * Math.max(after.length, former.length)) return null;
  return [more.length ? `+ ${more.join(" ")}` : "", less.length ? `− ${less.join(" ")}` : ""].filter(Boolean);
}

/** A prompt's beginning and its end, where what it is about often stands; whole where there is room. @param {string} words @param {number} room in letters */
export function shortened(words, room) {
  if (words.length <= room) return words;
  const [first = "", ...rest] = words.split(/\s+/);
  let end = rest.pop() ?? "";
  while (rest.length && first.length + end.length + (rest.at(-1)?.length ?? 0) + 4 <= room) end = `${rest.pop()} ${end}`;
  return rest.length ? `${first} … ${end}` : words;
}

/** @param {Request} request */
const size = ({ width, height }) => (width && height ? `${width} × ${height}` : "");
/** @param {Request} request */
const influence = ({ strength }) => (strength === null || strength === undefined ? "" : `influence ${percent(1 - strength)}`);
/** @param {Request} request */
const pictures = ({ references }) => references.map(({ image_id, role }) => `${image_id} ${role}`).join();
/** @param {Request} request */
const addOns = ({ loras }) => (loras ?? []).map(({ id, weight }) => `${id} ${weight}`).join();

/** What of a request is worth a word, each as it is said. @type {((request: Request, label: (model: string | null | undefined) => string) => string)[]} */
const SAID = [
  (request) => modeWords(request.mode),
  (request, label) => label(request.model),
  (request) => `guidance ${request.guidance_scale}`,
  (request) => (request.num_inference_steps === 1 ? "1 step" : `${request.num_inference_steps} steps`),
  influence,
  size,
  (request) => (request.negative_prompt ? `without ${request.negative_prompt}` : "without a negative prompt"),
];

/**
 * In what `request` differs from the one `before` it; its prompt where there is none before or it is another one.
 * @param {Request} request
 * @param {Request | null | undefined} before
 * @param {(model: string | null | undefined) => string} label a model's name
 * @param {number} room letters that a prompt may take
 */
export function difference(request, before, label = (model) => model ?? "", room = Infinity) {
  const whole = shortened(promptWords(request), room);
  if (!before) return whole;
  const words = promptChange(request.prompt.trim(), before.prompt.trim());
  const settings = SAID.filter((say) => say(request, label) !== say(before, label)).map((say) => say(request, label));
  if (addOns(request) !== addOns(before)) settings.push(request.loras?.length ? "other LoRAs" : "no LoRA");
  if (!words) return [whole, ...settings].slice(0, MOST).join(" · ");
  const found = [...words, ...settings.filter(Boolean)];
  if (pictures(request) !== pictures(before)) found.push("another reference");
  if (!found.length) found.push(request.seed === before.seed ? "made again" : `seed ${request.seed}`);
  return found.slice(0, MOST).join(" · ");
}
