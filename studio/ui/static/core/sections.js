// The sections of the page: buttons #tab-NAME show #panel-NAME; all panels stay mounted. The address keeps the section.
import { emit } from "./bus.js";

let section = "studio";

const sections = () => [...document.querySelectorAll("[role=tab][id^=tab-]")].map((tab) => tab.id.slice(4));

/** The section that is shown. */
export const currentSection = () => section;

/** @param {string} name @param {boolean} chosen */
function draw(name, chosen) {
  const tab = document.getElementById(`tab-${name}`);
  tab?.setAttribute("aria-selected", String(chosen));
  if (tab) tab.tabIndex = chosen ? 0 : -1;
  document.getElementById(`panel-${name}`)?.classList.toggle("lk-hidden", !chosen);
}

/** Show a section; nothing where there is none of that name. @param {string} name */
export function showTab(name) {
  if (!sections().includes(name)) return;
  const changed = section !== name;
  section = name;
  for (const other of sections()) draw(other, other === name);
  document.getElementById(`tab-${name}`)?.scrollIntoView({ block: "nearest", inline: "center" });
  // the page has a base address, so the whole one is said
  if (location.hash !== `#${name}`) history.replaceState(null, "", `${location.pathname}${location.search}#${name}`);
  if (changed) window.scrollTo(0, 0);
  emit("tab:shown", name);
}

/** Follow the address, once. */
export function followAddress() {
  window.addEventListener("hashchange", () => showTab(location.hash.slice(1)));
}
