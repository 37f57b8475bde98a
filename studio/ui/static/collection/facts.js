// What is said of one picture in its details: the rows of how it was made, what changed against its parent, its
// relatives as small pictures. Knows no dialog.

import { sized } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { CATEGORIES, CONTROLS, ROLES, SETTINGS } from "../core/rules.js";
import * as kit from "../kit/kit.js";
import { addedWords, NONE } from "./extending.js";
import * as pictures from "./pictures.js";

/** @import { Mini, Provenance } from "../core/shapes.js" */
/** @import { Change, Control, ImageDetails } from "../core/schemas.js" */
/** @import { Picture, Request } from "../core/events.js" */

/** @typedef {Omit<Picture, "request" | "provenance"> & {request: Request, provenance: Provenance}} Made A picture made here. */

/** @param {Made} record */
const modelLine = (record) => {
  const revision = record.provenance?.revision ?? record.provenance?.model?.revision ?? record.provenance?.model_revision;
  const short =
    revision &&
    String(revision)
      .replace(/^sha256:/, "")
      .slice(0, 12);
  return [record.label, short ? `revision ${short}` : null].filter(Boolean).join(" · ");
};

/** @param {Made} record */
function licenceLine({ provenance: { licence } }) {
  const { name, commercial } = licence ?? {};
  return name ? [name, commercial === "no" ? "not for commercial use" : null].filter(Boolean).join(" · ") : null;
}

/** The prompt with the roles of references in words, where the model read that instead. @param {Made} said */
function readLine({ request, provenance, batch_index }) {
  const { drawn = [] } = request;
  const read = drawn.length > 1 ? drawn[batch_index ?? 0]?.prompt : provenance.composed_prompt;
  return read && read !== request.prompt ? read : null;
}

/** @param {Made} record */
function machineLine({ provenance }) {
  const versions = Object.entries(provenance.versions || {}).map(([name, version]) => `${name} ${version}`);
  return [provenance.device_name || provenance.device, provenance.dtype, ...versions].filter(Boolean).join(" · ") || null;
}

/** @param {Control | null} control */
function controlLine(control) {
  if (!control) return null;
  return `${CONTROLS[control.kind] ?? control.kind}, weight ${control.weight}, from ${kit.percent(control.start)} to ${kit.percent(control.end)} of the steps${control.network ? `, by ${control.network}` : ""}`;
}

/** By the files' names, where the worker told of them. @param {Made} said */
function loraLine({ request, provenance }) {
  const names = new Map((provenance.loras || []).map(({ id, name }) => [id, name]));
  return (request.loras || []).map(({ id, weight }) => `${names.get(id) ?? id} (${weight})`).join(", ") || null;
}

/** @param {ImageDetails} said */
function costLine({ seconds, memory_mb: memory }) {
  const parts = [
    seconds === null || seconds === undefined ? null : kit.seconds(seconds),
    memory ? `${kit.memory(memory)} of memory` : null,
  ];
  return parts.filter(Boolean).join(" · ") || null;
}

/** @param {{depth: number}} said */
function depthLine({ depth }) {
  if (!depth) return null;
  return depth === 1 ? "1 step from the first picture" : `${depth} steps from the first picture`;
}

/** @param {Request["result_size"]} size */
function sizeLine(size) {
  if (typeof size === "object" && size) return `${size.width} × ${size.height}`;
  return size === "source" ? "as the reference" : size && "the model's own";
}

/** Settings that are told in the first rows, or by what came of them. */
const TOLD = new Set(["mode", "model", "prompt", "num_images", "references", "width", "height", "aspect_ratio", "upscaler"]);
/** Of them, those that do nothing where a picture is only made larger. */
const DRAWN = new Set(["seed", "num_inference_steps", "guidance_scale"]);
/** In this order; every other setting comes after them. */
const FIRST = ["negative_prompt", "seed", "num_inference_steps", "guidance_scale", "strength", "control", "loras"];

/** A setting as artists read it, where that is not its plain value. @type {Record<string, (record: Made) => unknown>} */
const LINES = {
  seed: ({ seed, request }) => seed ?? request.seed,
  strength: ({ request }) => (typeof request.strength === "number" ? kit.percent(1 - request.strength) : null),
  control: ({ request }) => controlLine(request.control),
  loras: loraLine,
  scale: ({ request }) => enlargedLine(request),
  fix_face: ({ request: { fix_face: fix } }) => fix && (fix.under ? `fixed under ${fix.under} px` : "fixed"),
  result_size: ({ request }) => sizeLine(request.result_size),
  keep: ({ request: { keep } }) => keep && (keep.enabled ? (keep.tolerance === 0.5 ? null : `tolerance ${keep.tolerance}`) : "off"),
  extend: ({ request: { extend } }) => extend && addedWords({ ...NONE, ...extend }),
  quick_draft: ({ request, provenance }) => (request.quick_draft ? (provenance.step_cache ?? "made in full all the same") : null),
  drawn: () => null, // told as what the model read
  finish: ({ request: { finish } }) => finish && `× ${finish.scale} by ${pictures.modelLabel(finish.upscaler)}`,
};

/** Every setting of the request, so that nothing that made the picture is left out. @param {Made} record */
function settingRows(record) {
  const values = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (record.request));
  /** @param {unknown} value */
  const plain = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : value);
  /** @param {string} name */
  const words = (name) => SETTINGS[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
  /** @param {string} name */
  const line = (name) => (LINES[name] ? LINES[name](record) : plain(values[name]));
  const others = Object.keys(values).filter((name) => !TOLD.has(name) && !FIRST.includes(name));
  const plainly = kit.isPlainlyEnlarged(record.request);
  const acting = [...FIRST, ...others].filter((name) => !(plainly && DRAWN.has(name)));
  /** @type {Fact[]} */
  const all = acting.map((name) => [words(name), line(name)]);
  return all.filter(([, value]) => value !== "{}" && value !== "[]");
}

/** @param {Request} request */
function enlargedLine({ mode, scale, upscaler }) {
  if (mode !== "upscale") return null;
  return `${scale ? `× ${scale}` : "to a size"}${upscaler ? ` by ${pictures.modelLabel(upscaler)}, then redrawn` : ""}`;
}

/** @typedef {[words: string, value: unknown]} Fact */

/** @param {Made} record @param {ImageDetails} details @returns {Fact[]} */
function madeRows(record, details) {
  const { request } = record;
  return [
    ["Model", modelLine(record)],
    ["Licence", licenceLine(record)],
    ["Mode", kit.modeWords(request.mode)],
    ["Prompt", kit.isPlainlyEnlarged(request) ? null : kit.promptWords(request)],
    ["The model read", readLine(record)],
    ...settingRows(record),
    ["Took", costLine(details)],
    ["Made on", machineLine(record)],
    ["Kept in memory", record.provenance.memory],
    ["In batch", request.num_images > 1 ? `${(record.batch_index ?? 0) + 1} of ${request.num_images}` : null],
    ["Generation", depthLine(record)],
  ];
}

/**
 * A list of everything that made the picture; without a request what is known of the file.
 * @param {Picture} record
 * @param {ImageDetails} details
 */
function list(record, details) {
  const { request, provenance } = record;
  /** @type {Fact[]} */
  const made = request ? madeRows({ ...record, request, provenance: provenance ?? {} }, details) : [["From", record.label]];
  /** @type {Fact[]} */
  const rows = [
    ...made,
    ["Kind", CATEGORIES[record.category]],
    ["Size", `${record.width} × ${record.height} · ${kit.bytes(record.size_bytes)}`],
    ["Saved", kit.moment(record.created_at)],
  ];
  return rows.filter(([, value]) => kit.given(value)).flatMap(([words, value]) => [el("dt", {}, words), el("dd", {}, String(value))]);
}

/**
 * A heading with small pictures below it; nothing where there are none. `one`: {id, label, words, faded}.
 * @param {string} title
 * @param {Mini[]} pictures
 * @param {(id: string) => unknown} open
 */
function relatives(title, pictures, open) {
  if (!pictures.length) return [];
  /** @param {Mini} said */
  const mini = ({ id, label, words, faded, current }) => {
    if (!id) return el("span", { class: "out-mini gone", title: "Not in this collection" }, words);
    const props = {
      type: "button",
      class: `out-mini${faded ? " faded" : ""}`,
      title: label,
      "aria-label": label,
      "aria-current": current ? "true" : null,
      onclick: () => open(id),
    };
    return el("button", props, el("img", { ...sized(id, 132), alt: "", loading: "lazy" }), words ? el("span", {}, words) : null);
  };
  return [el("h3", {}, title), el("div", { class: "out-minis" }, pictures.map(mini))];
}

/** @param {Picture} record @param {ImageDetails} details */
function parents(record, details) {
  const trashed = new Set((details.references ?? []).filter((one) => one.trashed_at || one.purged_at).map((one) => one.id));
  return (record.parents || []).map((parent) => {
    const role = ROLES[parent.role] ?? "Control image";
    const gone = parent.image_id !== null && trashed.has(parent.image_id);
    const words = gone ? `${role}, in the trash` : role;
    return { id: parent.image_id, words: role, faded: gone, label: `Open the reference, ${words}` };
  });
}

/**
 * Everything around a picture: what it was made from, its batch, what was made from it.
 * @param {Picture} record
 * @param {ImageDetails} details
 * @param {(id: string) => unknown} open
 */
function family(record, details, open) {
  const batch = (details.batch ?? []).filter((one) => !one.trashed_at);
  const siblings =
    batch.length > 1
      ? batch.map((one, i) => ({ id: one.id, label: `Open picture ${i + 1} of the batch`, current: one.id === record.id }))
      : [];
  return [
    ...relatives("Made from", parents(record, details), open),
    ...relatives("Made together with", siblings, open),
    ...relatives(
      "Used for",
      (record.children || []).map((id) => ({ id, label: "Open the picture made from it" })),
      open,
    ),
  ];
}

/** What changed against the picture it was made from. @param {Change[] | null} found */
function changes(found) {
  if (!found?.length) return [];
  return [
    el("h3", {}, "Changed against its parent"),
    el(
      "ul",
      { class: "out-changes" },
      found.map((change) => el("li", {}, change.words)),
    ),
  ];
}

export { changes, family, list };
