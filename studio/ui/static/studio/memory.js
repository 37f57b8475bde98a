// What this tab is working on, across reloads. The tab's own state lies in its session; a new tab begins with what was
// used last in any tab.
import { emit } from "../core/bus.js";
import { store } from "../core/storage.js";
import { showStrength } from "./small_parts.js";

const SETTLED = 400; // ms without a change

let ready = false;
let timer = 0;
/** @type {() => void} */
let announce;

/** Resolves once the controls hold what was recalled. */
export const whenReady = new Promise((/** @type {(value?: unknown) => void} */ resolve) => (announce = resolve));

/** What was remembered: values of the controls by name. @returns {Record<string, any>} */
export function recall() {
  const own = store.get("sessionStorage", "state");
  const text = own ?? store.get("localStorage", "state");
  try {
    const saved = JSON.parse(text ?? "null");
    if (!own && saved?.model) Object.assign(saved.model, { picked: false, begun: null }); // chosen in another tab
    return saved ?? {};
  } catch {
    return {};
  }
}

/**
 * The controls hold what was recalled, as far as it is still good: from here on that is what is remembered.
 * @param {string[]} names
 * @param {unknown[]} values
 */
export function recalled(names, values) {
  ready = true;
  remember(names, values);
  showStrength(values[names.indexOf("influence")]);
  announce();
  document.body.classList.add("lk-ready");
  emit("studio:ready");
  emit("settings:settled");
}

/** @param {string[]} names @param {unknown[]} values */
export function remember(names, values) {
  if (!ready) return;
  const text = JSON.stringify(Object.fromEntries(names.map((name, index) => [name, values[index]])));
  store.set("sessionStorage", "state", text);
  store.set("localStorage", "state", text);
  clearTimeout(timer);
  timer = window.setTimeout(() => emit("settings:settled"), SETTLED);
}
