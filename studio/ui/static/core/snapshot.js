// The queue's snapshot. A browser allows few open connections per server, and each tab already uses some. So one tab
// listens to the server and passes what it hears to the others; when it closes, the next one takes over.
import { apiAddress } from "./addresses.js";
import { emit, on } from "./bus.js";
import { whenLeading } from "./leader.js";
import { changed } from "./queue_changes.js";
import { api, parse } from "./rest.js";
import { tabKnown } from "./tab.js";

/** @typedef {import("./events.js").Snapshot} Snapshot */

/** @type {Snapshot | null} */
let latest = null;
let connected = false;
let told = false;
/** @type {EventSource | null} */
let source = null;
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("likeness.events") : null;

/** What was heard last, or null. */
export const latestSnapshot = () => latest;

/** Whether this tab is the one that listens to the server. */
export const listens = () => source !== null;

/** Hear of the queue from now on, and at once where something is known. @param {(snapshot: Snapshot) => unknown} callback */
export function onSnapshot(callback) {
  if (latest) callback(latest);
  return on("snapshot", callback);
}

on("snapshot", (snapshot) => (latest = snapshot));

/** @param {boolean} now */
function setConnected(now) {
  if (connected === now) return;
  connected = now;
  if (now) told = false;
  emit("connection", now);
}

/** @param {object} message */
const share = (message) => channel?.postMessage(message);

/** @param {Snapshot} snapshot */
function take(snapshot) {
  latest = snapshot;
  emit("snapshot", snapshot);
}

/** Take a change, where it goes on from what is known. @param {import("./queue_changes.js").Change} change */
function follows(change) {
  if (latest?.version !== change.since) return false;
  take(changed(latest, change));
  return true;
}

function listen() {
  const events = new EventSource(apiAddress("/events?changes=1"));
  source = events;
  events.addEventListener("snapshot", (event) => {
    const snapshot = parse(event.data);
    setConnected(true);
    take(snapshot);
    share({ snapshot });
  });
  events.addEventListener("change", (event) => {
    const change = parse(event.data);
    if (follows(change)) share({ change });
    else if (source === events) again(); // it cannot be told from here what the queue is
  });
  events.addEventListener("error", () => {
    setConnected(false);
    share({ connected: false });
    if (events.readyState !== EventSource.CLOSED) return;
    api("/door", { quiet: told }).catch(() => (told = true)); // a toast says once why the answer was no
    setTimeout(() => source === events && listen(), 2000);
  });
}

function leave() {
  source?.close();
  source = null;
}

function again() {
  leave();
  listen();
}

/** @param {MessageEvent} message */
function hearTab({ data }) {
  if (data.snapshot) {
    setConnected(true);
    take(data.snapshot);
  } else if (data.change && !follows(data.change)) share({ ask: true });
  else if (data.connected === false) setConnected(false);
  else if (data.ask && source && latest) share({ snapshot: latest });
}

/** Begin to listen, once: to the tab that listens to the server, or to the server. */
export async function follow() {
  await tabKnown;
  channel?.addEventListener("message", hearTab);
  share({ ask: true });
  whenLeading("likeness.events", listen, leave);
}
