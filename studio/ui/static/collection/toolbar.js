// What an artist can do with a picture, as buttons and as keys; the same words and keys everywhere.
// Star, trash and the like go through REST here; references and settings are asked of Python.

import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { showTab } from "../core/sections.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import { recall } from "../studio/memory.js";
import * as pictures from "./pictures.js";

/** @import { ActionName, BarOptions, Run } from "../core/shapes.js" */
/** @import { Picture } from "../core/events.js" */

/** @param {string} action @returns {Run} */
const ask = (action) => (id) => requestChange({ action, image_id: id });
/** @param {Run} run @returns {Run} */
const openStudio = (run) => (id) => (showTab("studio"), run(id));

/** @type {Record<import("../core/shapes.js").ActionName, import("../core/shapes.js").ActionOptions>} */
const ACTIONS = {
  use: { label: "Use as reference", id: "use-as-reference", key: "R", run: ask("use"), live: true },
  add: { label: "Add as reference", id: "add-as-reference", run: ask("add"), live: true },
  edit: { label: "Edit image", id: "edit-image", key: "E", run: openStudio(ask("edit")), live: true },
  compare: { label: "Compare", id: "compare", key: "C" /** @param {string} id */, run: (id) => emit("compare:open", { id }) },
  enlarge: { label: "Enlarge", id: "enlarge", key: "L" /** @param {string} id */, run: (id) => emit("enlarge:open", { id }), live: true },
  extend: { label: "Extend", id: "extend", key: "X" /** @param {string} id */, run: (id) => emit("extend:open", { id }), live: true },
  fix_face: {
    label: "Fix the face",
    id: "fix-face",
    icon: "face",
    run: openStudio((id) => pictures.fixFace(id, recall().fix_face_under)),
    live: true,
  },
  reuse_settings: {
    label: "Reuse settings",
    id: "reuse-settings",
    icon: "reuse",
    run: openStudio(ask("reuse_settings")),
    made: true,
  },
  reuse_seed: { label: "Reuse seed", id: "reuse-seed", icon: "seed", run: openStudio(ask("reuse_seed")), made: true },
  reuse_references: {
    label: "Reuse references",
    id: "reuse-references",
    icon: "references",
    run: openStudio(ask("reuse_references")),
    made: true,
  },
  download: { label: "Download", id: "download" /** @param {string} id */, run: (id) => pictures.download(id) },
  clean: {
    label: "Download a clean copy, without its settings",
    id: "clean-copy" /** @param {string} id */,
    run: (id) => pictures.downloadClean(id),
  },
  tree: { label: "Family tree", id: "family-tree", key: "F" /** @param {string} id */, run: (id) => emit("tree:open", { id }) },
  reproduce: {
    label: "Reproduce",
    id: "reproduce",
    icon: "again" /** @param {string} id */,
    run: (id) => emit("reproduce:start", { id }),
    made: true,
  },
  character: {
    label: "Apply to character",
    id: "to-character",
    icon: "person" /** @param {string} id */,
    run: (id) => emit("character:apply", { id }),
    live: true,
  },
  star: { label: "Star", id: "star", key: "S" /** @param {string} id */, run: (id) => pictures.toggleStar(id) },
  trash: { label: "Move to trash", id: "trash", key: "Delete" /** @param {string} id */, run: (id) => pictures.trash(id) },
  restore: { label: "Restore from trash", id: "restore" /** @param {string} id */, run: (id) => pictures.restore(id) },
  details: {
    label: "Details",
    id: "details",
    key: "Enter",
    icon: "info",
    run: (id, ids) => emit("details:open", { id, ids }),
  },
};
/** @type {Record<string, import("../core/shapes.js").ActionName>} */
const KEYS = {
  r: "use",
  e: "edit",
  c: "compare",
  l: "enlarge",
  x: "extend",
  f: "tree",
  s: "star",
  Delete: "trash",
  Backspace: "trash",
  Enter: "details",
};

/** @param {Picture} record */
const hasReference = (record) => Boolean(record.parents?.length || record.request?.references?.length);

/** Why an action cannot be done with this picture, or "". @param {ActionName} name @param {Picture} record */
function refusal(name, record) {
  const action = ACTIONS[name];
  if (record.trashed_at && action.live) return "Restore the picture first.";
  if (action.made && !record.request) return "This picture was not made here.";
  if (name === "compare" && !hasReference(record)) return "This picture was made without a reference.";
  return "";
}

/**
 * Do it, or say why not. `ids` are the neighbours the details may step through.
 * @param {ActionName} name
 * @param {string} id
 * @param {string[]} [ids]
 */
async function perform(name, id, ids = [id]) {
  const record = await pictures.get(id).catch(() => null);
  if (!record) return void toast("This picture is no longer in the collection.", "warning");
  const why = refusal(name, record);
  if (why) return void toast(why, "info");
  await Promise.resolve(ACTIONS[name].run(id, ids)).catch(() => {}); // its toast has said why
}

/** The action a key stands for, or null. @param {KeyboardEvent} event */
function keyAction(event) {
  if (kit.isTyping(event) || event.shiftKey) return null;
  return KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key] || null;
}

/** @param {ActionName} name @param {BarOptions} said */
function makeButton(name, { ids, icons = [], target }) {
  const action = ACTIONS[name];
  return kit.button({
    id: ids ? action.id : null,
    name: action.icon ?? /** @type {import("../kit/icons.js").IconName} */ (name),
    label: action.label,
    key: action.key,
    words: !icons.includes(name),
    kind: name === "use" ? "strong" : "ghost",
    "data-action": name,
    run: (event) => (event.stopPropagation(), perform(name, ...target())),
  });
}

/** @param {HTMLButtonElement} node @param {number | string | null | undefined} seed */
function labelSeed(node, seed) {
  const words = seed === null || seed === undefined ? "Reuse seed" : `Seed ${seed}`;
  const label = words === "Reuse seed" ? words : `Reuse seed ${seed}`;
  const shown = node.querySelector(":scope > span");
  if (shown) shown.textContent = words;
  node.setAttribute("aria-label", label);
  if (!node.disabled) node.title = label;
}

/** @param {HTMLButtonElement} node @param {ActionName} name @param {Picture | null} record */
function updateButton(node, name, record) {
  const why = record ? refusal(name, record) : "Choose a picture first.";
  node.disabled = Boolean(why);
  node.title = why || node.dataset.title || node.getAttribute("aria-label") || "";
  if (name === "star") node.setAttribute("aria-pressed", String(Boolean(record?.starred)));
  if (name === "reuse_seed") labelSeed(node, record?.seed);
  if (name === "trash") node.hidden = Boolean(record?.trashed_at);
  if (name === "restore") node.hidden = !record?.trashed_at;
}

/**
 * A bar of buttons. `target()` gives [id, ids]; `update(record or null)` follows the picture.
 * @param {ActionName[]} names
 * @param {BarOptions} said
 */
function bar(names, { ids = false, icons = [], label = "Picture", target }) {
  const buttons = names.map((name) => ({ name, node: makeButton(name, { ids, icons, target }) }));
  buttons.forEach(({ node }) => (node.dataset.title = node.title));
  const node = el(
    "div",
    { class: "out-toolbar", role: "group", "aria-label": label },
    buttons.map((one) => one.node),
  );
  /** @param {Picture | null} record */
  const update = (record) => buttons.forEach((one) => updateButton(one.node, one.name, record));
  update(null);
  return { node, update };
}

export { bar, hasReference, keyAction, perform };
