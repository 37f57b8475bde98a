// Characters and designs as the browser knows them: every REST call of the Characters section, and the news that
// one of them brings to the rest of the page and to other tabs. Draws nothing.
import { apiAddress } from "../core/addresses.js";
import { api } from "../core/rest.js";
import { tabId } from "../core/tab.js";
import { toast } from "../kit/toasts.js";
import { tell } from "./news.js";

/** @import { Crop } from "../core/schemas.js" */

/** @param {string} id */
const part = (id) => encodeURIComponent(id);
/** @param {string} id @param {string} [rest] */
const of = (id, rest = "") => `/characters/${part(id)}${rest}`;
/** @param {string} id @param {string} versionId @param {string} [rest] */
const version = (id, versionId, rest = "") => of(id, `/versions/${part(versionId)}${rest}`);
/** @param {string} id @param {string} [rest] */
const design = (id, rest = "") => `/designs/${part(id)}${rest}`;

/** @param {string} path @param {boolean} [quiet] */
const get = (path, quiet = false) => api(path, { quiet });
/** @param {Record<string, any>} values */
const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

/**
 * A call that changes something of a character.
 * @param {string | null} id
 * @param {string} path
 * @param {{method?: string, json?: unknown, body?: FormData, quiet?: boolean}} [said]
 */
async function change(id, path, { method = "POST", json, body, quiet } = {}) {
  const answer = await api(path, { method, json, body, quiet });
  tell(id);
  return answer;
}

/** @param {File} file */
function filed(file) {
  const body = new FormData();
  body.append("file", file, file.name || "pasted.png");
  return body;
}

/**
 * A picture joins the set; whether the set agrees with itself is found out after that.
 * @param {string} id
 * @param {string} imageId
 * @param {boolean} [anchor]
 */
async function addReference(id, imageId, anchor = false) {
  const set = await change(id, of(id, "/references"), { json: { image_id: imageId, anchor } });
  get(of(id, "/references"), true).then(
    ({ warning }) => warning && toast(warning, "warning"),
    () => {},
  ); // it is in the set either way
  return set;
}

export const cast = {
  tell,
  addReference,
  /** @param {Record<string, any>} values */
  list: (values) => get(`/characters${query(values)}`, true),
  /** @param {string} id */
  get: (id) => get(of(id)),
  /** @param {string} name */
  create: (name) => change(null, "/characters", { json: { name } }),
  /** @param {string} id @param {unknown} json */
  patch: (id, json) => change(id, of(id), { method: "PATCH", json }),
  /** @param {string[]} ids */
  reorder: (ids) => change(null, "/characters/order", { json: { ids } }),
  /** @param {string} id */
  duplicate: (id) => change(null, of(id, "/duplicate")),
  /** @param {string} id */
  remove: (id) => change(id, of(id), { method: "DELETE" }),
  /** @param {File} file */
  take: (file) => change(null, "/characters/import", { body: filed(file) }),
  /** @param {string} id */
  zip: (id) => apiAddress(of(id, "/export")),
  /** @param {string} id */
  card: (id) => apiAddress(of(id, "/card")),

  /** @param {string} id */
  blueprint: (id) => get(of(id, "/blueprint")),
  /** @param {string} id @param {unknown} json @param {boolean} overwrite */
  saveBlueprint: (id, json, overwrite) => change(id, of(id, `/blueprint${query({ overwrite })}`), { method: "PUT", json, quiet: true }),
  readers: () => get("/readers", true),
  /** @param {string} id @param {string} image_id */
  describe: (id, image_id) => api(of(id, "/describe"), { method: "POST", json: { image_id } }),

  /** @param {string} id @param {boolean} [trashed] */
  versions: (id, trashed = false) => get(of(id, `/versions${query({ trashed })}`), true),
  /** @param {string} id */
  defaults: (id) => get(of(id, "/portrait")),
  /** @param {string} id @param {unknown} json */
  generate: (id, json) => api(of(id, "/portrait"), { method: "POST", json: { .../** @type {object} */ (json), tab: tabId() } }),
  /** @param {string} id @param {string} imageId */
  addPicture: (id, imageId) => change(id, of(id, "/versions"), { json: { image_id: imageId } }),
  /** @param {string} id @param {File} file */
  addFile: (id, file) => change(id, of(id, "/versions/upload"), { body: filed(file) }),
  /** @param {string} id @param {string} versionId @param {string} verb */
  act: (id, versionId, verb) => change(id, version(id, versionId, `/${verb}`)),
  /** @param {string} id @param {string} versionId @param {boolean} activate */
  saveAsDefault: (id, versionId, activate) => change(id, version(id, versionId, `/design-default${query({ activate: String(activate) })}`)),
  /** @param {string} id @param {string} versionId */
  trash: (id, versionId) => change(id, version(id, versionId), { method: "DELETE" }),

  /** @param {string} id @param {string} versionId @param {string} aspect */
  guess: (id, versionId, aspect) => get(version(id, versionId, `/crop-guess${query({ aspect })}`)),
  /** @param {string} id @param {string} versionId @param {Crop} crop */
  setAvatar: (id, versionId, crop) => change(id, version(id, versionId, "/crop"), { method: "PUT", json: crop }),
  /** @param {string} id @param {string | number} side @param {string} [kind] */
  avatar: (id, side, kind = "png") => apiAddress(of(id, `/avatar${query({ side, kind })}`)),

  /** @param {string} id @param {boolean} [measure] */
  references: (id, measure = true) => get(of(id, `/references${query({ measure: String(measure) })}`), true),
  /** @param {string} id @param {string} imageId */
  removeReference: (id, imageId) => change(id, of(id, `/references/${part(imageId)}`), { method: "DELETE" }),
  /** @param {string} id @param {string[]} ids */
  orderReferences: (id, ids) => change(id, of(id, "/references"), { method: "PUT", json: ids }),
  /** @param {string} id @param {string} imageId */
  anchor: (id, imageId) => change(id, of(id, `/references/${part(imageId)}/anchor`), { method: "PUT" }),

  /** @param {string} id */
  sheetChoices: (id) => get(of(id, "/sheet-choices")),
  /** @param {string} id @param {unknown} json */
  composeSheet: (id, json) => api(of(id, "/sheet-cells"), { method: "POST", json }),
  /** @param {string} id @param {unknown} json */
  startSheet: (id, json) => change(id, of(id, "/sheets"), { json: { .../** @type {object} */ (json), tab: tabId() } }),
  /** @param {string} id @param {string} sheetId */
  cancelSheet: (id, sheetId) => change(id, of(id, `/sheets/${part(sheetId)}/cancel`)),
  /** @param {string} id @param {string} sheetId */
  sheet: (id, sheetId) => get(of(id, `/sheets/${part(sheetId)}`), true),
  /** @param {string} id */
  sheets: (id) => get(of(id, "/sheets"), true),

  designs: () => get("/designs", true),
  /** @param {unknown} json */
  createDesign: (json) => change(null, "/designs", { json }),
  /** @param {string} id @param {unknown} json */
  changeDesign: (id, json) => change(null, design(id), { method: "PATCH", json }),
  /** @param {string} id */
  activate: (id) => change(null, "/designs/active", { method: "PUT", json: { design_id: id } }),
  /** @param {string} id */
  removeDesign: (id) => change(null, design(id), { method: "DELETE" }),
  /** @param {string} id */
  uses: (id) => get(design(id, "/uses"), true),
  /** @param {string} id @param {unknown} json */
  bring: (id, json) => change(null, design(id, "/cast"), { json: { .../** @type {object} */ (json), tab: tabId() } }),
  /** @param {string} id */
  runs: (id) => get(design(id, "/cast"), true),
  /** @param {string} id */
  run: (id) => get(`/cast-runs/${part(id)}`, true),
  /** @param {string} id */
  cancelRun: (id) => change(null, `/cast-runs/${part(id)}/cancel`),
};
