// How others come in: the address for a phone, as words and as a code to be photographed, tokens, and the way out.
import { apiAddress } from "../core/addresses.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import * as kit from "../kit/kit.js";
import { dayOf, tokenList } from "./tokens.js";

/** @typedef {import("../core/schemas.js").DoorInfo} DoorInfo */

const HERE =
  "Only this computer reaches the studio so far. To open it on your phone, end it and start it with --host 0.0.0.0: it asks you to choose a password first.";

/** @param {DoorInfo} door */
const asksWords = ({ closed }) =>
  closed
    ? "Point the phone’s camera at it, in the same network. The phone asks for the password once, for thirty days."
    : "Point the phone’s camera at it, in the same network. Nobody is asked for a password: whoever reaches this address can use the studio.";

/** @param {DoorInfo} door */
function wayIn(door) {
  if (!door.address) return [el("p", {}, HERE)];
  const code = el("img", { class: "house-code", src: apiAddress("/door/qr"), width: 264, height: 264, alt: `QR code of ${door.address}` });
  return [
    code,
    el("a", { class: "house-address", href: door.address, target: "_blank", rel: "noopener" }, door.address),
    el("p", {}, asksWords(door)),
  ];
}

/** @param {string} query */
async function logOut(query) {
  await api(`/logout${query}`, { method: "POST" });
  location.reload();
}

/** @param {number} until */
const wayOut = (until) => [
  el("p", { class: "house-until" }, `Logged in until ${dayOf(until)}.`),
  kit.button({
    id: "log-out-everywhere",
    label: "Log out everywhere",
    kind: "ghost",
    run: () => logOut("?everywhere=true").catch(() => {}),
  }),
  kit.button({ id: "log-out", label: "Log out", run: () => logOut("").catch(() => {}) }),
];

export async function open() {
  /** @type {DoorInfo | null} */
  const door = await api("/door").catch(() => null); // its toast has said why
  if (!door) return;
  const shown = kit.dialog({ id: "house-dialog", title: "On your phone", onClose: () => shown.node.remove() });
  shown.body.append(...wayIn(door));
  if (door.owner) shown.body.append(tokenList());
  if (door.session_until) shown.node.append(el("div", { class: "out-dialog-foot" }, wayOut(door.session_until)));
  shown.open();
}
