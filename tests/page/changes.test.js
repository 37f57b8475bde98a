import "./browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";

const { changes, generate, requestChange } = await import("../../studio/ui/static/studio/changes.js");
const { recalled } = await import("../../studio/ui/static/studio/memory.js");

const sent = [];
changes.mount((wish) => sent.push(wish));
recalled([], []);
const soon = () => new Promise((done) => setTimeout(done, 5));

test("one change at a time, in the order of asking; following changes are asked for once", async () => {
  requestChange();
  await soon();
  requestChange({ action: "coach_step" });
  requestChange();
  requestChange();
  await soon();
  assert.deepEqual(sent, [{}]);
  changes.sent(["a", "b"]);
  changes.done(true);
  await soon();
  assert.deepEqual(sent, [{}, { action: "coach_step" }]);
  changes.sent(["a", "b"]);
  changes.done(false);
  await soon();
  assert.equal(sent.length, 3);
  changes.sent(["a", "b"]);
  changes.done(true);
});

test("what is generated while an answer is on its way to the controls has what it brings", async () => {
  sent.length = 0;
  requestChange({ action: "paint" });
  await soon();
  changes.sent([["a"], "smart_edit", "prompt"]);
  changes.merge({ values: { 0: ["a", "mask"], 1: "inpaint", 2: "other" }, again: [] }, [["a"], "smart_edit", "prompt"]);
  generate([["a"], "smart_edit", "typed meanwhile"]); // the controls do not hold the answer yet
  changes.done(true);
  await soon();
  assert.equal(sent.at(-1).action, "generate");
  const held = [["a", "mask"], "inpaint", "other"];
  assert.deepEqual(changes.sent(held), [["a", "mask"], "inpaint", "typed meanwhile"]);
  changes.done(true);
});

test("an answer leaves alone what the artist has changed since", async () => {
  requestChange();
  await soon();
  changes.sent(["prompt", 20, 3.5]);
  const fresh = changes.merge({ values: { 0: "other", 2: 7 }, again: [] }, ["typed meanwhile", 20, 3.5]);
  assert.deepEqual(fresh, [undefined, undefined, 7]);
  changes.done(true);
});

test("an action on references that are others by now is asked for again", async () => {
  sent.length = 0;
  requestChange({ action: "add", image_id: "x" });
  await soon();
  changes.sent([["a"], "prompt"]);
  const fresh = changes.merge({ values: { 0: ["a", "x"] }, again: [0] }, [["a", "b"], "prompt"]);
  assert.deepEqual(fresh, [undefined, undefined]);
  changes.done(true);
  await soon();
  assert.deepEqual(
    sent.map((wish) => wish.image_id),
    ["x", "x"],
  );
  changes.sent([["a", "b"], "prompt"]);
  assert.deepEqual(changes.merge({ values: { 0: ["a", "b", "x"] }, again: [0] }, [["a", "b"], "prompt"]), [["a", "b", "x"], undefined]);
});
