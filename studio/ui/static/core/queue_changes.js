// What the queue is after a change of it; what a change says stands in studio/api/queue_changes.py.

/** @typedef {import("./events.js").Job} Job */
/** @typedef {import("./events.js").Snapshot} Snapshot */
/** @typedef {{version: number, since: number, fields?: object, gone?: string[], jobs?: Job[], places?: [number, string][]}} Change */

/** @param {Job} job @param {number | null} position */
const placed = (job, position) => (job.position === position ? job : { ...job, position });

/**
 * The snapshot after the change; jobs that stay as they are stay the same objects.
 * @param {Snapshot} snapshot
 * @param {Change} change
 * @returns {Snapshot}
 */
export function changed(snapshot, change) {
  const { version, fields = {}, gone = [], jobs = [], places = [] } = change;
  const known = new Map(snapshot.jobs.map((/** @type {Job} */ job) => [job.id, job]));
  for (const part of jobs) known.set(part.id, { ...known.get(part.id), ...part });
  const out = new Set([...gone, ...places.map(([, id]) => id)]);
  const order = snapshot.jobs.map((/** @type {Job} */ job) => job.id).filter((/** @type {string} */ id) => !out.has(id));
  for (const [index, id] of places) order.splice(index, 0, id);
  let waiting = 0;
  const now = order.flatMap((/** @type {string} */ id) => known.get(id) ?? []);
  const placedNow = now.map((/** @type {Job} */ job) => placed(job, job.status === "queued" ? waiting++ : null));
  return { ...snapshot, ...fields, version, jobs: placedNow };
}
