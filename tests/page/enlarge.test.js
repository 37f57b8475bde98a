import assert from "node:assert/strict";
import { test } from "node:test";
import { becomes, enlargers } from "../../studio/ui/static/collection/enlarging.js";
import { jobWords, progress, promptWords, settingsLine } from "../../studio/ui/static/kit/jobs.js";

/** @param {string} id @param {string[]} modes @param {string[]} fields @param {string} [available] */
const model = (id, modes, fields, available = "ready") => ({ id, label: id, modes, available, limits: { upscale: { fields } } });

test("enlargers that are here, those that change nothing first", () => {
  const all = [
    model("draws", ["text_to_image"], []),
    model("redraws", ["img2img", "upscale"], ["scale", "upscaler"]),
    model("away", ["upscale"], ["scale"], "downloadable"),
    model("plain", ["upscale"], ["scale"]),
  ];
  assert.deepEqual(
    enlargers(all).map(({ id }) => id),
    ["plain", "redraws"],
  );
});

test("what a picture becomes", () => {
  assert.equal(becomes({ width: 128, height: 96 }, 4), "It becomes 512 × 384 px.");
  assert.equal(becomes({ width: 2048, height: 1024 }, 4), "It becomes 4096 × 2048 px.");
  assert.match(becomes({ width: 4096, height: 1024 }, 2), /as large as the studio makes/);
});

test("where an enlarging job is", () => {
  const job = { status: "running", phase: "enlarging", tile: 2, tiles: 16, step: 0, total_steps: 0 };
  assert.equal(jobWords(job), "Enlarging, tile 3 of 16");
  assert.equal(jobWords({ ...job, tile: 16 }), "Enlarging, tile 16 of 16");
  assert.equal(jobWords({ ...job, tile: 0, tiles: 0 }), "Enlarging…");
  assert.equal(jobWords({ ...job, phase: "denoising", step: 1, total_steps: 40 }), "Redrawing, tile 3 of 16");
  assert.deepEqual([progress(job), progress({ ...job, tiles: 0 })], [0.125, null]);
});

test("an enlarged picture says what was done and nothing that did nothing", () => {
  const request = {
    mode: "upscale",
    model: "m",
    prompt: "",
    scale: 4,
    num_inference_steps: 1,
    guidance_scale: 3.5,
    seed: 0,
    width: 512,
    height: 512,
  };
  assert.equal(settingsLine(request, { model: "Enlarger" }), "Enlarger · × 4 · 512 × 512");
  assert.equal(promptWords(request), "Enlarged");
  const made = { ...request, mode: "text_to_image", seed: 7, num_inference_steps: 20, width: 128, height: 128, finish: { scale: 4 } };
  assert.match(settingsLine(made, {}), /128 × 128 · enlarged × 4$/);
});
