// As much of a browser as the page's modules need to be loaded: what they compute is tested without one.

/** @returns {any} */
const node = () => ({ append() {}, setAttribute() {}, addEventListener() {}, replaceChildren() {}, classList: { add() {} }, style: {} });

/** @type {Map<string, string>} */
const kept = new Map();
const storage = {
  getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
  setItem: (/** @type {string} */ key, /** @type {string} */ text) => kept.set(key, text),
};

const stubs = {
  window: globalThis,
  document: {
    baseURI: "http://127.0.0.1/",
    body: node(),
    createElement: node,
    createElementNS: node,
    getElementById: () => null,
    querySelectorAll: () => [],
    addEventListener() {},
  },
  sessionStorage: storage,
  localStorage: storage,
  navigator: { platform: "" },
  matchMedia: () => ({ matches: false }),
  fetch: async () => {
    throw new TypeError("no network here");
  },
};
for (const [name, value] of Object.entries(stubs)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
Reflect.deleteProperty(globalThis, "BroadcastChannel"); // an open one keeps the process from ending
