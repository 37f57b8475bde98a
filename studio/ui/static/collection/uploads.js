// Files of this device, taken into the collection.

import { emit } from "../core/bus.js";
import { api } from "../core/rest.js";
import { toast } from "../kit/toasts.js";

/**
 * Files → records in the order given. A refused file is told in its own words, the others are kept; so is what
 * was not taken from a file, such as the later pictures of an animation.
 * @param {File[]} files
 * @param {"upload" | "control"} [category] control: only a means, a mask for instance, which no listing shows
 */
export async function upload(files, category = "upload") {
  const records = [];
  /** @param {File} file @param {string} words */
  const named = (file, words) => (files.length > 1 && file.name ? `${file.name}: ${words}` : words);
  for (const file of files) {
    const body = new FormData();
    if (category !== "upload") body.append("category", category); // before the file, whose end is waited for
    body.append("file", file, file.name || "pasted.png");
    try {
      records.push(await api("/images", { method: "POST", body, quiet: true }));
    } catch (refusal) {
      toast(named(file, /** @type {Error} */ (refusal).message), "error");
    }
  }
  new Set(records.flatMap((record) => record.notes)).forEach((note) => toast(note));
  if (records.length && category === "upload") emit("images:uploaded", { ids: records.map((record) => record.id) });
  return records;
}
