// Jobs and requests in words. Draws nothing.
import { MODES } from "../core/rules.js";
import { line, percent, remaining } from "./formatting.js";

/** @typedef {import("../core/events.js").Job} Job */
/** @typedef {import("../core/events.js").Request} Request */

/** @type {Record<string, string>} */
const PHASES = { loading: "Loading the model…", encoding: "Encoding…", decoding: "Decoding…", enlarging: "Enlarging…", saving: "Saving…" };
/** @type {Record<string, string>} */
const ENDED = { done: "Done", failed: "Failed", cancelled: "Cancelled" };

/** Running or waiting. @param {Pick<Job, "status">} job */
export const isActive = (job) => job.status === "running" || job.status === "queued";

/** @param {Job} job */
function queuedWords(job) {
  if (!job.position) return "Next in the queue";
  return job.position === 1 ? "Waiting for 1 job" : `Waiting for ${job.position} jobs`;
}

/** Where a job is. @param {Job} job */
export function jobWords(job) {
  if (!isActive(job)) return ENDED[job.status] ?? "";
  if (job.cancel_requested) return "Cancelling…";
  if (job.status === "queued") return queuedWords(job);
  const tile = job.tiles > 1 ? `tile ${Math.min(job.tile + 1, job.tiles)} of ${job.tiles}` : "";
  if (job.phase === "enlarging" && tile) return `Enlarging, ${tile}`;
  if (job.phase === "denoising" && tile) return `Redrawing, ${tile}`;
  if (job.phase === "denoising") return job.step ? `Step ${job.step} of ${job.total_steps}` : "Starting to draw…";
  return PHASES[job.phase ?? ""] ?? "Starting…";
}

/** The rest of a running job, or "" where nothing is measured yet. @param {Job} job */
export function etaWords(job) {
  const left = job.eta_seconds;
  if (job.status !== "running" || job.cancel_requested || left === null || left === undefined) return "";
  return left < 1 ? "almost done" : remaining(left);
}

/** 0–1, or null where it cannot be told (loading, encoding). @param {Job} job */
export function progress(job) {
  if (job.status === "done") return 1;
  if (job.status === "running" && job.phase === "enlarging") return job.tiles ? job.tile / job.tiles : null;
  if (job.status !== "running" || !job.total_steps) return null;
  if (job.phase === "decoding" || job.phase === "saving") return 1;
  return job.phase === "denoising" ? job.step / job.total_steps : null;
}

/** @param {{width?: number | null, height?: number | null} | null | undefined} sized */
const measures = (sized) => (sized?.width && sized.height ? `${sized.width} × ${sized.height}` : null);

/**
 * The settings of a request on one line.
 * @param {Request} request
 * @param {{model?: string | null, seed?: number | string | null, picture?: {width?: number | null, height?: number | null} | null}} said
 *   `seed`, `picture`: the picture's own where they are known
 */
export function settingsLine(request, { model, seed, picture } = {}) {
  const used = seed ?? (Number(request.seed) >= 0 ? request.seed : null);
  const { strength } = request;
  const drawn = measures(request);
  const size = measures(picture) ?? drawn;
  if (isPlainlyEnlarged(request)) return line(model || request.model, request.scale && `× ${request.scale}`, size);
  return line(
    model || request.model,
    request.num_inference_steps === 1 ? "1 step" : `${request.num_inference_steps} steps`,
    request.quick_draft ? "quick draft" : null,
    `guidance ${request.guidance_scale}`,
    strength === null || strength === undefined ? null : `influence ${percent(1 - strength)}`,
    used === null ? null : `seed ${used}`,
    size,
    drawn && size !== drawn ? `drawn at ${drawn}` : null,
    request.finish && size === drawn ? `enlarged × ${request.finish.scale}` : null,
  );
}

/** Only made larger: no words, steps and seeds act on it. @param {Request} request */
export const isPlainlyEnlarged = (request) => request.mode === "upscale" && !request.upscaler;

/** @param {{prompt: string, mode?: string} | null | undefined} request */
export const promptWords = (request) => request?.prompt.trim() || (request?.mode === "upscale" ? "Enlarged" : "No prompt");

/** The name of a mode; a mode this page does not know by its own. @param {string} mode */
export const modeWords = (mode) => MODES[mode] ?? mode;
