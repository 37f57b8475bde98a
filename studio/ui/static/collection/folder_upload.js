// A folder of this computer, sent to the studio picture by picture. What is there already is skipped by the studio, so a
// folder that was left can be chosen again. Draws nothing.

import { emit } from "../core/bus.js";
import { answer, parse } from "../core/rest.js";

/** @import { ImportProgress } from "../core/schemas.js" */
/** @typedef {{path: string, file: File}} Found */
/** @typedef {Pick<ImportProgress, "status" | "folder" | "found" | "done" | "added" | "restored" | "duplicates" | "failed" | "problems" | "eta_seconds">} Sending */

const ANNOUNCED = 20; // pictures after which the rest of the page hears of them

/** Its id, and whether it is new. @param {File} file */
async function send(file) {
  const body = new FormData();
  body.append("file", file, file.name);
  const response = await answer("/images", { method: "POST", body, quiet: true });
  return { id: /** @type {string} */ (parse(await response.text()).id), fresh: response.status === 201 };
}

/** Seconds left at the pace so far. @param {number} began @param {number} done @param {number} found */
const rest = (began, done, found) => ((performance.now() - began) / 1000 / done) * (found - done);

/**
 * Send all of them, one after the other.
 * @param {string} folder
 * @param {Found[]} pictures
 * @param {(now: Sending) => unknown} tell hears of every one
 * @param {() => boolean} wanted while it is false, nothing more is sent
 */
export async function sendFolder(folder, pictures, tell, wanted) {
  const began = performance.now();
  /** @type {Sending} */
  let now = {
    status: "running",
    folder,
    found: pictures.length,
    done: 0,
    added: 0,
    restored: 0,
    duplicates: 0,
    failed: 0,
    problems: [],
    eta_seconds: null,
  };
  /** @type {string[]} */
  let fresh = [];
  const announce = () => (fresh.length && emit("images:uploaded", { ids: fresh }), (fresh = []));
  tell(now);
  for (const { path, file } of pictures) {
    if (!wanted()) break;
    const done = now.done + 1;
    now = { ...now, done, eta_seconds: rest(began, done, now.found) };
    try {
      const sent = await send(file);
      if (sent.fresh) fresh.push(sent.id);
      now = sent.fresh ? { ...now, added: now.added + 1 } : { ...now, duplicates: now.duplicates + 1 };
    } catch (refusal) {
      const { message: reason } = /** @type {Error} */ (refusal);
      now = { ...now, failed: now.failed + 1, problems: [...now.problems, { path, reason }] };
    }
    if (fresh.length >= ANNOUNCED) announce();
    tell(now);
  }
  announce();
  tell({ ...now, status: now.done < now.found ? "cancelled" : "done" });
}
