// The queue's snapshot. A browser allows few open connections per server, and each tab already uses some. So one tab
// listens to the server and passes what it hears to the others; when it closes, the next one takes over.
import { apiAddress } from "./addresses.js";
import { emit, on } from "./bus.js";
import { parse } from "./rest.js";
import { tabKnown } from "./tab.js";

/** @typedef {import("./events.js").Snapshot} Snapshot */

/** @type {Snapshot | null} */
let latest = null;
let connected = false;
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
  emit("connection", now);
}

/** @param {object} message */
const share = (message) => channel?.postMessage(message);

/** @param {Snapshot} snapshot */
function take(snapshot) {
  latest = snapshot;
  emit("snapshot", snapshot);
}

function listen() {
  const events = new EventSource(apiAddress("/events"));
  source = events;
  /** @param {MessageEvent} event */
  const hear = (event) => {
    const snapshot = parse(event.data);
    setConnected(true);
    take(snapshot);
    share({ snapshot });
  };
  events.addEventListener("message", hear);
  events.addEventListener("snapshot", hear);
  events.addEventListener("error", () => {
    setConnected(false);
    share({ connected: false });
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

/** @param {MessageEvent} message */
function hearTab({ data }) {
  if (data.snapshot) {
    setConnected(true);
    take(data.snapshot);
  } else if (data.connected === false) setConnected(false);
  else if (data.ask && source && latest) share({ snapshot: latest });
}

/** Begin to listen, once: to the tab that listens to the server, or to the server. */
export async function follow() {
  await tabKnown;
  if (!channel || !navigator.locks) return void listen();
  channel.addEventListener("message", hearTab);
  share({ ask: true });
  await navigator.locks.request("likeness.events", () => (listen(), new Promise(() => {})));
}
