// The pictures of the collection as the browser knows them: records by id, and what can be done with one
// through REST. Tells the other widgets and tabs of every change. Draws nothing but the undo in a toast.

import { apiAddress, fileAddress } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { onSnapshot } from "../core/snapshot.js";
import { tabId } from "../core/tab.js";
import { PICTURE } from "../kit/drops.js";
import { count, grouped, query } from "../kit/formatting.js";
import { toastWithUndo } from "../kit/toasts.js";

/** @import { Action, Facets, ImageDetails, ImageIds, ImagePage, ImageStops, ImageSummary } from "../core/schemas.js" */
/** @import { Marked, Picture } from "../core/events.js" */

const MOST_KNOWN = 5000; // records kept, so that walking through a large collection takes no more and more memory
/** @type {Map<string, Picture>} */
const records = new Map(); // id → record as listed or fetched
/** @type {Map<string, Promise<Picture>>} */
const complete = new Map(); // id → promise of the full record with parents and children
/** @type {Map<string, string>} */
const labels = new Map(); // model id → label
const channel = "BroadcastChannel" in window ? new BroadcastChannel("likeness.pictures") : null;

/** @param {string} id @param {string} [rest] */
const path = (id, rest = "") => `/images/${encodeURIComponent(id)}${rest}`;

// An answer that was asked for before a change may come after it: it must not bring back what was.
let changes = 0;
const changedAt = new Map(); // id → which change was the last one of it

/** @param {string} id */
const changeOf = (id) => changedAt.get(id) ?? 0;

/** @param {string} id */
const changedNow = (id) => changedAt.set(id, ++changes);

/** What an answer says, unless the picture was changed after it was asked for. @param {Picture} record @param {number} asked */
const learn = (record, asked) => (changeOf(record.id) > asked ? (records.get(record.id) ?? record) : remember(record));

/** @param {Picture} record */
function remember(record) {
  const all = { ...records.get(record.id), ...record };
  records.delete(record.id);
  records.set(record.id, all); // the latest stand last
  if (records.size > MOST_KNOWN) records.delete(records.keys().next().value ?? "");
  return all;
}

/** @param {Picture} record */
function announce(record) {
  changedNow(record.id);
  complete.delete(record.id);
  emit("picture:changed", remember(record));
}

channel?.addEventListener("message", ({ data }) => (data.ids ? heard(data) : announce(data)));

/** Another tab changed many pictures: what is known of them is old. @param {Marked} told */
function heard(told) {
  told.ids.forEach((id) => (changedNow(id), records.delete(id), complete.delete(id)));
  emit("pictures:marked", told);
}

/** @param {Picture} record */
function changed(record) {
  announce(record);
  channel?.postMessage(record);
  return record;
}

/** The full record. Rejects (quietly) where the picture is gone. @param {string} id @returns {Promise<Picture>} */
function full(id) {
  const known = complete.get(id);
  if (known) return known;
  const asked = fresh(id);
  asked.catch(() => complete.delete(id));
  complete.set(id, asked);
  return asked;
}

/** The record as it is after every change known here. @param {string} id @returns {Promise<Picture>} */
async function fresh(id) {
  const asked = changes;
  const record = await api(path(id), { quiet: true });
  return changeOf(id) > asked ? fresh(id) : remember(record);
}

/** All there is to say of a picture; see `facts`. Rejects (quietly) where it is gone. @param {string} id @returns {Promise<ImageDetails>} */
async function details(id) {
  const asked = changes;
  const found = await api(path(id, "/details"), { quiet: true });
  if (changeOf(id) > asked) return details(id);
  found.image = remember(found.image);
  return found;
}

/** Forget what was fetched: a new child of a picture changes its record. @param {string} id */
const stale = (id) => complete.delete(id);

/** The record as far as it is known, asked for where it is not. @param {string} id @returns {Promise<Picture>} */
const get = (id) => {
  const record = records.get(id);
  return record ? Promise.resolve(record) : full(id);
};
/** @param {string} id @returns {Picture | undefined} */
const known = (id) => records.get(id);

/** One page of a listing: {items, next}. Empty parameters are left out. @param {Record<string, unknown>} wish @returns {Promise<ImagePage>} */
async function list(wish) {
  const asked = changes;
  const page = await api(`/images?${query(wish)}`, { quiet: true });
  page.items.forEach((/** @type {Picture} */ record) => learn(record, asked));
  return page;
}

/** The ids of a whole listing, in its order. @param {Record<string, unknown>} wish @returns {Promise<ImageIds>} */
const ids = (wish) => api(`/images/ids?${query(wish)}`);

/** Where a long listing can be entered: {total, every, cursors}. @param {Record<string, unknown>} wish @returns {Promise<ImageStops>} */
const stops = (wish) => api(`/images/stops?${query(wish)}`, { quiet: true });

/** Records of several pictures, as far as they are there. @param {string[]} wanted @returns {Promise<Picture[]>} */
async function many(wanted) {
  const found = await Promise.all(wanted.map((id) => get(id).catch(() => null)));
  return found.flatMap((record) => record ?? []);
}

/** What there is to filter by: models, modes and tags with their numbers of pictures. @returns {Promise<Facets>} */
const facets = () => api("/images/facets", { quiet: true });

/** @type {Map<string, Promise<Picture>>} the change of a picture that is under way */
const turns = new Map();

/**
 * Changes of one picture one after the other, so that answers come in the order of what was asked.
 * @param {string} id
 * @param {() => Promise<Picture>} change
 */
function inTurn(id, change) {
  const mine = (turns.get(id) ?? Promise.resolve()).then(change, change);
  const over = () => void (turns.get(id) === mine && turns.delete(id));
  turns.set(id, mine);
  mine.then(over, over);
  return mine;
}

/** @param {string} id @param {object} json */
const patch = (id, json) => inTurn(id, async () => changed(await api(path(id), { method: "PATCH", json })));

/** @param {string} id */
const toggleStar = (id) =>
  inTurn(id, async () => {
    const { starred } = await get(id);
    return changed(await api(path(id), { method: "PATCH", json: { starred: !starred } }));
  });

/** Say what was done; it can be taken back in the message, and in the header until the next. @param {string} words @param {() => Promise<unknown>} run */
function undoable(words, run) {
  const undo = () => {
    emit("undo:offered", null);
    return run();
  };
  toastWithUndo(words, undo);
  emit("undo:offered", { words, run: undo });
}

/** Have faces drawn anew; what comes of it is shown before it is kept. @param {string} id @param {unknown} under px, or as the model gains */
const fixFace = (id, under) =>
  api(`${path(id, "/fix-face")}?tab=${encodeURIComponent(tabId())}`, { method: "POST", json: { under: Number(under) || null } });

/** @param {string} id */
const restore = (id) =>
  inTurn(id, async () => {
    const record = await api(path(id, "/restore"), { method: "POST" });
    return changed({ ...known(id), ...record, id, trashed_at: null });
  });

/** @param {string} id */
async function trash(id) {
  await inTurn(id, async () => {
    const record = await api(path(id), { method: "DELETE" });
    return changed({ ...known(id), ...record, id, trashed_at: record?.trashed_at ?? new Date().toISOString() });
  });
  undoable("Moved to the trash.", () => restore(id));
}

/** @type {Partial<Record<Action, Partial<Picture>>>} */
const MARKS = { star: { starred: true }, unstar: { starred: false }, restore: { trashed_at: null } };
const MOST = 5000; // ids in one call

/**
 * The same change to many pictures at once; `tag` for "tag" and "untag".
 * @param {string[]} wanted
 * @param {Action} action
 * @param {string} [tag]
 */
async function bulk(wanted, action, tag = undefined) {
  for (let at = 0; at < wanted.length; at += MOST) {
    await api("/images/bulk", { method: "POST", json: { ids: wanted.slice(at, at + MOST), action, tag } });
  }
  marked(wanted, action);
}

/** The same change, made already: tell everybody. @param {string[]} wanted @param {Action} action */
function marked(wanted, action) {
  const mark = action === "trash" ? { trashed_at: new Date().toISOString() } : MARKS[action];
  wanted.forEach((id) => (changedNow(id), complete.delete(id)));
  for (const id of wanted) {
    const record = records.get(id);
    if (record && mark) Object.assign(record, mark);
    else records.delete(id);
  }
  emit("pictures:marked", { ids: wanted, action });
  channel?.postMessage({ ids: wanted, action });
}

/** Many pictures into the trash, with one undo for all of them. @param {string[]} wanted */
async function trashMany(wanted) {
  if (wanted.length === 1) return trash(wanted[0]);
  await bulk(wanted, "trash");
  return undoable(`${grouped(wanted.length)} pictures moved to the trash.`, () => bulk(wanted, "restore"));
}

/**
 * Of a batch, keep the winners; the rest goes into the trash, with an undo.
 * @param {string} job
 * @param {string[]} kept
 */
async function pickWinners(job, kept) {
  const { trashed } = await api(`/batches/${encodeURIComponent(job)}/winners`, { method: "POST", json: { ids: kept } });
  marked(trashed, "trash");
  if (trashed.length) undoable(`${count(trashed.length)} moved to the trash.`, () => bulk(trashed, "restore"));
}

/** Have the browser save what an address answers with. @param {string} href @param {string} [name] */
function save(href, name = "") {
  const link = el("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** The stored bytes. @param {string} id */
const download = (id) => save(`${fileAddress(id)}?download=1`);

/** The same picture without anything that says how it was made. @param {string} id */
const downloadClean = (id) => save(apiAddress(path(id, "/clean?download=1")));

const ZIP_END = 4096; // bytes at the end of a zip in which its last names stand

/**
 * Several pictures as a zip: the address of what came, its name, and whether some are not in it. Rejects with words.
 * @param {object} wish
 */
async function zip(wish) {
  const response = await fetch(apiAddress("/export"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wish),
  });
  if (!response.ok)
    throw new Error((await response.json().catch(() => ({}))).detail ?? "The studio could not pack these pictures. Try again.");
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  const blob = await response.blob();
  const leftOut = (await blob.slice(-ZIP_END).text()).includes("left-out.txt");
  return { url: URL.createObjectURL(blob), name: name?.[1] ?? "likeness.zip", leftOut };
}

/** A name for the model: its label where the catalogue knows it. @param {string | null | undefined} id */
const modelLabel = (id) => labels.get(id ?? "") ?? id ?? "";

/**
 * What to call a picture, of which the record or the summary is known.
 * @param {Partial<Picture> | ImageSummary} record
 */
const alt = (record) => {
  /** @type {{name?: string | null, label?: string, prompt?: string | null, request?: {prompt: string} | null}} */
  const known = record;
  const words = known.name || (known.request?.prompt ?? known.prompt)?.trim() || known.label || "Picture";
  return words.length > 120 ? `${words.slice(0, 117)}…` : words;
};

/**
 * Make a node draggable onto the references; `id()` names its picture.
 * @param {HTMLElement} node
 * @param {() => string} id
 */
function draggable(node, id) {
  node.draggable = true;
  node.addEventListener("dragstart", (event) => {
    if (!event.dataTransfer) return;
    event.dataTransfer.setData(PICTURE, id());
    event.dataTransfer.effectAllowed = "copy";
  });
  return node;
}

// --- new pictures ---------------------------------------------------------------------------
const seen = new Set();
let first = true;

/** Tell of pictures that jobs have saved since the last snapshot. */
onSnapshot((snapshot) => {
  const fresh = snapshot.jobs.flatMap((job) => job.images.filter((id) => !seen.has(id)).map((id) => ({ id, job })));
  fresh.forEach(({ id, job }) => {
    seen.add(id);
    job.request.references.forEach((reference) => stale(reference.image_id));
  });
  if (fresh.length && !first) emit("pictures:new", { ids: fresh.map(({ id }) => id) });
  first = false;
});
on("images:uploaded", ({ ids }) => emit("pictures:new", { ids }));

api("/models?add_ons=false", { quiet: true })
  .then((models) => {
    for (const model of models) labels.set(model.id, model.label);
    emit("models:known");
  })
  .catch(() => {}); // ids stand in for labels until the next load

export {
  alt,
  bulk,
  details,
  download,
  downloadClean,
  draggable,
  facets,
  fixFace,
  full,
  get,
  ids,
  known,
  list,
  many,
  modelLabel,
  patch,
  path,
  pickWinners,
  restore,
  save,
  stale,
  stops,
  toggleStar,
  trash,
  trashMany,
  zip,
};
