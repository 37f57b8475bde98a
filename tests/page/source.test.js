import "./browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";

const { PictureSource } = await import("../../studio/ui/static/collection/source.js");
const { Selection } = await import("../../studio/ui/static/collection/selection.js");

/** A collection of `ids` behind REST, whose answers wait for `gate`. */
function serve(ids, gate = () => {}) {
  globalThis.fetch = async (address) => {
    await gate(address);
    const url = new URL(address, "http://127.0.0.1");
    const limit = Number(url.searchParams.get("limit"));
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const items = ids.slice(from, from + limit).map((id) => ({ id }));
    const cursors = Array.from({ length: Math.ceil(ids.length / 60) }, (_, page) => String(page * 60));
    const found = {
      "/api/v1/images": { items, next: from + limit < ids.length ? String(from + limit) : null },
      "/api/v1/images/stops": { total: ids.length, every: 60, cursors },
      "/api/v1/images/ids": { ids, total: ids.length },
    }[url.pathname];
    return new Response(JSON.stringify(found));
  };
}

const many = Array.from({ length: 150 }, (_, index) => `p${index}`);

test("a long listing has room for everything, and asks for a page when it is looked at", async () => {
  serve(many);
  const source = new PictureSource(
    () => ({}),
    () => {},
  );
  await source.reset();
  assert.equal(source.total, 150);
  assert.deepEqual([source.at(59), source.at(60)], ["p59", undefined]);
  source.need(100, 110);
  await new Promise((done) => setTimeout(done, 10));
  assert.equal(source.at(105), "p105");
  assert.equal(source.at(149), undefined);
});

test("what is new goes in front; what was taken out while an answer was on its way stays out", async () => {
  const ids = ["b", "c"];
  serve(ids);
  const source = new PictureSource(
    () => ({}),
    () => {},
  );
  await source.reset();
  ids.unshift("a");
  const refreshed = source.refresh();
  source.remove(["a", "b"]);
  await refreshed;
  assert.deepEqual(source.around("c"), ["c"]);
  await source.refresh();
  assert.deepEqual(source.around("a"), ["a", "b", "c"]);
});

test("an answer to an older search is dropped", async () => {
  let release = () => {};
  serve(["old"], () => new Promise((done) => (release = done)));
  const source = new PictureSource(
    () => ({}),
    () => {},
  );
  const first = source.reset();
  await new Promise((done) => setTimeout(done));
  const let_go = release;
  serve(["new"]);
  await source.reset();
  let_go();
  await first;
  assert.deepEqual(source.around("new"), ["new"]);
});

test("pictures are chosen singly, from one to another, and all at once", async () => {
  serve(many);
  const source = new PictureSource(
    () => ({}),
    () => {},
  );
  await source.reset();
  let told = 0;
  const selection = new Selection(source, () => (told += 1));
  selection.toggle("p3");
  await selection.range("p6");
  assert.deepEqual(selection.ids(), ["p3", "p4", "p5", "p6"]);
  selection.toggle("p4");
  selection.drop(["p5", "p99"]);
  assert.deepEqual(selection.ids(), ["p3", "p6"]);
  await selection.all();
  assert.equal(selection.size, 150);
  selection.clear();
  assert.equal(selection.size, 0);
  assert.equal(told, 6);
});
