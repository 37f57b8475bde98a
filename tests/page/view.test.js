import assert from "node:assert/strict";
import { test } from "node:test";
import * as views from "../../studio/ui/static/studio/view/view.js";

const frame = { width: 900, height: 600 };
const picture = { width: 3000, height: 2000 };
const box = views.fitted(frame, picture);
/** @param {import("../../studio/ui/static/studio/view/view.js").Point} point */
const rounded = ({ x, y }) => ({ x: Math.round(x * 1e6) / 1e6, y: Math.round(y * 1e6) / 1e6 });

test("a picture fits its frame by its longer side", () => {
  assert.deepEqual(box, { width: 900, height: 600 });
  assert.deepEqual(views.fitted(frame, { width: 200, height: 400 }), { width: 300, height: 600 });
});

test("one to one is a pixel of the picture on a pixel of the screen", () => {
  assert.equal(views.oneToOne(box, picture, 1), 3000 / 900);
  assert.equal(views.oneToOne(box, picture, 2), 1500 / 900);
  assert.deepEqual(views.limits(0.25), [0.25, 8]); // a small picture can be seen as small as it is
  assert.deepEqual(views.limits(4), [1, 64]);
});

test("what lies under the pointer stays under it", () => {
  const at = { x: 120, y: -70 };
  let view = views.FIT;
  const before = views.toPicture(at, view, box, picture);
  for (const zoom of [2, 5, 3]) {
    view = views.zoomedTo(view, zoom, at);
    assert.deepEqual(rounded(views.toPicture(at, view, box, picture)), rounded(before));
  }
});

test("corners of the frame are corners of the picture where it fits", () => {
  assert.deepEqual(views.toPicture({ x: -450, y: -300 }, views.FIT, box, picture), { x: 0, y: 0 });
  assert.deepEqual(views.toPicture({ x: 450, y: 300 }, views.FIT, box, picture), { x: 3000, y: 2000 });
});

test("the picture cannot be pushed out of its frame", () => {
  assert.deepEqual(views.clamped({ zoom: 1, x: 50, y: -50 }, frame, box), views.FIT);
  assert.deepEqual(views.clamped({ zoom: 2, x: 9999, y: -9999 }, frame, box), { zoom: 2, x: 450, y: -300 });
});

test("steps stop where the picture fits, coming from either side", () => {
  assert.equal(views.stepped(1.1, -1), 1);
  assert.equal(views.stepped(0.9, 1), 1);
  assert.equal(views.stepped(1, 1), 1.25);
});

test("two fingers zoom by how far they part and pan with their middle", () => {
  const told = views.pinch(
    [
      { x: 0, y: 0 },
      { x: 100, y: 0 },
    ],
    [
      { x: 10, y: 20 },
      { x: 210, y: 20 },
    ],
  );
  assert.deepEqual(told, { from: { x: 50, y: 0 }, to: { x: 110, y: 20 }, by: 2 });
});
