// The bus between the parts of the page: who tells does not know who listens. What each event carries stands in
// `events.d.ts`, so a misspelt name or a wrong detail is found by the type checker.

/** @typedef {import("./events.js").Events} Events */

/** @type {Map<string, Set<(detail: any) => unknown>>} */
const listeners = new Map();

/**
 * Hear of an event from now on; the answer ends that.
 * @template {keyof Events} Name
 * @param {Name} name
 * @param {(detail: Events[Name]) => unknown} callback
 */
export function on(name, callback) {
  const heard = listeners.get(name) ?? new Set();
  listeners.set(name, heard.add(callback));
  return () => heard.delete(callback);
}

/**
 * Tell everybody who listens now; one that fails does not keep it from the others.
 * @template {keyof Events} Name
 * @param {Name} name
 * @param {Events[Name] extends undefined ? [] : [detail: Events[Name]]} details
 */
export function emit(name, ...details) {
  for (const callback of [...(listeners.get(name) ?? [])]) {
    try {
      callback(details[0]);
    } catch (error) {
      console.error(`likeness: a listener of ${name} failed`, error);
    }
  }
}
