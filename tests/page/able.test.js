import assert from "node:assert/strict";
import { test } from "node:test";
import { forPortraits } from "../../studio/ui/static/characters/able.js";

/** @param {string} id @param {string[]} modes @param {string} [available] @returns {any} */
const model = (id, modes, available = "ready") => ({ id, modes, available });

test("no enlarger, nor what is not here, is offered for a portrait", () => {
  const models = [
    model("mini", ["text_to_image", "smart_edit", "upscale"]),
    model("kontext", ["smart_edit"]),
    model("enlarger", ["upscale"]),
    model("fill", ["inpaint", "outpaint"]),
    model("large", ["text_to_image"], "downloadable"),
  ];
  assert.deepEqual(
    forPortraits(models).map(({ id }) => id),
    ["mini", "kontext"],
  );
});
