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

/** Numbers from 0 to 1, the same ones for the same seed. @param {number} seed */
function random(seed) {
  let state = (seed * 7919) % 2147483648;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

/** Let what waits for seconds wait for milliseconds. @param {import("node:test").TestContext} context */
function hurry(context) {
  const { setTimeout: real } = globalThis;
  context.mock.method(globalThis, "setTimeout", (run, ms = 0) => real(run, ms >= 1000 ? ms / 100 : ms));
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * A collection that changes while its answers are on their way; some never come.
 * @param {{ids: number[]}} collection
 * @param {() => number} chance
 * @param {{failing: number}} weather
 */
function serveLate(collection, chance, weather) {
  globalThis.fetch = async (address) => {
    await pause(chance() * 6);
    if (chance() < weather.failing) throw new TypeError("the connection ended");
    const { ids } = collection;
    const url = new URL(address, "http://127.0.0.1");
    const limit = Number(url.searchParams.get("limit")) || 60;
    const cursor = url.searchParams.get("cursor");
    const left = cursor ? ids.filter((id) => id < Number(cursor)) : ids;
    const items = left.slice(0, limit).map((id) => ({ id: String(id) }));
    const cursors = [ids.length ? String(ids[0] + 1) : null, ...ids.filter((_, i) => i % 200 === 199 && i < ids.length - 1).map(String)];
    const found = {
      "/api/v1/images": { items, next: left.length > limit ? items.at(-1).id : null },
      "/api/v1/images/stops": { total: ids.length, every: 200, cursors },
    }[url.pathname];
    const body = JSON.stringify(found);
    await pause(chance() * 6);
    return new Response(body);
  };
}

/** What happens to a collection next, here or elsewhere. @param {{ids: number[]}} collection @param {() => number} chance */
function happen(collection, source, chance) {
  const what = chance();
  const at = Math.floor(chance() * collection.ids.length);
  const id = collection.ids[at];
  if (what < 0.4) collection.ids = collection.ids.filter((other) => other !== id);
  else if (what < 0.7) collection.ids = [Math.max(...collection.ids, collection.newest) + 1, ...collection.ids];
  else if (what < 0.85) {
    collection.ids = collection.ids.filter((other) => other !== id);
    source.remove([String(id)]);
  } else source.refresh();
  collection.newest = Math.max(...collection.ids, collection.newest);
}

for (const failing of [0, 0.3])
  test(`whatever comes and goes meanwhile, the listing is right in the end; of the answers ${failing * 100} % are lost`, async (context) => {
    hurry(context);
    for (let seed = 1; seed <= 25; seed++) {
      const chance = random(seed);
      const collection = { ids: Array.from({ length: 55 + Math.floor(chance() * 20) }, (_, i) => 10000 - i), newest: 10000 };
      await follow(collection, chance, failing, seed);
    }
  });

async function follow(collection, chance, failing, seed) {
  const weather = { failing };
  serveLate(collection, chance, weather);
  const source = new PictureSource(
    () => ({}),
    () => setTimeout(() => source.need(0, source.total - 1), chance() * 5),
  );
  source.reset();
  for (let k = 0; k < 8; k++) {
    await pause(chance() * 12);
    happen(collection, source, chance);
  }
  weather.failing = 0;
  source.refresh(true);
  const wanted = collection.ids.map(String).join();
  for (let k = 0; k < 100 && source.places.join() !== wanted; k++) await pause(10);
  assert.equal(source.places.map((place) => (typeof place === "string" ? place : "…")).join(), wanted, `seed ${seed}`);
}
