// The news that a character, or any of them, has changed: to the rest of the page and to other tabs.
import { emit } from "../core/bus.js";

const channel = "BroadcastChannel" in window ? new BroadcastChannel("likeness.characters") : null;

/** Tell everybody that a character (or, without an id, any of them) has changed. @param {string | null} id */
export function tell(id) {
  emit("characters:changed", { id });
  channel?.postMessage({ id });
}
channel?.addEventListener("message", ({ data }) => emit("characters:changed", { ...data, elsewhere: true }));
