// What the browser remembers for the page. Private windows and full disks must not break the page.

/** @typedef {"localStorage" | "sessionStorage"} Area of all tabs, or of this one. */

export const store = {
  /** @param {Area} area @param {string} key */
  get(area, key) {
    try {
      return window[area].getItem(`likeness.${key}`);
    } catch {
      return null;
    }
  },
  /** @param {Area} area @param {string} key @param {string} text */
  set(area, key, text) {
    try {
      window[area].setItem(`likeness.${key}`, text);
    } catch {
      /* the page works without memory */
    }
  },
};
