// What is said of an order that could not be made.
import assert from "node:assert/strict";
import { test } from "node:test";

import { measuredWords, orderWords } from "../../studio/ui/static/studio/measured.js";

const item = (/** @type {object} */ measured) => ({ likeness: null, changed: null, sharpness: null, ...measured });
const ranking = (/** @type {object[]} */ ...items) => /** @type {any} */ ({ items: items.map(item), waiting: 0 });

test("an order by what no picture has is said to be none", () => {
  assert.match(orderWords(ranking({ sharpness: 0.5 }, { sharpness: 0.4 }), "changed"), /None was made from a picture/);
  assert.match(orderWords(ranking({}, {}), "sharpness"), /None could be measured/);
});

test("one measured picture is enough for an order", () => {
  assert.equal(orderWords(ranking({ changed: 0 }, {}), "changed"), "");
  assert.equal(orderWords(ranking({ sharpness: 0.5 }), "sharpness"), "");
});

test("what was measured of a picture is named", () => {
  assert.equal(measuredWords(/** @type {any} */ (item({ sharpness: 0.58 }))), "Sharpness 58 %");
  assert.equal(measuredWords(/** @type {any} */ (item({}))), "Not measured");
});
