// What is dropped or pasted on the page: files, the pictures of folders, one of the page's own pictures, or something that
// is no file, told in words.
import { closest } from "../core/dom.js";
import { toast } from "./toasts.js";

const EMPTY = "There is no picture in that folder.";
const LARGE = "That folder holds more than 500 pictures; the first 500 are taken. Drop it on the Collection to have all of them.";
const MOST = 500;
const ADDRESS = "That is an address on the web, and the studio fetches nothing from there. Save the picture first, then drop the file.";

const NOWHERE = "Nothing takes that here. Drop pictures on the picture or References in the Studio, or into the Collection.";

/** The type under which the page's own pictures are dragged: their id. */
export const PICTURE = "application/x-likeness-image";

/** @param {DataTransfer} data */
const types = (data) => [...data.types];

/** Whether something outside the page is dragged that could be meant as a picture. @param {DragEvent} event */
export function bringsSomething({ dataTransfer }) {
  return (
    Boolean(dataTransfer) && types(/** @type {DataTransfer} */ (dataTransfer)).some((type) => type === "Files" || type === "text/uri-list")
  );
}

/**
 * The files of a drop, those of folders in the order of their names; addresses are told to be none.
 * @param {DragEvent} event
 * @returns {Promise<File[]>}
 */
export async function droppedFiles({ dataTransfer }) {
  if (!dataTransfer) return [];
  const items = [...dataTransfer.items].filter((item) => item.kind === "file");
  // after the first wait the items are gone: everything is asked of them now
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  if (!items.length && types(dataTransfer).includes("text/uri-list")) toast(ADDRESS, "warning");
  /** @type {File[]} */
  const files = [];
  for (const { entry, file } of dropped) {
    if (entry?.isDirectory) files.push(...(await someOf(entry)));
    else if (file) files.push(file);
  }
  return files;
}

/** Whether it is files or folders that are dropped, and not an address. @param {DragEvent} event */
export const bringsFiles = ({ dataTransfer }) => [...(dataTransfer?.items ?? [])].some((item) => item.kind === "file");

/** What is dropped on what `selector` finds, now or later, is told to `take`. @param {string} selector @param {(on: boolean) => void} lit @param {(event: DragEvent) => void} take */
export function takeDropsOn(selector, lit, take) {
  /** @param {DragEvent} event */
  const meant = (event) => bringsSomething(event) && event.target instanceof Element && event.target.closest(selector);
  document.addEventListener("dragover", (event) => {
    if (!meant(event)) return;
    event.preventDefault();
    lit(true);
  });
  document.addEventListener("dragleave", (event) => meant(event) && lit(false));
  document.addEventListener("drop", (event) => {
    if (!meant(event)) return;
    event.preventDefault();
    lit(false);
    take(event);
  });
}

/** Beside the places that take it a drop says so, least of all does it open what was dropped in place of the page. */
export function keepDropsOffThePage() {
  let ofThePage = false; // one of its own links or pictures is dragged
  document.addEventListener("dragstart", () => (ofThePage = true), { capture: true });
  document.addEventListener("dragend", () => (ofThePage = false), { capture: true });
  window.addEventListener("dragover", (event) => bringsSomething(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!bringsSomething(event)) return;
    if (!event.defaultPrevented && !ofThePage) toast(NOWHERE, "warning");
    event.preventDefault();
  });
}

/** @param {FileSystemEntry} folder */
async function someOf(folder) {
  const found = await picturesIn(folder, MOST + 1);
  if (!found.length) toast(EMPTY, "warning");
  if (found.length > MOST) toast(LARGE, "warning");
  return found.slice(0, MOST).map(({ file }) => file);
}

/** @param {{type: string}} file */
export const isPicture = ({ type }) => type.startsWith("image/");

/** Pictures that were pasted; none where text is pasted into text. @param {ClipboardEvent} event */
export function pastedPictures(event) {
  const writing = closest(event, "input, textarea") && event.clipboardData?.types.includes("text/plain");
  return writing ? [] : [...(event.clipboardData?.files ?? [])].filter(isPicture);
}

/**
 * The pictures of a dropped file or folder and the folders below, each with its path, by name; what cannot be read is
 * passed by. `most`: about so many are enough.
 * @param {FileSystemEntry} entry
 * @param {number} [most]
 * @returns {Promise<{path: string, file: File}[]>}
 */
export async function picturesIn(entry, most = Number.POSITIVE_INFINITY) {
  if (entry.isFile) {
    /** @type {File | null} */
    const file = await new Promise((done) => /** @type {FileSystemFileEntry} */ (entry).file(done, () => done(null)));
    return file && isPicture(file) ? [{ path: entry.fullPath.slice(1), file }] : [];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const inside = [];
  for (let part = await entriesOf(reader); part.length; part = await entriesOf(reader)) inside.push(...part); // some at a time
  inside.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  /** @type {{path: string, file: File}[]} */
  const found = [];
  for (const each of inside) if (found.length < most) found.push(...(await picturesIn(each, most - found.length)));
  return found;
}

/** @param {FileSystemDirectoryReader} reader @returns {Promise<FileSystemEntry[]>} */
const entriesOf = (reader) => new Promise((done) => reader.readEntries(done, () => done([])));
