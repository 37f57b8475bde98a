// Light and dark.
import { emit } from "./bus.js";
import { store } from "./storage.js";

/** @typedef {"light" | "dark"} Theme */

/** @returns {Theme} */
export const theme = () => (document.body.classList.contains("dark") ? "dark" : "light");

/** @param {string} wanted */
export function setTheme(wanted) {
  document.body.classList.toggle("dark", wanted === "dark");
  store.set("localStorage", "theme", wanted);
  emit("theme", wanted);
}
