import "./browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";

const { emit } = await import("../../studio/ui/static/core/bus.js");
const { tabId } = await import("../../studio/ui/static/core/tab.js");
const { advice, asked, keepAsking, lastPicture, setAsked } = await import("../../studio/ui/static/studio/asked.js");

const job = (id, created_at, status, images, tab = tabId()) => ({ id, created_at, status, images, tab });
const queue = (...jobs) => emit("snapshot", { version: 1, worker: { state: "ready" }, jobs });

test("the last picture is the newest of this tab; there is none while another is made", () => {
  queue(
    job("old", "2030-01-01", "done", ["a"]),
    job("new", "2030-01-02", "done", ["b", "c"]),
    job("other", "2030-01-03", "done", ["d"], "x"),
  );
  assert.equal(lastPicture(), "b");
  queue(job("new", "2030-01-02", "done", ["b"]), job("next", "2030-01-04", "running", []));
  assert.equal(lastPicture(), null);
});

test("Python is asked when the settings rest, and again when another picture is the last one", () => {
  queue();
  const told = [];
  keepAsking(({ previous_image }) => told.push(previous_image));
  queue(job("early", "2030-01-01", "done", ["a"]));
  assert.deepEqual(told, []); // nothing is settled yet
  emit("settings:settled");
  queue(job("early", "2030-01-01", "done", ["a"]));
  assert.deepEqual(told, ["a"]);
  queue(job("early", "2030-01-01", "done", ["a"]), job("late", "2030-01-02", "running", []));
  queue(job("early", "2030-01-01", "done", ["a"]), job("late", "2030-01-02", "done", ["b"]));
  assert.deepEqual(told, ["a", null, "b"]);
});

test("what Python said last holds, until it says nothing", () => {
  setAsked({ request: { prompt: "a" }, advice: [{ id: "one", words: "", why: "", steps: [] }] });
  assert.deepEqual([asked()?.prompt, advice().length], ["a", 1]);
  setAsked(null);
  assert.deepEqual([asked(), advice()], [null, []]);
});
