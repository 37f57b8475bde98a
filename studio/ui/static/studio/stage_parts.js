import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";

/** What the toolbar offers, in its order. @type {import("../core/shapes.js").ActionName[]} */
export const TOOLS = [
  "use",
  "add",
  "edit",
  "enlarge",
  "extend",
  "fix_face",
  "compare",
  "tree",
  "reuse_settings",
  "reuse_seed",
  "download",
  "character",
  "star",
  "trash",
  "restore",
  "details",
];

/** @import { ActionName, Size } from "../core/shapes.js" */
/** @import { WorkerState } from "../core/schemas.js" */
/** @import { Job, Part, Picture, Snapshot } from "../core/events.js" */

/**
 * What a request makes: where canvas is added, source and canvas.
 * @param {import("../core/events.js").Request} request
 * @param {Picture | undefined} source
 */
export function sizeOf(request, source) {
  const { extend } = request;
  if (!extend || !source?.width || !source?.height) return request;
  const { left = 0, top = 0, right = 0, bottom = 0 } = extend;
  return { width: left + source.width + right, height: top + source.height + bottom };
}

/** @param {string} url */
const painted = (url) => {
  const next = el("img", { src: url, class: "out-steady" });
  return next.decode().then(() => next);
};

/**
 * An image that changes only once the next one can be painted; of many in a hurry only the last is shown.
 * @param {string} label
 */
function steadyImage(label) {
  let node = el("img", { class: "out-steady", alt: label });
  let shown = "";
  let wanted = "";
  let busy = false;
  let turn = 0; // rises with clear(): what was on its way then is not shown any more
  /** @param {HTMLImageElement} next @param {string} url */
  const put = (next, url) => {
    next.alt = node.alt;
    node.replaceWith(next);
    node = next;
    shown = url;
  };
  /** @param {string} url @param {number} now */
  const step = async (url, now) => {
    const next = await painted(url).catch(() => null); // a preview may be gone by now
    if (now !== turn) return;
    if (next) put(next, url);
    else if (wanted === url) wanted = shown;
  };
  const pump = async () => {
    if (busy) return;
    busy = true;
    while (wanted && shown !== wanted) await step(wanted, turn);
    busy = false;
  };
  /** @param {string} url @param {string} alt */
  const show = (url, alt = "") => {
    wanted = url;
    if (alt) node.alt = alt;
    pump();
  };
  const clear = () => {
    turn += 1;
    wanted = "";
    put(el("img", { class: "out-steady" }), "");
  };
  return { first: node, show, clear };
}

/** @param {Size | null | undefined} size */
const ratio = (size) => (size?.width && size?.height ? size.width / size.height : 1);

/**
 * The box of one picture: as large as fits, in the picture's own shape from the first moment.
 * @param {string} label
 * @param {string} kind
 */
export function frame(label, kind) {
  const image = steadyImage(label);
  const back = el("img", { class: "out-frame-back", alt: "", hidden: true });
  const box = el("div", { class: "out-frame-box" }, back, image.first);
  const node = el("figure", { class: `out-frame ${kind}` }, box);
  /** @param {Size} size */
  const shape = (size) => box.style.setProperty("--ratio", ratio(size));
  /** @param {string | null} url */
  const backdrop = (url) => {
    back.hidden = !url;
    if (url && back.getAttribute("src") !== url) back.src = url;
  };
  return { node, box, image, shape, backdrop };
}

export function statusRow() {
  const phase = el("strong", { class: "out-phase" });
  const eta = el("span", { class: "out-eta" });
  const said = el("span", { class: "out-said", role: "status" });
  const bar = el(
    "div",
    { class: "out-bar", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 },
    el("i"),
  );
  const cancel = kit.button({ id: "cancel", name: "close", label: "Cancel", kind: "cancel" });
  const live = kit.button({ name: "live", label: "Watch live", kind: "ghost" });
  const tools = el("div", { class: "out-view-tools", role: "group", "aria-label": "View" });
  const node = el("div", { class: "out-status" }, el("div", { class: "out-status-words" }, phase, eta), tools, live, cancel, bar, said);
  return { node, phase, eta, said, bar, cancel, live, tools };
}

/** Say a phase once: every step would talk over everything else. @param {ReturnType<typeof statusRow>} row @param {Job | null} job */
export function announce(row, job) {
  const words = !job ? "" : job.phase === "denoising" && kit.isActive(job) ? "Drawing" : kit.jobWords(job);
  if (row.said.textContent !== words) row.said.textContent = words;
}

/** @param {ReturnType<typeof statusRow>} row @param {Job | null} job */
export function drawBar(row, job) {
  const share = job ? kit.progress(job) : 0;
  const running = Boolean(job && job.status === "running");
  row.bar.classList.toggle("unknown", running && share === null);
  row.bar.classList.toggle("off", !job || !kit.isActive(job));
  row.bar.children[0].style.setProperty("--share", share ?? 0);
  if (share === null) row.bar.removeAttribute("aria-valuenow");
  else row.bar.setAttribute("aria-valuenow", Math.round(share * 100));
}

/** @param {WorkerState | null} worker @param {Job | null} ended */
export function idleWords(worker, ended) {
  if (ended) return ended.status === "done" && ended.started_at && ended.finished_at ? doneWords(ended) : kit.jobWords(ended);
  if (worker?.state === "starting") return "Getting ready. You can already write your prompt.";
  if (worker?.state === "restarting") return "Starting again. Your jobs are safe.";
  if (worker?.state === "down") return worker.detail || "The studio cannot draw right now.";
  return "Ready";
}

/** @param {Job} job */
const doneWords = (job) =>
  `Done in ${kit.seconds((kit.date(job.finished_at ?? "").getTime() - kit.date(job.started_at ?? "").getTime()) / 1000)}`;

/** @param {() => unknown} dismiss */
export function failureCard(dismiss) {
  const words = el("p", {});
  const node = el(
    "div",
    { class: "out-failure", role: "alert" },
    el("h3", {}, "This picture was not made"),
    words,
    kit.button({ label: "Dismiss", run: dismiss }),
  );
  return { node, words };
}
