// Characters and designs as the browser knows them: every REST call of the Characters section, and the news that
// one of them brings to the rest of the page and to other tabs. Draws nothing.
import { apiAddress } from "../core/addresses.js";
import { api } from "../core/rest.js";
import { tabId } from "../core/tab.js";
import { query as given } from "../kit/formatting.js";
import { toast } from "../kit/toasts.js";
import { tell } from "./news.js";

/** @import { Job } from "../core/events.js" */
/** @import { Avatar, Blueprint, CastRun, Character, CharacterSummary, PortraitVersion, Crop, CropGuess, Described, Design, DesignUse, Imported, PortraitDefaults, ReaderState, ReferenceSet, Sheet, SheetCell, SheetChoices, Versions } from "../core/schemas.js" */

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
/** @param {Record<string, string | number | boolean | null | undefined>} values */
const query = (values) => {
  const said = String(given(values));
  return said && `?${said}`;
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
 * @returns {Promise<ReferenceSet>}
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
  /** @param {{q?: string, archived?: boolean}} values @returns {Promise<CharacterSummary[]>} */
  list: (values) => get(`/characters${query(values)}`, true),
  /** @param {string} id @returns {Promise<Character>} */
  get: (id) => get(of(id)),
  /** @param {string} name @returns {Promise<Character>} */
  create: (name) => change(null, "/characters", { json: { name } }),
  /** @param {string} id @param {unknown} json @returns {Promise<Character>} */
  patch: (id, json) => change(id, of(id), { method: "PATCH", json }),
  /** @param {string[]} ids @returns {Promise<null>} */
  reorder: (ids) => change(null, "/characters/order", { json: { ids } }),
  /** @param {string} id @returns {Promise<Character>} */
  duplicate: (id) => change(null, of(id, "/duplicate")),
  /** @param {string} id @returns {Promise<null>} */
  remove: (id) => change(id, of(id), { method: "DELETE" }),
  /** @param {File} file @returns {Promise<Imported>} */
  take: (file) => change(null, "/characters/import", { body: filed(file) }),
  /** @param {string} id */
  zip: (id) => apiAddress(of(id, "/export")),
  /** @param {string} id */
  card: (id) => apiAddress(of(id, "/card")),

  /** @param {string} id @returns {Promise<Blueprint>} */
  blueprint: (id) => get(of(id, "/blueprint")),
  /** @param {string} id @param {unknown} json @param {boolean} overwrite @returns {Promise<Blueprint>} */
  saveBlueprint: (id, json, overwrite) => change(id, of(id, `/blueprint${query({ overwrite })}`), { method: "PUT", json, quiet: true }),
  /** @returns {Promise<ReaderState[]>} */
  readers: () => get("/readers", true),
  /** @param {string} id @param {string | null} image_id @returns {Promise<Described>} */
  describe: (id, image_id) => api(of(id, "/describe"), { method: "POST", json: { image_id } }),

  /** @param {string} id @param {boolean} [trashed] @returns {Promise<Versions>} */
  versions: (id, trashed = false) => get(of(id, `/versions${query({ trashed })}`), true),
  /** @param {string} id @returns {Promise<PortraitDefaults>} */
  defaults: (id) => get(of(id, "/portrait")),
  /** @param {string} id @param {unknown} json @returns {Promise<Job>} */
  generate: (id, json) => api(of(id, "/portrait"), { method: "POST", json: { .../** @type {object} */ (json), tab: tabId() } }),
  /** @param {string} id @param {string} imageId @returns {Promise<PortraitVersion[]>} */
  addPicture: (id, imageId) => change(id, of(id, "/versions"), { json: { image_id: imageId } }),
  /** @param {string} id @param {File} file @returns {Promise<PortraitVersion>} */
  addFile: (id, file) => change(id, of(id, "/versions/upload"), { body: filed(file) }),
  /** @param {string} id @param {string} versionId @param {string} verb @returns {Promise<PortraitVersion>} */
  act: (id, versionId, verb) => change(id, version(id, versionId, `/${verb}`)),
  /** @param {string} id @param {string} versionId @param {boolean} activate @returns {Promise<Design>} */
  saveAsDefault: (id, versionId, activate) => change(id, version(id, versionId, `/design-default${query({ activate: String(activate) })}`)),
  /** @param {string} id @param {string} versionId @returns {Promise<PortraitVersion>} */
  trash: (id, versionId) => change(id, version(id, versionId), { method: "DELETE" }),

  /** @param {string} id @param {string} versionId @param {string} aspect @returns {Promise<CropGuess>} */
  guess: (id, versionId, aspect) => get(version(id, versionId, `/crop-guess${query({ aspect })}`)),
  /** @param {string} id @param {string} versionId @param {Crop} crop @returns {Promise<Avatar>} */
  setAvatar: (id, versionId, crop) => change(id, version(id, versionId, "/crop"), { method: "PUT", json: crop }),
  /** @param {string} id @param {string | number} side @param {string} [kind] */
  avatar: (id, side, kind = "png") => apiAddress(of(id, `/avatar${query({ side, kind })}`)),

  /** @param {string} id @param {boolean} [measure] @returns {Promise<ReferenceSet>} */
  references: (id, measure = true) => get(of(id, `/references${query({ measure: String(measure) })}`), true),
  /** @param {string} id @param {string} imageId @returns {Promise<ReferenceSet>} */
  removeReference: (id, imageId) => change(id, of(id, `/references/${part(imageId)}`), { method: "DELETE" }),
  /** @param {string} id @param {string[]} ids @returns {Promise<ReferenceSet>} */
  orderReferences: (id, ids) => change(id, of(id, "/references"), { method: "PUT", json: ids }),
  /** @param {string} id @param {string} imageId @returns {Promise<ReferenceSet>} */
  anchor: (id, imageId) => change(id, of(id, `/references/${part(imageId)}/anchor`), { method: "PUT" }),

  /** @param {string} id @returns {Promise<SheetChoices>} */
  sheetChoices: (id) => get(of(id, "/sheet-choices")),
  /** @param {string} id @param {unknown} json @returns {Promise<SheetCell[]>} */
  composeSheet: (id, json) => api(of(id, "/sheet-cells"), { method: "POST", json }),
  /** @param {string} id @param {unknown} json @returns {Promise<Sheet>} */
  startSheet: (id, json) => change(id, of(id, "/sheets"), { json: { .../** @type {object} */ (json), tab: tabId() } }),
  /** @param {string} id @param {string} sheetId @returns {Promise<Sheet>} */
  cancelSheet: (id, sheetId) => change(id, of(id, `/sheets/${part(sheetId)}/cancel`)),
  /** @param {string} id @param {string} sheetId @returns {Promise<Sheet>} */
  sheet: (id, sheetId) => get(of(id, `/sheets/${part(sheetId)}`), true),
  /** @param {string} id @returns {Promise<Sheet[]>} */
  sheets: (id) => get(of(id, "/sheets"), true),

  /** @returns {Promise<Design[]>} */
  designs: () => get("/designs", true),
  /** @param {unknown} json @returns {Promise<Design>} */
  createDesign: (json) => change(null, "/designs", { json }),
  /** @param {string} id @param {unknown} json @returns {Promise<Design>} */
  changeDesign: (id, json) => change(null, design(id), { method: "PATCH", json }),
  /** @param {string | null} id @returns {Promise<DesignUse[]>} */
  activate: (id) => change(null, "/designs/active", { method: "PUT", json: { design_id: id } }),
  /** @param {string} id @returns {Promise<null>} */
  removeDesign: (id) => change(null, design(id), { method: "DELETE" }),
  /** @param {string} id @returns {Promise<DesignUse[]>} */
  uses: (id) => get(design(id, "/uses"), true),
  /** @param {string} id @param {unknown} json @returns {Promise<CastRun>} */
  bring: (id, json) => change(null, design(id, "/cast"), { json: { .../** @type {object} */ (json), tab: tabId() } }),
  /** @param {string} id @returns {Promise<CastRun[]>} */
  runs: (id) => get(design(id, "/cast"), true),
  /** @param {string} id @returns {Promise<CastRun>} */
  run: (id) => get(`/cast-runs/${part(id)}`, true),
  /** @param {string} id @returns {Promise<CastRun>} */
  cancelRun: (id) => change(null, `/cast-runs/${part(id)}/cancel`),
};
