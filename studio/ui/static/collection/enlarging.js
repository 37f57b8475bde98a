// Which models enlarge, and what a picture becomes. Draws nothing.

/** @import { ModelInfo } from "../core/schemas.js" */

export const MODE = "upscale";

/** Models that enlarge and are here: those that change nothing come first. @param {ModelInfo[]} models */
export const enlargers = (models) => {
  const able = models.filter((model) => model.modes.includes(MODE) && model.available === "ready");
  return [...able.filter((model) => !redraws(model)), ...able.filter(redraws)];
};

/** It draws detail of its own. @param {ModelInfo} model */
export const redraws = (model) => (model.limits[MODE]?.fields ?? []).includes("upscaler");

/** @param {ModelInfo} model */
export const named = (model) => (redraws(model) ? `Redraw with ${model.label}` : model.label);

/** What the picture becomes, as far as the studio goes. @param {{width: number, height: number}} size @param {number} scale */
export function becomes({ width, height }, scale) {
  const most = Math.min(scale, 4096 / Math.max(width, height));
  return most <= 1
    ? "The picture is as large as the studio makes them."
    : `It becomes ${Math.round(width * most)} × ${Math.round(height * most)} px.`;
}
