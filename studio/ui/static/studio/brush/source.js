// What a mask is painted on and begins with: a picture's pixels, what stands out in it, the mask that was left or is loaded.
import * as pictures from "../../collection/pictures.js";
import { apiAddress, fileAddress } from "../../core/addresses.js";
import { api } from "../../core/rest.js";
import { recall } from "../memory.js";
import * as drafts from "./drafts.js";
import * as masks from "./mask.js";
import { scaled } from "./morphology.js";
import { understood } from "./reading.js";

/** @typedef {import("../../core/events.js").Picture} Picture */

/** The pixels of a picture's file, at a size. @param {Blob} file @param {{width: number, height: number}} size */
export async function pixelsOf(file, { width, height }) {
  const bitmap = await createImageBitmap(file, { premultiplyAlpha: "none" });
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height).data;
}

/** @param {string} id */
export const fileOf = async (id) => (await fetch(fileAddress(id))).blob();

/** The mask that is loaded for a picture, or null. @param {string} id */
function loadedMask(id) {
  const references = recall().references ?? [];
  const source = references.some((/** @type {{image_id: string}} */ one) => one.image_id === id);
  return source ? (references.find((/** @type {{role: string}} */ one) => one.role === "mask")?.image_id ?? null) : null;
}

/** What stands out from the background, at the mask's size. Rejects with words where nothing does. @param {string} id @param {masks.Mask} mask */
export async function subjectOf(id, { width, height }) {
  const answer = await fetch(apiAddress(pictures.path(id, "/subject")));
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const file = await answer.blob();
  const bitmap = await createImageBitmap(file);
  const small = masks.empty(bitmap.width, bitmap.height);
  const rgba = await pixelsOf(file, small);
  small.data.forEach((_, i) => (small.data[i] = rgba[i * 4] ?? 0));
  return scaled(small, width, height).map((value) => (value >= 128 ? 255 : 0));
}

/** The head, at the mask's size. Rejects with words where none is found. @param {string} id @param {masks.Mask} mask @returns {Promise<Uint8Array>} */
export async function headOf(id, mask) {
  const found = await api(pictures.path(id, "/head"), { quiet: true });
  const { width, height } = mask;
  const box = { x: found.x * width, y: found.y * height, width: found.width * width, height: found.height * height };
  const head = masks.empty(width, height);
  masks.ellipse(head, box, false);
  const figure = found.kind === "figure" && (await subjectOf(id, mask).catch(() => null));
  const beside = figure ? figure.map((value) => 255 - value) : null; // the box reaches beside the hair
  if (beside) masks.add(head, beside, true);
  return head.data;
}

/** A draft that was left, of the picture's size, or null. @param {string} key @param {{width: number, height: number}} size */
async function draftOf(key, size) {
  const draft = await drafts.kept(key).catch(() => null);
  return draft && draft.width === size.width && draft.height === size.height ? { mask: draft, left: true } : null;
}

/** What changed in a picture against its source. Rejects with words where that is not known. @param {Picture} record */
export async function changeOf(record) {
  const size = { width: Number(record.width), height: Number(record.height) };
  const draft = await draftOf(`change of ${record.id}`, size);
  if (draft) return draft;
  const answer = await fetch(apiAddress(pictures.path(record.id, "/change")));
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const mask = masks.empty(size.width, size.height);
  const rgba = await pixelsOf(await answer.blob(), mask);
  mask.data.forEach((_, i) => (mask.data[i] = rgba[i * 4] ?? 0));
  return { mask, left: false };
}

/** What is to be painted on: a draft that was left, the mask that is loaded for the picture, or nothing yet. @param {Picture} record */
export async function begun(record) {
  const size = { width: Number(record.width), height: Number(record.height) };
  const draft = await draftOf(record.id, size);
  if (draft) return draft;
  const loaded = loadedMask(record.id);
  const mask = masks.empty(size.width, size.height);
  if (loaded) mask.data.set(understood(await pixelsOf(await fileOf(loaded), mask)));
  return { mask, left: false };
}
