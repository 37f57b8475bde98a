import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { History, packed, unpacked } from "../../studio/ui/static/studio/brush/history.js";
import * as masks from "../../studio/ui/static/studio/brush/mask.js";
import { feather, grow, reach, scaled, shrink } from "../../studio/ui/static/studio/brush/morphology.js";
import { png } from "../../studio/ui/static/studio/brush/png.js";
import { understood } from "../../studio/ui/static/studio/brush/reading.js";

const HARD = { softness: 0, erase: false };
/** The mask as rows of signs. @param {import("../../studio/ui/static/studio/brush/mask.js").Mask} mask */
const drawn = ({ width, height, data }) =>
  Array.from({ length: height }, (_, y) => [...data.subarray(y * width, (y + 1) * width)].map((v) => (v ? "#" : ".")).join(""));
/** @param {import("../../studio/ui/static/studio/brush/mask.js").Mask} mask */
const count = (mask) => mask.data.filter(Boolean).length;
/** @param {number} x @param {number} y @param {number} radius */
const tip = (x, y, radius) => ({ x, y, radius });

test("a hard dab covers the pixels whose middles it covers, and no other", () => {
  const mask = masks.empty(7, 7);
  masks.stroke(mask, tip(3.5, 3.5, 2), tip(3.5, 3.5, 2), HARD);
  assert.deepEqual(drawn(mask), [".......", "...#...", "..###..", ".#####.", "..###..", "...#...", "......."]);
});

test("a fast stroke leaves no gap and the eraser takes it away again", () => {
  const mask = masks.empty(60, 9);
  masks.stroke(mask, tip(5, 4.5, 3), tip(55, 4.5, 3), HARD);
  assert.ok([...mask.data.subarray(4 * 60 + 3, 4 * 60 + 57)].every((value) => value === 255));
  masks.stroke(mask, tip(0, 4.5, 9), tip(60, 4.5, 9), { softness: 0, erase: true });
  assert.equal(count(mask), 0);
});

test("pressure makes the stroke wider along its way", () => {
  const mask = masks.empty(40, 21);
  masks.stroke(mask, tip(2, 10.5, 1), tip(38, 10.5, 9), HARD);
  const high = (/** @type {number} */ x) => drawn(mask).filter((row) => row[x] === "#").length;
  assert.ok(high(5) < high(15) && high(15) < high(30));
});

test("a soft brush fades to its rim and strokes do not add up", () => {
  const mask = masks.empty(21, 21);
  const soft = { softness: 1, erase: false };
  masks.stroke(mask, tip(10.5, 10.5, 10), tip(10.5, 10.5, 10), soft);
  const before = mask.data.slice();
  assert.equal(mask.data[10 * 21 + 10], 255);
  assert.ok((mask.data[10 * 21 + 15] ?? 0) < 255 && (mask.data[10 * 21 + 15] ?? 0) > (mask.data[10 * 21 + 18] ?? 0));
  masks.stroke(mask, tip(10.5, 10.5, 10), tip(10.5, 10.5, 10), soft);
  assert.deepEqual(mask.data, before);
});

test("rectangle, lasso and ellipse, to the pixel and over the margin", () => {
  const mask = masks.empty(6, 5);
  masks.rectangle(mask, { x: 4.4, y: 3.6 }, { x: 1.4, y: 0.6 }, false);
  assert.deepEqual(drawn(mask), ["......", ".###..", ".###..", ".###..", "......"]);
  masks.rectangle(mask, { x: -50, y: -50 }, { x: 50, y: 50 }, true);
  assert.equal(count(mask), 0);
  masks.polygon(
    mask,
    [
      { x: 0, y: 0 },
      { x: 6, y: 0 },
      { x: 0, y: 5 },
    ],
    false,
  );
  assert.deepEqual(drawn(mask), ["#####.", "####..", "###...", "##....", "#....."]);
  const round = masks.empty(4, 4);
  masks.ellipse(round, { x: 0, y: 0, width: 4, height: 4 }, false);
  assert.deepEqual(drawn(round), [".##.", "####", "####", ".##."]);
});

test("the wand takes what is connected and alike", () => {
  const colours = [10, 12, 90, 11, 10, 90, 90, 90, 90];
  const pixels = Uint8Array.from(colours.flatMap((v) => [v, v, v, 255]));
  const mask = masks.empty(3, 3);
  const area = masks.wand(mask, pixels, { x: 0.5, y: 0.5 }, 4, false);
  assert.deepEqual(drawn(mask), ["##.", "##.", "..."]);
  assert.deepEqual(area, { x: 0, y: 0, width: 2, height: 2 });
  masks.wand(mask, pixels, { x: 0.5, y: 0.5 }, 255, true);
  assert.equal(count(mask), 0);
});

test("what is painted, inverted, and how much of the picture that is", () => {
  const mask = masks.empty(10, 10);
  assert.equal(masks.painted(mask).width, 0);
  masks.rectangle(mask, { x: 2, y: 3 }, { x: 7, y: 5 }, false);
  assert.deepEqual(masks.painted(mask), { x: 2, y: 3, width: 5, height: 2 });
  assert.equal(masks.share(mask), 0.1);
  masks.invert(mask);
  assert.equal(masks.share(mask), 0.9);
});

test("growing by a radius and shrinking by it, round at the corners, not from the margin", () => {
  const mask = masks.empty(15, 15);
  masks.rectangle(mask, { x: 7, y: 7 }, { x: 8, y: 8 }, false);
  grow(mask, 3);
  const disc = Array.from({ length: 225 }, (_, i) => ((i % 15) - 7) ** 2 + (Math.floor(i / 15) - 7) ** 2 <= 9);
  assert.deepEqual([...mask.data].map(Boolean), disc);
  shrink(mask, 2);
  assert.equal(mask.data[7 * 15 + 7], 255);
  assert.ok(count(mask) < 9);
  const full = masks.empty(4, 4);
  masks.invert(full);
  shrink(full, 2);
  assert.equal(count(full), 16);
  const none = masks.empty(4, 4);
  grow(none, 2);
  assert.equal(count(none), 0);
});

test("feathering keeps the middle and fades evenly to both sides of the edge", () => {
  const mask = masks.empty(80, 3);
  masks.rectangle(mask, { x: 40, y: 0 }, { x: 80, y: 3 }, false);
  feather(mask, 8);
  const row = [...mask.data.subarray(80, 160)];
  assert.ok(row[10] === 0 && row[75] === 255);
  assert.ok(row.every((value, x) => x === 0 || value >= /** @type {number} */ (row[x - 1])));
  assert.ok(Math.abs(/** @type {number} */ (row[39]) + /** @type {number} */ (row[40]) - 255) <= 1);
});

test("by default a selection grows by a tenth of its diagonal, at a megapixel by 16 px at least", () => {
  const mask = { width: 1000, height: 1000, data: new Uint8Array() };
  assert.equal(reach(mask, { x: 0, y: 0, width: 10, height: 10 }), 16);
  assert.equal(reach(mask, { x: 0, y: 0, width: 300, height: 400 }), 50);
});

test("another size, and the same one untouched", () => {
  const mask = { width: 2, height: 1, data: Uint8Array.from([0, 200]) };
  assert.deepEqual([...scaled(mask, 4, 1)], [0, 50, 150, 200]);
  assert.deepEqual(scaled(mask, 2, 1), mask.data);
});

test("runs are the bytes again", () => {
  const data = Uint8Array.from([0, 0, 0, 9, 9, 255]);
  assert.deepEqual([...packed(data)], [0, 3, 9, 2, 255, 1]);
  assert.deepEqual(unpacked(packed(data), 6), data);
});

test("undo and redo give back every byte, a new change ends what could be redone", () => {
  const mask = masks.empty(30, 30);
  const history = new History(mask);
  const states = [mask.data.slice()];
  for (const x of [5, 15, 25]) {
    history.note(masks.stroke(mask, tip(x, x, 4), tip(x, 10, 4), { softness: 0.5, erase: false }));
    states.push(mask.data.slice());
  }
  assert.equal(history.note(masks.whole(mask)), false); // nothing was changed
  for (const state of [2, 1, 0]) history.undo(), assert.deepEqual(mask.data, states[state]);
  assert.equal(history.undo(), null);
  for (const state of [1, 2, 3]) history.redo(), assert.deepEqual(mask.data, states[state]);
  history.undo();
  history.note(masks.invert(mask));
  assert.equal(history.redo(), null);
});

test("a stroke that is given up leaves nothing", () => {
  const mask = masks.empty(9, 9);
  const history = new History(mask);
  history.revert(masks.stroke(mask, tip(4, 4, 3), tip(5, 5, 3), HARD));
  assert.equal(count(mask), 0);
});

test("the PNG holds every byte", async () => {
  const mask = { width: 3, height: 2, data: Uint8Array.from([0, 128, 255, 1, 2, 3]) };
  const bytes = Buffer.from(await (await png(mask)).arrayBuffer());
  assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes[24], bytes[25]], [3, 2, 8, 0]);
  const at = bytes.indexOf("IDAT");
  const rows = inflateSync(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)));
  assert.deepEqual([...rows], [0, 0, 128, 255, 0, 1, 2, 3]);
});

test("masks of painting programs are read as the worker reads them", () => {
  /** @param {number[][]} pixels */
  const read = (pixels) => [...understood(Uint8Array.from(pixels.flat()))];
  assert.deepEqual(
    read([
      [0, 0, 0, 255],
      [255, 255, 255, 255],
    ]),
    [0, 255],
  );
  assert.deepEqual(
    read([
      [255, 255, 255, 255],
      [0, 0, 0, 0],
      [0, 0, 0, 255],
    ]),
    [255, 0, 0],
  ); // white strokes on nothing
  assert.deepEqual(
    read([
      [200, 30, 30, 255],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]),
    [255, 0, 0],
  ); // strokes in a colour
  assert.deepEqual(
    read([
      [200, 30, 30, 255],
      [20, 90, 30, 255],
      [0, 0, 0, 0],
    ]),
    [0, 0, 255],
  ); // a hole in a picture
});
