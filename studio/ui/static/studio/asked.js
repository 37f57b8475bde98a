// What Generate would ask for now, and what the coach says of it, as Python said both last.
import { emit, on } from "../core/bus.js";
import { latestSnapshot, onSnapshot } from "../core/snapshot.js";
import { tabId } from "../core/tab.js";
import { isActive } from "../kit/jobs.js";

/** @import { Advice } from "../core/schemas.js" */
/** @typedef {{request?: Record<string, unknown> | null, advice?: Advice[]}} Said */

/** @type {Said} */
let said = {};

/** The request as REST takes it, or null where the settings cannot be read. */
export const asked = () => said.request ?? null;

/** The most useful first; often there is none. */
export const advice = () => said.advice ?? [];

/** @param {Said | null | undefined} answer */
export function setAsked(answer) {
  said = answer ?? {};
  emit("settings:checked");
}

/** The last picture this tab has made; none while it makes another, for then that one would be spoken of. */
export function lastPicture() {
  const mine = (latestSnapshot()?.jobs ?? []).filter((job) => job.tab === tabId());
  const made = mine.some(isActive) ? [] : mine.filter((job) => job.images.length);
  made.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  return made[0]?.images[0] ?? null;
}

/**
 * Ask Python whenever the artist has stopped changing things, and when another picture is the last one: what was said
 * of the one before is not to stand there.
 * @param {(data: {previous_image: string | null}) => void} ask
 */
export function keepAsking(ask) {
  /** @type {string | null | undefined} */
  let previous;
  let settled = false;
  const again = () => {
    previous = lastPicture();
    if (settled) ask({ previous_image: previous });
  };
  on("settings:settled", () => {
    settled = true;
    again();
  });
  onSnapshot(() => lastPicture() !== previous && again());
}
