// The page's one way in. `mount` draws a part of the page into the element Gradio has made for it; what the page opens
// with is imported here, the other sections and the dialogs come when they are first wanted. Gradio's events reach the
// controls through the functions at the end.

import { fieldPicker } from "./characters/field_picker.js";
import { hearingAll } from "./core/answers.js";
import { emit, on } from "./core/bus.js";
import { currentSection, followAddress } from "./core/sections.js";
import { follow } from "./core/snapshot.js";
import { store } from "./core/storage.js";
import { styles } from "./core/styles.js";
import { keepDropsOffThePage } from "./kit/drops.js";
import { keepNumbersFromWheel, listenForGenerate } from "./kit/keyboard.js";
import { toast } from "./kit/toasts.js";
import { openToScripts } from "./outside.js";
import { addOns } from "./studio/addons.js";
import { assistant } from "./studio/assistant.js";
import { changes, generate } from "./studio/changes.js";
import { coachLine, coachVerdict } from "./studio/coach.js";
import { gallery } from "./studio/gallery.js";
import { header } from "./studio/header.js";
import { recall, recalled, remember } from "./studio/memory.js";
import { modelSelect } from "./studio/model_select.js";
import { promptTools } from "./studio/prompt_tools.js";
import { queueSummary } from "./studio/queue.js";
import { references } from "./studio/references.js";
import { measureRoom } from "./studio/room.js";
import { disclosure, generateStatus, lastSeed, notices, seedMemory, showStrength, sweepButton } from "./studio/small_parts.js";
import { stage } from "./studio/stage.js";

window.fetch = hearingAll(window.fetch.bind(window)); // before the page asks for anything

/** @typedef {import("./core/events.js").Part} Part */
/** @typedef {import("./core/events.js").Events} Events */

/** Parts the page opens with. @type {Record<string, (part: Part) => unknown>} */
const PARTS = {
  addOns,
  assistant,
  coachLine,
  coachVerdict,
  disclosure,
  fieldPicker,
  gallery,
  generateStatus,
  sweepButton,
  header,
  modelSelect,
  notices,
  promptTools,
  queueSummary,
  references,
  seedMemory,
  stage,
  changes: ({ tell }) => changes.mount(tell.asked),
};

/** With its stylesheets first. @template T @param {() => Promise<T>} load @param {...string} names @returns {() => Promise<T>} */
const styled =
  (load, ...names) =>
  async () => (await styles(...names), load());

/** Sections that are drawn when they are first shown. @type {Record<string, () => Promise<(part: Part) => unknown>>} */
const SECTIONS = {
  collection: async () => (await import("./collection/collection.js")).collection,
  characters: styled(async () => (await import("./characters/characters.js")).characters, "characters_modal"),
  queue: async () => (await import("./studio/queue_page.js")).queuePage,
  models: styled(async () => (await import("./models/models.js")).models, "models"),
};

/** What answers an event of the bus, and comes when that is first heard. @type {{[Name in keyof Events]?: () => Promise<(detail: any) => unknown>}} */
const ANSWERS = {
  "picker:open": async () => (await import("./collection/picker.js")).open,
  "enlarge:open": async () => (await import("./collection/enlarge.js")).open,
  "extend:open": styled(async () => (await import("./collection/extend.js")).open, "extend"),
  "details:open": styled(async () => (await import("./collection/details.js")).open, "tree"),
  "reproduce:start": styled(async () => (await import("./collection/details.js")).reproduce, "tree"),
  "compare:open": styled(async () => (await import("./collection/compare.js")).open, "tree"),
  "tree:open": styled(async () => (await import("./collection/tree.js")).open, "tree"),
  "winners:open": async () => (await import("./collection/winners.js")).open,
  "import:open": async () => (await import("./collection/importer.js")).open,
  "import:folder": async () => (await import("./collection/importer.js")).openFolder,
  "export:open": async () => (await import("./collection/exporter.js")).open,
  "portrait:open": styled(async () => (await import("./characters/portrait.js")).open, "characters_modal"),
  "character:apply": styled(async () => (await import("./characters/portrait.js")).applyTo, "characters_modal"),
  "crop:open": styled(async () => (await import("./characters/crop.js")).open, "characters_modal"),
  "avatar:export": styled(async () => (await import("./characters/crop.js")).exportAvatar, "characters_modal"),
  "blueprint:open": styled(async () => (await import("./characters/blueprint.js")).open, "characters_modal"),
  "references:open": styled(async () => (await import("./characters/reference_set.js")).open, "characters_modal"),
  "sheet:open": styled(async () => (await import("./characters/sheet.js")).open, "characters_modal"),
  "sweep:open": styled(async () => (await import("./studio/sweep.js")).open, "sweep"),
  "presets:open": styled(async () => (await import("./studio/presets.js")).open, "presets"),
  "many:open": styled(async () => (await import("./studio/many.js")).open, "sweep"),
  "review:open": styled(async () => (await import("./studio/review.js")).open, "sweep"),
  "house:open": styled(async () => (await import("./studio/house.js")).open, "house"),
  "shortcuts:open": async () => (await import("./studio/shortcuts.js")).open,
  "designs:open": styled(async () => (await import("./characters/designs.js")).open, "characters_modal"),
};

/**
 * Have a part of the page that is not there yet; null where it cannot be had.
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<T | null>}
 */
const bring = (load) =>
  load().catch((error) => {
    console.warn("likeness: a part of the page could not be loaded", error);
    toast("This part of the page could not be loaded. Check that the studio is still running, then reload the page.", "error");
    return null;
  });

/** @param {string} name @param {Part} part */
async function mountSection(name, part) {
  const draw = await bring(/** @type {() => Promise<(part: Part) => unknown>} */ (SECTIONS[name]));
  draw?.(part);
}

/** Draw a part of the page. @param {string} name @param {Part} part */
export function mount(name, part) {
  if (!part.element.firstElementChild) part.element.classList.add("out"); // those with a root of their own have their own styles
  if (!(name in SECTIONS)) return PARTS[name]?.(part);
  if (currentSection() === name) return mountSection(name, part);
  const off = on("tab:shown", (shown) => {
    if (shown !== name) return;
    off();
    mountSection(name, part);
  });
  return undefined;
}

function answerEvents() {
  for (const [name, load] of Object.entries(ANSWERS)) {
    /** @type {((detail: any) => unknown) | null} */
    let answer = null;
    on(/** @type {keyof Events} */ (name), async (detail) => {
      answer ??= await bring(load); // once it is there, it answers at once
      answer?.(detail);
    });
  }
}

/** An import that this tab began before it was loaded again is still watched. */
async function goOnWatching() {
  if (store.get("sessionStorage", "import")) (await bring(() => import("./collection/importer.js")))?.resume();
}

/** What is asked of a picture with references may have another shape than they have. */
function drawFits() {
  const off = on("settings:settled", async () => {
    if (!(recall().references ?? []).length) return;
    off();
    await bring(styled(() => import("./studio/fit_choice.js"), "fit"));
  });
}

openToScripts();
drawFits();
listenForGenerate();
keepDropsOffThePage();
keepNumbersFromWheel();
followAddress();
measureRoom();
answerEvents();
follow();
goOnWatching();
emit("page:loaded");

export { changes, generate, lastSeed, recall, recalled, remember, showStrength };
