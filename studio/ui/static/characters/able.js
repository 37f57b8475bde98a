// Which models make portraits.
import { PORTRAIT_MODES } from "../core/rules.js";

/** @import { ModelInfo } from "../core/schemas.js" */

/** Those on this machine that make a portrait in one way or another; an enlarger, say, does not. @param {ModelInfo[]} models */
export const forPortraits = (models) =>
  models.filter((model) => model.available === "ready" && model.modes.some((mode) => PORTRAIT_MODES.includes(mode)));
