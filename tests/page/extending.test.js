import assert from "node:assert/strict";
import { test } from "node:test";
import { around, inWords, isEmpty, NONE, placeOfSource, toShape, withSide } from "../../studio/ui/static/collection/extending.js";

const SIZE = { width: 512, height: 512 };

test("a shape is reached by the least canvas, evenly on both sides", () => {
  assert.deepEqual(toShape(SIZE, "16:9"), { left: 199, right: 199, top: 0, bottom: 0 });
  assert.deepEqual(toShape(SIZE, "2:3"), { left: 0, right: 0, top: 128, bottom: 128 });
  assert.ok(isEmpty(toShape(SIZE, "1:1")));
});

test("an edge goes outward only, and not without end", () => {
  assert.equal(withSide(SIZE, NONE, "left", -20).left, 0);
  assert.equal(withSide(SIZE, NONE, "top", 1e6).top, 3 * 512);
  assert.deepEqual(around(SIZE, withSide(SIZE, NONE, "right", 88.4)), { width: 600, height: 512 });
});

test("the new size is told with what is added", () => {
  assert.equal(inWords(SIZE, { ...NONE, left: 100, bottom: 8 }), "512 × 512 → 612 × 520 px · 100 px left, 8 px bottom");
});

test("a source lies where it is in the extended picture", () => {
  const extended = { width: 1024, height: 512, request: { extend: { left: 256, right: 256 } } };
  assert.deepEqual(placeOfSource(extended), { left: 0.25, top: 0, width: 0.5, height: 1 });
  assert.deepEqual(placeOfSource({ width: 10, height: 10, request: {} }), { left: 0, top: 0, width: 1, height: 1 });
  const larger = { width: 2048, height: 1024, request: { extend: { left: 256, right: 256 }, finish: { scale: 2 } } };
  assert.deepEqual(placeOfSource(larger), placeOfSource(extended));
  assert.deepEqual(placeOfSource(null), { left: 0, top: 0, width: 1, height: 1 });
});

test("a source that was cropped reaches beyond the picture, as it was told when that was made", () => {
  const cropped = { width: 128, height: 128, provenance: { returned: { placed: [-0.25, 0, 1.25, 1] } }, request: {} };
  assert.deepEqual(placeOfSource(cropped), { left: -0.25, top: 0, width: 1.5, height: 1, exact: true });
});
