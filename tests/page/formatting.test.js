import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, count, date, line, memory, percent, query, remaining, seconds } from "../../studio/ui/static/kit/formatting.js";
import { etaWords, jobWords, progress, promptWords, settingsLine } from "../../studio/ui/static/kit/jobs.js";

test("sizes", () => {
  assert.deepEqual([0, 14_200, 3_210_000, 27_000_000, 2_500_000_000, 12_400_000_000].map(bytes), [
    "1 kB",
    "14 kB",
    "3.2 MB",
    "27 MB",
    "2.5 GB",
    "12 GB",
  ]);
  assert.deepEqual([760, 7782].map(memory), ["760 MB", "7.6 GB"]);
});

test("times", () => {
  assert.deepEqual([0.42, 9.94, 9.96, 61].map(seconds), ["0.4 s", "9.9 s", "10 s", "61 s"]);
  assert.deepEqual([0.2, 89, 90, 7200].map(remaining), ["about 1 s left", "about 89 s left", "about 2 min left", "about 2.0 h left"]);
  assert.equal(date("2026-01-01T00:00:00").toISOString(), "2026-01-01T00:00:00.000Z");
  assert.equal(date("2026-01-01T02:00:00+02:00").toISOString(), "2026-01-01T00:00:00.000Z");
});

test("numbers and lines", () => {
  assert.deepEqual(
    [count(1), count(1234), count(2, "LoRA or part", "LoRAs and parts")],
    ["1 picture", "1,234 pictures", "2 LoRAs and parts"],
  );
  assert.equal(percent(0.655), "66 %");
  assert.equal(line("a", null, "", false, "b"), "a · b");
  assert.equal(String(query({ q: "", cursor: null, limit: 60, trashed: false })), "limit=60&trashed=false");
});

const job = { status: "running", phase: "denoising", step: 3, total_steps: 20, eta_seconds: 12, cancel_requested: false, position: null };

test("where a job is", () => {
  assert.equal(jobWords(job), "Step 3 of 20");
  assert.equal(jobWords({ ...job, step: 0 }), "Starting to draw…");
  assert.equal(jobWords({ ...job, cancel_requested: true }), "Cancelling…");
  assert.equal(jobWords({ ...job, status: "queued", position: 2 }), "Waiting for 2 jobs");
  assert.equal(jobWords({ ...job, status: "failed" }), "Failed");
  assert.equal(etaWords(job), "about 12 s left");
  assert.equal(etaWords({ ...job, eta_seconds: null }), "");
  assert.deepEqual([progress(job), progress({ ...job, phase: "loading" }), progress({ ...job, status: "done" })], [0.15, null, 1]);
});

test("what was asked for", () => {
  const request = {
    model: "m",
    num_inference_steps: 1,
    guidance_scale: 3.5,
    strength: 0.25,
    seed: -1,
    width: 512,
    height: 640,
    prompt: " ",
  };
  assert.equal(settingsLine(request, { model: "Mini" }), "Mini · 1 step · guidance 3.5 · influence 75 % · 512 × 640");
  assert.match(settingsLine(request, { seed: 7 }), /seed 7/);
  assert.match(settingsLine({ ...request, quick_draft: true }), /1 step · quick draft · guidance/);
  assert.match(settingsLine(request, { picture: { width: 1024, height: 1280 } }), / 1024 × 1280 · drawn at 512 × 640$/);
  assert.doesNotMatch(settingsLine(request, { picture: { width: 512, height: 640 } }), /drawn at/);
  assert.equal(promptWords(request), "No prompt");
});
