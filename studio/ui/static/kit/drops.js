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
