// Calls of the REST interface. What is refused comes back as words for the artist.
import { apiAddress } from "./addresses.js";
import { emit } from "./bus.js";

/** @typedef {{detail: string, status?: number, code?: string, errors?: {field?: string, detail: string}[]}} Problem */

/** A call that was refused, or not answered. */
export class Refusal extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Whether the same call may be answered a little later: the studio did not answer, or could not. @param {unknown} error */
export const passes = (error) => error instanceof Refusal && !((error.problem.status ?? 500) < 500);

/** @param {Response} response @returns {Promise<Problem>} */
const wordsOf = async (response) => {
  try {
    const problem = await response.json();
    if (typeof problem.detail === "string" && problem.detail) return problem;
  } catch {
    /* not a problem document */
  }
  return { detail: `The studio could not do that (answer ${response.status}). Nothing was lost.` };
};

/** @param {Problem} problem @param {boolean} quiet @returns {never} */
const fail = (problem, quiet) => {
  if (!quiet) emit("refused", problem.detail);
  throw new Refusal(problem);
};

/** JSON in which a seed too long for a JavaScript number is text. @param {string} text */
export const parse = (text) => JSON.parse(text.replace(/"seed":\s*(\d{16,})/g, '"seed":"$1"'));

/**
 * The answer to a call. Refusals become a toast (not with quiet: true) and a thrown Refusal.
 * @param {string} path
 * @param {RequestInit & {json?: unknown, quiet?: boolean, headers?: Record<string, string>}} options
 * @returns {Promise<Response>}
 */
export async function answer(path, { json, quiet = false, headers = {}, ...options } = {}) {
  const body = json === undefined ? options.body : JSON.stringify(json);
  /** @type {Record<string, string>} */
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(apiAddress(path), { ...options, body, headers: { Accept: "application/json", ...type, ...headers } });
  } catch {
    return fail({ detail: "The studio does not answer. Check that it is still running, then try again." }, quiet);
  }
  return response.ok ? response : fail(await wordsOf(response), quiet);
}

/**
 * api("/images/ID", {method: "PATCH", json: {starred: true}}) → parsed body, or null where there is none.
 * @param {string} path
 * @param {Parameters<typeof answer>[1]} options
 * @returns {Promise<any>}
 */
export async function api(path, options = {}) {
  const response = await answer(path, options);
  return response.status === 204
    ? null
    : response
        .text()
        .then(parse)
        .catch(() => null);
}
