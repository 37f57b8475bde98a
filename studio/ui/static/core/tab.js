// This tab's id, which outlives a reload. Each open tab holds a lock of its name: where the last tab's lock is free,
// its browser was closed, and the tab that opens now takes its place, with its jobs and pictures.
import { store } from "./storage.js";

const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

/**
 * Whether the tab's name is ours now, until the page is closed.
 * @param {string} id
 * @param {LockOptions} options
 * @returns {Promise<boolean>}
 */
const holdTab = (id, options = {}) =>
  new Promise((answer) => {
    const held = navigator.locks.request(`likeness.tab.${id}`, options, (lock) => {
      answer(Boolean(lock));
      return lock && new Promise(() => {});
    });
    held.catch(() => answer(false));
  });

let tab = "";

/** @param {string} id */
const beTab = (id) => {
  tab = id;
  store.set("sessionStorage", "tab", id);
  store.set("localStorage", "tab", id);
};

const chooseTab = async () => {
  const own = store.get("sessionStorage", "tab");
  const last = store.get("localStorage", "tab");
  const free = !own && last && navigator.locks && (await holdTab(last, { ifAvailable: true }));
  beTab(own ?? (free ? last : randomId()));
  if (!free && navigator.locks) holdTab(tab);
};

/** Empty until `tabKnown`. */
export const tabId = () => tab;

export const tabKnown = chooseTab();
