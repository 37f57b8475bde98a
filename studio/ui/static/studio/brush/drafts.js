// Masks that are being painted, kept in this browser until they are used: a reload loses no stroke.
import { packed, unpacked } from "./history.js";

/** @typedef {import("./mask.js").Mask} Mask */

const STORE = "masks";

/** @returns {Promise<IDBDatabase>} */
const opened = () =>
  new Promise((resolve, reject) => {
    const asked = indexedDB.open("likeness.masks", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

/** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} ask @returns {Promise<any>} */
async function run(mode, ask) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const change = database.transaction(STORE, mode);
      const asked = ask(change.objectStore(STORE));
      change.oncomplete = () => resolve(asked.result);
      change.onerror = change.onabort = () => reject(change.error);
    });
  } finally {
    database.close();
  }
}

/** @param {string} id the picture's @param {Mask} mask */
export const keep = (id, { width, height, data }) => run("readwrite", (store) => store.put({ width, height, runs: packed(data) }, id));

/** @param {string} id */
export const forget = (id) => run("readwrite", (store) => store.delete(id));

/** What was painted on a picture and not used yet, or null. @param {string} id @returns {Promise<Mask | null>} */
export async function kept(id) {
  const found = await run("readonly", (store) => store.get(id));
  return found ? { width: found.width, height: found.height, data: unpacked(found.runs, found.width * found.height) } : null;
}
