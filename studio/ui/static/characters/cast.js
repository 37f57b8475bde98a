// Characters and designs as the browser knows them: every REST call of the Characters section, and the news that
// one of them brings to the rest of the page and to other tabs. Draws nothing.
import { apiAddress } from "../core/addresses.js";
import { emit } from "../core/bus.js";
import { api } from "../core/rest.js";
import { tabId } from "../core/tab.js";
import { toast } from "../kit/toasts.js";

const channel = "BroadcastChannel" in window ? new BroadcastChannel("likeness.characters") : null;

const part = (id) => encodeURIComponent(id);
const of = (id, rest = "") => `/characters/${part(id)}${rest}`;
const version = (id, versionId, rest = "") => of(id, `/versions/${part(versionId)}${rest}`);
const design = (id, rest = "") => `/designs/${part(id)}${rest}`;

const get = (path, quiet = false) => api(path, { quiet });
const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

/** Tell everybody that a character (or, without an id, any of them) has changed. */
function tell(id) {
  emit("characters:changed", { id });
  channel?.postMessage({ id });
}
channel?.addEventListener("message", ({ data }) => emit("characters:changed", { ...data, elsewhere: true }));

/** A call that changes something of a character. */
async function change(id, path, { method = "POST", json, body, quiet } = {}) {
  const answer = await api(path, { method, json, body, quiet });
  tell(id);
  return answer;
}

function filed(file) {
  const body = new FormData();
  body.append("file", file, file.name || "pasted.png");
  return body;
}

/** A picture joins the set; whether the set agrees with itself is found out after that. */
async function addReference(id, imageId, anchor = false) {
  const set = await change(id, of(id, "/references"), { json: { image_id: imageId, anchor } });
  get(of(id, "/references"), true).then(({ warning }) => warning && toast(warning, "warning"), () => {}); // it is in the set either way
  return set;
}

export const cast = {
  tell,
  addReference,
  list: (values) => get(`/characters${query(values)}`, true),
  get: (id) => get(of(id)),
  create: (name) => change(null, "/characters", { json: { name } }),
  patch: (id, json) => change(id, of(id), { method: "PATCH", json }),
  reorder: (ids) => change(null, "/characters/order", { json: { ids } }),
  duplicate: (id) => change(null, of(id, "/duplicate")),
  remove: (id) => change(id, of(id), { method: "DELETE" }),
  take: (file) => change(null, "/characters/import", { body: filed(file) }),
  zip: (id) => apiAddress(of(id, "/export")),
  card: (id) => apiAddress(of(id, "/card")),

  blueprint: (id) => get(of(id, "/blueprint")),
  saveBlueprint: (id, json, overwrite) => change(id, of(id, `/blueprint${query({ overwrite })}`), { method: "PUT", json, quiet: true }),
  words: (id) => get(of(id, "/words"), true),
  readers: () => get("/readers", true),
  describe: (id, image_id) => api(of(id, "/describe"), { method: "POST", json: { image_id } }),

  versions: (id, trashed = false) => get(of(id, `/versions${query({ trashed })}`), true),
  defaults: (id) => get(of(id, "/portrait")),
  generate: (id, json) => api(of(id, "/portrait"), { method: "POST", json: { ...json, tab: tabId() } }),
  addPicture: (id, imageId) => change(id, of(id, "/versions"), { json: { image_id: imageId } }),
  addFile: (id, file) => change(id, of(id, "/versions/upload"), { body: filed(file) }),
  act: (id, versionId, verb) => change(id, version(id, versionId, `/${verb}`)),
  trash: (id, versionId) => change(id, version(id, versionId), { method: "DELETE" }),

  guess: (id, versionId, aspect) => get(version(id, versionId, `/crop-guess${query({ aspect })}`)),
  setAvatar: (id, versionId, crop) => change(id, version(id, versionId, "/crop"), { method: "PUT", json: crop }),
  avatar: (id, side, kind = "png") => apiAddress(of(id, `/avatar${query({ side, kind })}`)),

  references: (id, measure = true) => get(of(id, `/references${query({ measure: String(measure) })}`), true),
  removeReference: (id, imageId) => change(id, of(id, `/references/${part(imageId)}`), { method: "DELETE" }),
  orderReferences: (id, ids) => change(id, of(id, "/references"), { method: "PUT", json: ids }),
  anchor: (id, imageId) => change(id, of(id, `/references/${part(imageId)}/anchor`), { method: "PUT" }),

  sheetChoices: (id) => get(of(id, "/sheet-choices")),
  composeSheet: (id, json) => api(of(id, "/sheet-cells"), { method: "POST", json }),
  startSheet: (id, json) => change(id, of(id, "/sheets"), { json }),
  sheet: (id, sheetId) => get(of(id, `/sheets/${part(sheetId)}`), true),
  sheets: (id) => get(of(id, "/sheets"), true),

  designs: () => get("/designs", true),
  createDesign: (json) => change(null, "/designs", { json }),
  changeDesign: (id, json) => change(null, design(id), { method: "PATCH", json }),
  activate: (id) => change(null, "/designs/active", { method: "PUT", json: { design_id: id } }),
  removeDesign: (id) => change(null, design(id), { method: "DELETE" }),
  uses: (id) => get(design(id, "/uses"), true),
  bring: (id, json) => change(null, design(id, "/cast"), { json }),
  runs: (id) => get(design(id, "/cast"), true),
  run: (id) => get(`/cast-runs/${part(id)}`, true),
  cancelRun: (id) => change(null, `/cast-runs/${part(id)}/cancel`),
};
