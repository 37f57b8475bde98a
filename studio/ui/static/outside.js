// What a script in the browser's console, or a browser test, can reach of the page: `window.likeness`. The page itself
// uses none of it.
import * as toolbar from "./collection/toolbar.js";
import { emit, on } from "./core/bus.js";
import { api } from "./core/rest.js";
import { showTab } from "./core/sections.js";
import { latestSnapshot, listens } from "./core/snapshot.js";
import { tabId } from "./core/tab.js";
import { setTheme, theme } from "./core/theme.js";
import { requestChange } from "./studio/changes.js";
import { shownIds } from "./studio/gallery.js";

/** Add it to what the page's head has put there. */
export function openToScripts() {
  const gallery = { ids: shownIds };
  const reached = { api, change: requestChange, emit, gallery, listens, on, setTheme, showTab, theme, toolbar };
  const likeness = Object.assign(/** @type {any} */ (window).likeness, reached);
  Object.defineProperty(likeness, "snapshot", { get: latestSnapshot });
  Object.defineProperty(likeness, "tab", { get: tabId });
  Object.defineProperty(likeness, "events", { get: () => ({ source: listens() || null }) });
}
