import "./browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";

const { difference } = await import("../../studio/ui/static/studio/differences.js");

/** @param {object} changes @returns {any} */
const request = (changes = {}) => ({
  mode: "smart_edit",
  model: "mini",
  prompt: "a woman, red hair, forest",
  negative_prompt: "",
  guidance_scale: 3.5,
  num_inference_steps: 20,
  seed: 1,
  strength: null,
  width: 64,
  height: 64,
  references: [{ image_id: "a", role: null, weight: 1 }],
  loras: [],
  ...changes,
});

/** @param {object} changes @param {string} words */
const says = (changes, words) => assert.equal(difference(request(changes), request()), words);

test("what was changed, not what stayed", () => {
  says({ guidance_scale: 6 }, "guidance 6");
  says({ prompt: "a woman, red hair, forest, serious" }, "+ serious");
  says({ prompt: "a woman, red hair" }, "− forest");
  says({ prompt: "a woman, red hair, night city" }, "+ night city · − forest");
  says({ num_inference_steps: 1, strength: 0.4 }, "1 step · influence 60 %");
  says({ width: 128 }, "128 × 64");
  says({ negative_prompt: "hat" }, "without hat");
  says({ references: [{ image_id: "b", role: null, weight: 1 }] }, "another reference");
  says({ model: "large" }, "large");
});

test("of a part that mostly stayed, the words that are others", () => {
  const before = request({ prompt: "portrait of a {woman|man} with red hair, smiling" });
  const now = (/** @type {string} */ prompt) => difference(request({ prompt }), before);
  assert.equal(now("portrait of a {woman|man} with blue hair, smiling"), "+ blue · − red");
  assert.equal(now("portrait of a {woman|man} with long red hair, smiling"), "+ long");
  assert.equal(now("portrait of a {woman|man} with hair, smiling"), "− red");
});

test("of a long prompt the end is left, where what differs often stands", () => {
  const before = request({ prompt: "give her red hair" });
  const now = request({ prompt: "change the background to a sunset sky" });
  assert.equal(difference(now, before, undefined, 26), "change … to a sunset sky");
  assert.equal(difference(now, before, undefined, 60), "change the background to a sunset sky");
  assert.equal(
    difference(request({ prompt: "Donaudampfschifffahrtsgesellschaft" }), before, undefined, 9),
    "Donaudampfschifffahrtsgesellschaft",
  );
});

test("only the seed, or nothing at all", () => {
  says({ seed: 7 }, "seed 7");
  says({}, "made again");
});

test("another prompt is said whole, and so is the first", () => {
  says({ prompt: "give her a hat" }, "give her a hat");
  assert.equal(difference(request(), null), "a woman, red hair, forest");
  says({ prompt: "give her a hat", guidance_scale: 6 }, "give her a hat · guidance 6");
});

test("words without commas are compared word by word", () => {
  const before = request({ prompt: "portrait of a woman smiling" });
  assert.equal(difference(request({ prompt: "portrait of a woman smiling serious" }), before), "+ serious");
});
