// What is dropped on the page: files, or something that is no file, told in words.
import { toast } from "./toasts.js";

const FOLDER = "That is a folder. Drop it on the Collection, which imports all of it, or drop the pictures in it.";
const ADDRESS = "That is an address on the web, and the studio fetches nothing from there. Save the picture first, then drop the file.";

/** @param {DataTransfer} data */
const types = (data) => [...data.types];

/** Whether something outside the page is dragged that could be meant as a picture. @param {DragEvent} event */
export function bringsSomething({ dataTransfer }) {
  return (
    Boolean(dataTransfer) && types(/** @type {DataTransfer} */ (dataTransfer)).some((type) => type === "Files" || type === "text/uri-list")
  );
}

/**
 * All pictures of a drop, those in folders and in the folders below too, each with its path.
 * @param {DragEvent} event
 * @returns {Promise<{path: string, file: File}[]>}
 */
export async function droppedPictures({ dataTransfer }) {
  const items = [...(dataTransfer?.items ?? [])].filter((item) => item.kind === "file");
  const entries = items.flatMap((item) => item.webkitGetAsEntry() ?? []); // at once: afterwards there is nothing in the drop
  const found = await Promise.all(entries.map(picturesIn));
  return found.flat();
}

/** Whether a folder is among what is dropped. @param {DragEvent} event */
export const bringsFolder = ({ dataTransfer }) => [...(dataTransfer?.items ?? [])].some((item) => item.webkitGetAsEntry()?.isDirectory);

/** @param {{type: string}} file */
export const isPicture = ({ type }) => type.startsWith("image/");

/** @param {FileSystemEntry} entry @returns {Promise<{path: string, file: File}[]>} */
async function picturesIn(entry) {
  if (entry.isFile) {
    /** @type {File | null} */
    const file = await new Promise((done) => /** @type {FileSystemFileEntry} */ (entry).file(done, () => done(null)));
    return file && isPicture(file) ? [{ path: entry.fullPath.slice(1), file }] : [];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (let part = await entriesOf(reader); part.length; part = await entriesOf(reader)) found.push(...part); // some at a time
  return (await Promise.all(found.map(picturesIn))).flat();
}

/** @param {FileSystemDirectoryReader} reader @returns {Promise<FileSystemEntry[]>} */
const entriesOf = (reader) => new Promise((done) => reader.readEntries(done, () => done([])));

/** The files of a drop; folders and addresses are told to be none. @param {DragEvent} event @returns {File[]} */
export function droppedFiles({ dataTransfer }) {
  if (!dataTransfer) return [];
  const items = [...dataTransfer.items].filter((item) => item.kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory);
  const files = items.filter((item) => !folders.includes(item)).flatMap((item) => item.getAsFile() ?? []);
  if (folders.length) toast(FOLDER, "warning");
  else if (!files.length && types(dataTransfer).includes("text/uri-list")) toast(ADDRESS, "warning");
  return files;
}
