// Small live parts of the settings side: the quiet notices, the words below Generate, the seed used last, the strength
// beside Influence, and what folds away.
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { latestSnapshot, onSnapshot } from "../core/snapshot.js";
import { store } from "../core/storage.js";
import { tabId } from "../core/tab.js";
import { icon } from "../kit/icons.js";
import { isActive } from "../kit/jobs.js";
import { keepAsking, setAsked } from "./asked.js";

/** @typedef {import("../core/events.js").Part} Part */
/** @typedef {import("../core/events.js").Snapshot} Snapshot */

// --- notices ----------------------------------------------------------------------------------

/** Sentences from Python; tells `settled` when they are to be said anew. @param {Part} part */
export function notices({ element, props, watch, tell }) {
  const list = el("ul", { class: "lk-notices", "aria-live": "polite" });
  element.querySelector(".lk-notices-root")?.append(list);
  const draw = () => list.replaceChildren(...(props.value ?? []).map((/** @type {string} */ text) => el("li", {}, text)));
  keepAsking((data) => tell.settled(data));
  watch("value", draw);
  watch("scene", () => {
    setAsked(props.scene);
    emit("prompt:read", { loras: props.scene?.loras ?? [] });
  });
  draw();
}

// --- Generate -----------------------------------------------------------------------------------

/** @param {Part} part */
export function generateStatus({ element }) {
  const line = el("div", { class: "lk-generate-status", id: "generate-status", role: "status" });
  element.querySelector(".lk-generate-root")?.append(line);
  const key = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ Enter" : "Ctrl + Enter";
  /** @param {Snapshot | null} snapshot */
  const draw = (snapshot) => {
    const active = snapshot?.jobs.filter(isActive) ?? [];
    const running = active.filter((job) => job.status === "running").length;
    const waiting = active.length - running;
    const parts = [running && `${running} running`, waiting && `${waiting} queued`].filter(Boolean);
    line.textContent = parts.length ? `${parts.join(" · ")}. Generate adds another.` : key;
  };
  draw(latestSnapshot());
  onSnapshot(draw);
}

/** @param {Part} part */
export function sweepButton({ element }) {
  const open = el(
    "button",
    {
      type: "button",
      id: "sweep",
      class: "lk-icon-button",
      title: "Try several values of a setting as a grid",
      "aria-label": "Sweep: try several values of a setting as a grid",
      onclick: () => emit("sweep:open", null),
    },
    icon("sweep"),
  );
  element.querySelector(".lk-sweep-root")?.append(open);
}

/** Where the columns stand one below the other, what is being made would be out of sight. */
export function showPreview() {
  if (window.matchMedia("(max-width: 1023px)").matches) document.getElementById("preview")?.scrollIntoView({ behavior: "smooth" });
}

// --- additional settings: closed by a class, so that its controls are always on the page ----------

/** @param {Part} part `props.scene`: {target, words} */
export function disclosure({ element, props }) {
  const { target, words } = props.scene;
  const button = el(
    "button",
    { type: "button", class: "lk-disclosure", "aria-controls": target, "aria-expanded": "false" },
    words,
    icon("chevron"),
  );
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    document.getElementById(target)?.classList.toggle("lk-hidden", !open);
  });
  element.querySelector(".lk-disclosure-root")?.append(button);
}

// --- seed and influence ---------------------------------------------------------------------------

/** The seed of the job of this tab that began last. @param {Snapshot} snapshot */
function newestSeed(snapshot) {
  const begun = snapshot.jobs.flatMap((job) =>
    job.tab === tabId() && job.started_at ? [{ at: job.started_at, seed: job.request.seed }] : [],
  );
  begun.sort((a, b) => (a.at < b.at ? 1 : -1));
  return begun[0] ? String(begun[0].seed) : null;
}

let usedSeed = store.get("sessionStorage", "seed");

/** The seed this tab used last, as text, or null. */
export const lastSeed = () => usedSeed;

/** Tells `used` when the artist wants it back. @param {Part} part */
export function seedMemory({ element, tell }) {
  const number = el("span", {});
  const button = el(
    "button",
    { type: "button", id: "last-seed", class: "lk-link", title: "Put this seed into the box", onclick: () => tell.used() },
    "Last used ",
    number,
  );
  const none = el("span", { class: "lk-muted" }, "No seed used yet");
  const draw = () => {
    number.textContent = usedSeed ?? "";
    element.querySelector(".lk-seed-root")?.replaceChildren(usedSeed ? button : none);
  };
  onSnapshot((snapshot) => {
    const seed = newestSeed(snapshot);
    if (!seed || seed === usedSeed) return;
    usedSeed = seed;
    store.set("sessionStorage", "seed", seed);
    draw();
  });
  draw();
}

/** Influence as the strength other tools speak of. @param {unknown} influence in percent */
export function showStrength(influence) {
  const note = document.getElementById("strength");
  if (note && typeof influence === "number") note.textContent = `strength ${(1 - influence / 100).toFixed(2)}`;
}
