// What a mask is painted for: for what is to change, or to correct what did.
import * as pictures from "../../collection/pictures.js";
import { upload } from "../../collection/uploads.js";
import { emit } from "../../core/bus.js";
import { api } from "../../core/rest.js";
import { requestChange } from "../changes.js";
import * as masks from "./mask.js";
import { png } from "./png.js";
import { begun, changeOf } from "./source.js";

/** @typedef {import("../../core/events.js").Picture} Picture */

/**
 * `draft`: what its draft is kept under; `use`: false where it could not be used, of which a message has told;
 * `scopes`: it can begin with nothing or with everything.
 * @typedef {{
 *   label: string, title?: string, part: string, none: string, draft: (id: string) => string,
 *   begin: (record: Picture) => Promise<{mask: masks.Mask, left: boolean}>,
 *   use: (record: Picture, mask: masks.Mask) => Promise<boolean>,
 *   scopes?: boolean, also?: {label: string, title: string, use: (record: Picture, mask: masks.Mask) => Promise<boolean>},
 * }} Purpose
 */

/** Its record in the collection, or undefined where it was refused. @param {masks.Mask} mask @param {string} name @returns {Promise<Picture | undefined>} */
async function taken(mask, name) {
  const [record] = await upload([new File([await png(mask)], name, { type: "image/png" })], "control");
  return record;
}

/** @param {"inpaint" | "limit"} how @returns {Purpose["use"]} */
const painting = (how) =>
  async function use({ id }, mask) {
    if (!masks.painted(mask).width) return (requestChange({ action: "unpaint", image_ids: [id] }), true);
    const made = await taken(mask, "mask.png");
    if (made) requestChange({ action: "paint", image_ids: [id, made.id], how });
    return Boolean(made);
  };

/**
 * Only this may change: the mask stands beside its picture among the references. Either it is drawn anew, or an edit of any
 * model is limited to it.
 * @type {Purpose}
 */
export const PAINT = {
  label: "Inpaint",
  title: "Inpaint: what is painted is drawn anew from your words, which say what belongs there",
  part: "may change",
  none: "Paint what may change",
  draft: (id) => id,
  begin: (record) => begun(record),
  use: painting("inpaint"),
  also: {
    label: "Only here",
    title: "Only here: your words change the picture as a smart edit, and all outside the painted part stays as it is",
    use: painting("limit"),
  },
};

/** What changed against the source, to be corrected: the picture is put together again from what the model made. @type {Purpose} */
export const CORRECT = {
  label: "Put together again",
  part: "changed",
  none: "Nothing changed",
  scopes: true,
  draft: (id) => `change of ${id}`,
  begin: (record) => changeOf(record),
  async use({ id }, mask) {
    const made = await taken(mask, "change.png");
    const path = pictures.path(id, "/return");
    const record = made && (await api(path, { method: "POST", json: { mask: made.id } }).catch(() => null));
    if (!record) return false; // its message has said why
    emit("picture:returned", record);
    emit("gallery:selected", { id: record.id, by: "artist" });
    return true;
  },
};
