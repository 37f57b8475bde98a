// The header: name, sections, what the worker is doing, light and dark.
import { emit, on } from "../core/bus.js";
import { el, matches } from "../core/dom.js";
import { api, Refusal } from "../core/rest.js";
import { showTab } from "../core/sections.js";
import { onSnapshot } from "../core/snapshot.js";
import { store } from "../core/storage.js";
import { setTheme, theme } from "../core/theme.js";
import { icon } from "../kit/icons.js";
import { jobWords } from "../kit/jobs.js";
import { isTyping } from "../kit/keyboard.js";
import { toast } from "../kit/toasts.js";

/** @typedef {import("../core/events.js").Part} Part */
/** @typedef {import("../core/events.js").Snapshot} Snapshot */

/** @type {Record<string, string>} */
const DEVICES = { cpu: "CPU", mps: "Apple GPU", cuda: "GPU" };

/** @param {string | null | undefined} device */
const deviceWords = (device) => (device ? (DEVICES[device.split(":")[0] ?? ""] ?? device) : "");

/** @param {Snapshot["worker"]} worker */
function workerWords({ state, device, detail, workers }) {
  const where = workers.length ? `${workers.length} workers` : deviceWords(device);
  /** @type {Record<string, string>} */
  const words = {
    starting: detail || "Loading the model…",
    ready: ["Ready", where].filter(Boolean).join(" · "),
    busy: ["Working", where].filter(Boolean).join(" · "),
    restarting: detail || "Starting again…",
    down: detail || "The engine has stopped",
  };
  return words[state] ?? state;
}

/** @param {HTMLElement} chip @param {string} state @param {string} words */
function drawChip(chip, state, words, title = words) {
  chip.dataset.state = state;
  chip.textContent = words;
  chip.title = title;
}

/** Where there are several workers: each, with what it is at. @param {Snapshot} snapshot */
const eachWorker = ({ worker, jobs }) =>
  [
    worker.detail,
    ...worker.workers.map(({ name, state, detail }) => {
      const job = jobs.find((one) => one.status === "running" && one.worker === name);
      return `${name}: ${job ? jobWords(job) : detail || state}`;
    }),
  ].join("\n");

/** @param {string} name @param {string} words */
function tabButton(name, words) {
  const count = name === "queue" ? el("span", { class: "lk-count", "aria-hidden": "true" }) : null;
  const select = {
    role: "tab",
    id: `tab-${name}`,
    "aria-controls": `panel-${name}`,
    "aria-selected": "false",
    class: "lk-tab",
    type: "button",
  };
  return el("button", { ...select, onclick: () => showTab(name) }, words, count);
}

/** @param {Part} part `props.scene.sections`: [id, words] of each section */
export function header({ element, props }) {
  const root = element.querySelector(".lk-header");
  const chip = el("span", { class: "lk-chip", id: "worker-state", role: "status" });
  const toggle = el("button", { type: "button", id: "theme-toggle", class: "lk-icon-button" });
  /** @type {[string, string][]} */
  const sections = props.scene.sections;
  const tabs = sections.map(([name, words]) => tabButton(name, words));
  const nav = el("div", { class: "lk-tabs", role: "tablist", "aria-label": "Sections" }, tabs);
  root?.append(
    el("h1", { class: "lk-name" }, el("span", { class: "lk-name-text" }, "Likeness")),
    nav,
    el(
      "div",
      { class: "lk-header-end" },
      chip,
      undoButton(),
      opener("house", "On your phone", "phone", "house:open"),
      shortcutsButton(),
      toggle,
    ),
  );
  wireTabs(nav, tabs);
  keepInView(nav);
  wireTheme(toggle);
  drawChip(chip, "starting", "Connecting…");
  onSnapshot((snapshot) => {
    const held = snapshot.held && `The queue waits. ${snapshot.held}`;
    const title = snapshot.worker.workers.length && !held ? eachWorker(snapshot) : undefined;
    drawChip(chip, held ? "down" : snapshot.worker.state, held || workerWords(snapshot.worker), title);
    const count = nav.querySelector(".lk-count");
    if (count) count.textContent = String(snapshot.jobs.filter(({ status }) => status === "running").length + snapshot.waiting || "");
  });
  on("connection", (connected) => connected || sayAway(chip));
  sayHeld();
  showFirst();
}

/** The studio is gone, or who asks is let in no more. @param {HTMLElement} chip */
function sayAway(chip) {
  drawChip(chip, "away", "Studio not reachable");
  api("/door", { quiet: true }).catch((error) => {
    if (error instanceof Refusal && error.problem.status === 401) drawChip(chip, "away", "Logged out: reload the page");
  });
}

/** Say why nothing is drawn, and what to do, for as long as that is so. */
function sayHeld() {
  let said = "";
  /** @type {Element | null} */
  let note = null;
  onSnapshot(({ held }) => {
    if ((held ?? "") === said) return;
    said = held ?? "";
    note?.remove();
    note = said ? toast(`Nothing is drawn for now. ${said} What is queued is kept and goes on by itself.`, "error") : null;
    if (!said) toast("The queue goes on.", "success");
  });
}

/** Takes back what was put into the trash last, until it is done or something else is put there. */
function undoButton() {
  const button = el("button", { type: "button", id: "undo", class: "lk-icon-button", hidden: true }, icon("restore"));
  /** @type {(() => unknown) | null} */
  let run = null;
  const undo = () => Promise.resolve(run?.()).catch(() => {}); // its toast has said why
  button.addEventListener("click", undo);
  on("undo:offered", (offer) => {
    run = offer?.run ?? null;
    button.hidden = !offer;
    button.title = offer ? `${offer.words} Bring back (Ctrl+Z)` : "";
    button.setAttribute("aria-label", "Bring back what was moved to the trash last");
  });
  document.addEventListener("keydown", (event) => {
    const asked = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    if (!asked || !run || event.defaultPrevented || matches(event, "input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    undo();
  });
  return button;
}

/** @param {string} id @param {string} label @param {import("../kit/icons.js").IconName} name @param {"shortcuts:open" | "house:open"} event */
const opener = (id, label, name, event, title = label) =>
  el(
    "button",
    { type: "button", class: "lk-icon-button", id, title, "aria-label": label, "aria-haspopup": "dialog", onclick: () => emit(event) },
    icon(name),
  );

function shortcutsButton() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.defaultPrevented || isTyping(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    emit("shortcuts:open");
  });
  return opener("shortcuts", "Keyboard shortcuts", "keys", "shortcuts:open", "Keyboard shortcuts (?)");
}

function showFirst() {
  const wanted = location.hash.slice(1);
  const known = document.getElementById(`tab-${wanted}`) && document.getElementById(`panel-${wanted}`);
  showTab(known ? wanted : "studio");
}

/** @param {HTMLElement} nav @param {HTMLElement[]} tabs */
function wireTabs(nav, tabs) {
  nav.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab === document.activeElement);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next?.focus();
    next?.click();
  });
}

/** On a narrow page the row of sections scrolls: the one shown stays in it, whatever the width becomes. @param {HTMLElement} nav */
function keepInView(nav) {
  const centre = () => {
    const row = nav.getBoundingClientRect();
    const chosen = nav.querySelector("[aria-selected=true]")?.getBoundingClientRect();
    if (chosen) nav.scrollLeft += chosen.left + chosen.width / 2 - row.left - row.width / 2;
  };
  new ResizeObserver(centre).observe(nav);
}

/** @param {HTMLElement} button */
function wireTheme(button) {
  const draw = () => {
    const dark = theme() === "dark";
    button.replaceChildren(icon(dark ? "sun" : "moon"));
    button.title = dark ? "Switch to light" : "Switch to dark";
    button.setAttribute("aria-label", button.title);
  };
  const stored = store.get("localStorage", "theme");
  if (stored && !new URLSearchParams(location.search).has("__theme")) setTheme(stored);
  button.addEventListener("click", () => setTheme(theme() === "dark" ? "light" : "dark"));
  new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  draw();
}
