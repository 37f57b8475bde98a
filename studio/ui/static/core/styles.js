// Stylesheets of what is not on the page from the beginning.
import { el } from "./dom.js";

/** @type {Map<string, Promise<unknown>>} */
const asked = new Map();

/** @param {string} name @returns {Promise<unknown>} */
function load(name) {
  return new Promise((done) => {
    const href = new URL(`../styles/${name}.css`, import.meta.url).href;
    document.head.append(el("link", { rel: "stylesheet", href, onload: done, onerror: done })); // plain is better than not at all
  });
}

/** Resolves once they are there; each is asked for once. @param {...string} names */
export function styles(...names) {
  for (const name of names) if (!asked.has(name)) asked.set(name, load(name));
  return Promise.all(names.map((name) => asked.get(name)));
}
