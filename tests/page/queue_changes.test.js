import assert from "node:assert/strict";
import { test } from "node:test";
import { changed } from "../../studio/ui/static/core/queue_changes.js";

const job = (id, status, position = null) => ({ id, status, position, step: 0 });
const before = { version: 1, paused: false, jobs: [job("runs", "running"), job("first", "queued", 0), job("second", "queued", 1)] };

test("a step changes one job and leaves the others the objects they were", () => {
  const now = changed(before, { version: 2, since: 1, jobs: [{ id: "runs", step: 5 }] });
  assert.deepEqual([now.version, now.jobs[0].step, now.jobs[0].status], [2, 5, "running"]);
  assert.equal(now.jobs[1], before.jobs[1]);
});

test("who waits moves up when one ends or goes", () => {
  const ended = changed(before, { version: 2, since: 1, jobs: [{ id: "first", status: "running" }], gone: ["runs"] });
  assert.deepEqual(
    ended.jobs.map(({ id, position }) => [id, position]),
    [
      ["first", null],
      ["second", 0],
    ],
  );
});

test("a new job comes to its place, one that was moved leaves its old one", () => {
  const now = changed(before, {
    version: 2,
    since: 1,
    fields: { paused: true },
    jobs: [job("new", "queued")],
    places: [
      [1, "second"],
      [3, "new"],
    ],
  });
  assert.deepEqual(
    now.jobs.map(({ id, position }) => [id, position]),
    [
      ["runs", null],
      ["second", 0],
      ["first", 1],
      ["new", 2],
    ],
  );
  assert.equal(now.paused, true);
});
