// Selecting by a click or by words, with models of the catalogue: what is here, what is missing, and what they answer.
import * as pictures from "../../collection/pictures.js";
import { answer, api } from "../../core/rest.js";
import * as masks from "./mask.js";
import { pixelsOf } from "./source.js";

/** @typedef {"points" | "words"} Question */
/** @typedef {{points?: {x: number, y: number, outside?: boolean}[], words?: string}} Wish places in parts of the picture */

/** What to say where no model answers a question; "" where one does. @returns {Promise<Record<Question, string>>} */
export async function missing() {
  /** @type {{question: string, label: string, available: string}[]} */
  const states = await api("/readers", { quiet: true }).catch(() => []);
  const words = (/** @type {Question} */ question, /** @type {string} */ how) => {
    const found = states.find((state) => state.question === question);
    if (found?.available === "ready") return "";
    return found
      ? `Selecting ${how} needs ${found.label}. Download it on the Models page.`
      : `Selecting ${how} needs a model that the catalogue does not list.`;
  };
  return { points: words("points", "by a click"), words: words("words", "by words") };
}

/** What is meant, as a mask of the size of the one that is painted. Rejects after a message that says why. @param {string} id @param {Wish} wish @param {masks.Mask} mask */
export async function meant(id, wish, mask) {
  const found = await answer(pictures.path(id, "/selection"), { method: "POST", json: wish });
  const rgba = await pixelsOf(await found.blob(), mask);
  const made = masks.empty(mask.width, mask.height);
  made.data.forEach((_, i) => (made.data[i] = (rgba[i * 4] ?? 0) >= 128 ? 255 : 0));
  return made.data;
}
