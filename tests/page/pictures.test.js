import "./browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";

const pictures = await import("../../studio/ui/static/collection/pictures.js");

/** Answers that come when they are let go, in any order. */
function heldAnswers() {
  const held = [];
  globalThis.fetch = (address, { method = "GET" } = {}) =>
    new Promise((resolve) =>
      held.push({
        said: `${method} ${new URL(address, "http://127.0.0.1").pathname}`,
        give: (body) => resolve(new Response(JSON.stringify(body))),
      }),
    );
  return held;
}

const settled = () => new Promise((done) => setTimeout(done));

test("an answer asked for before a change does not bring back what was", async () => {
  const held = heldAnswers();
  const listed = pictures.list({});
  const looked = pictures.full("a");
  const changed = pictures.patch("a", { starred: true });
  await settled();
  held[2].give({ id: "a", starred: true });
  await changed;
  held[0].give({ items: [{ id: "a", starred: false }], next: null });
  await listed;
  assert.equal(pictures.known("a").starred, true);
  held[1].give({ id: "a", starred: false });
  await settled();
  held[3].give({ id: "a", starred: true, parents: [] }); // it was asked again
  assert.equal((await looked).starred, true);
});

test("two presses of the star are two changes, whatever their answers' order", async () => {
  const held = heldAnswers();
  const first = pictures.toggleStar("a");
  const second = pictures.toggleStar("a");
  await settled();
  assert.equal(held.length, 1);
  held[0].give({ id: "a", starred: false });
  await first;
  await settled();
  held[1].give({ id: "a", starred: true });
  assert.equal((await second).starred, true);
});

test("pictures that were marked together are not what an older answer says", async () => {
  const held = heldAnswers();
  const looked = pictures.full("b");
  const marked = pictures.bulk(["b"], "star");
  held[1].give({});
  await marked;
  held[0].give({ id: "b", starred: false });
  await settled();
  held[2].give({ id: "b", starred: true });
  assert.equal((await looked).starred, true);
});
