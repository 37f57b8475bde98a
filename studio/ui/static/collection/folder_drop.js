// Folders that are dropped: the pictures in them and in the folders below, and what the Collection does with a drop.
import { emit } from "../core/bus.js";
import { bringsSomething, droppedFiles, PICTURE, picturesIn } from "../kit/drops.js";
import { upload } from "./uploads.js";

/**
 * All pictures of a drop, those in folders and in the folders below too, each with its path.
 * @param {DragEvent} event
 * @returns {Promise<{path: string, file: File}[]>}
 */
export async function droppedPictures({ dataTransfer }) {
  const items = [...(dataTransfer?.items ?? [])].filter((item) => item.kind === "file");
  const entries = items.flatMap((item) => item.webkitGetAsEntry() ?? []); // at once: afterwards there is nothing in the drop
  const found = await Promise.all(entries.map((entry) => picturesIn(entry)));
  return found.flat();
}

/** Whether a folder is among what is dropped. @param {DragEvent} event */
export const bringsFolder = ({ dataTransfer }) => [...(dataTransfer?.items ?? [])].some((item) => item.webkitGetAsEntry()?.isDirectory);

/** Something from outside, none of the pictures that are here. @param {DragEvent} event */
const isForeign = (event) => bringsSomething(event) && !event.dataTransfer?.types.includes(PICTURE);

/** @param {DragEvent} event */
function take(event) {
  event.preventDefault();
  if (!bringsFolder(event)) return void droppedFiles(event).then(upload);
  const folder = event.dataTransfer?.items[0]?.webkitGetAsEntry()?.name ?? "the folder";
  emit("import:folder", { folder, pictures: droppedPictures(event) });
}

/** Pictures that are dropped here are taken in; folders are imported. @param {HTMLElement} node */
export function takeDrops(node) {
  node.addEventListener("dragover", (event) => isForeign(event) && event.preventDefault());
  node.addEventListener("drop", (event) => isForeign(event) && take(event));
}
