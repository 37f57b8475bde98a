// What the axes of a sweep, and a sweep as a whole, are called.
import { SWEPT } from "../core/rules.js";
import * as kit from "../kit/kit.js";

export const PICTURES = "picture"; // the axis of one edit over many pictures

/** @param {string} axis */
export function axisWords(axis) {
  const [, name, number] = /^(\w+)\.(\d+)$/.exec(axis) ?? [];
  const words = name ? SWEPT[`${name}.0`] : SWEPT[axis];
  return words?.replace("{n}", String(Number(number) + 1)) ?? axis;
}

/** How many pictures that would be and how long they take. @param {import("../core/schemas.js").SweepEstimate} found */
export const estimateWords = ({ pictures, seconds }) =>
  `${kit.count(pictures)}, ${seconds === null ? "how long they take is known after the first" : kit.about(seconds)}.`;

/** @param {string[]} axes @param {{prompt: string, mode?: string}} request */
export const titleOf = (axes, request) =>
  axes[0] === PICTURES ? `“${kit.promptWords(request)}” over many` : axes.map(axisWords).join(" × ");
