// The tokens with which scripts come in: who has one, until when; made, shown once, and revoked here.
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import * as kit from "../kit/kit.js";

/** @typedef {import("../core/schemas.js").TokenRecord} TokenRecord */
/** @typedef {import("../core/schemas.js").NewToken} NewToken */

const LASTING = [
  ["", "Until revoked"],
  ["30", "30 days"],
  ["365", "A year"],
];

/** @param {number} seconds since 1970 */
export const dayOf = (seconds) =>
  new Date(seconds * 1000).toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });

class TokenList {
  constructor() {
    this.name = kit.field("For", { id: "token-name", maxlength: 64, placeholder: "the name of a script", autocomplete: "off" });
    this.lasting = kit.choice("Good for", LASTING, () => {});
    this.fresh = el("div", { class: "house-fresh", "aria-live": "polite" });
    this.list = el("ul", { class: "house-token-list" });
    const make = kit.button({ id: "token-make", label: "Make a token", run: () => this.make() });
    this.name.input.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), this.make()));
    this.node = el(
      "section",
      { class: "house-tokens", "aria-label": "Tokens for scripts" },
      el("h3", {}, "Tokens for scripts"),
      this.list,
      el("div", { class: "house-make" }, this.name.node, this.lasting.node, make),
      this.fresh,
    );
  }

  async draw() {
    /** @type {TokenRecord[] | null} */
    const tokens = await api("/tokens").catch(() => null);
    if (!tokens) return;
    const rows = tokens.map((token) => this.row(token));
    this.list.replaceChildren(...(rows.length ? rows : [el("li", {}, "None so far. A script shows one in place of the password.")]));
  }

  /** @param {TokenRecord} token */
  row({ id, name, made_at, until }) {
    const lasts = until ? `until ${dayOf(until)}` : "until revoked";
    return el(
      "li",
      {},
      el("span", {}, el("strong", {}, name), ` made ${dayOf(made_at)}, good ${lasts}`),
      kit.button({ label: `Revoke ${name}`, name: "trash", words: false, kind: "ghost", run: () => this.revoke(id, name) }),
    );
  }

  async make() {
    const name = this.name.input.value.trim();
    if (!name) return void this.name.input.focus();
    const days = Number(this.lasting.select.value) || null;
    /** @type {NewToken | null} */
    const made = await api("/tokens", { method: "POST", json: { name, days } }).catch(() => null);
    if (!made) return;
    this.name.input.value = "";
    const shown = kit.field(`The token for ${made.name}. It is shown this once: copy it now.`, { readonly: true, value: made.token });
    this.fresh.replaceChildren(shown.node);
    shown.input.select();
    await this.draw();
  }

  /** @param {string} id @param {string} name */
  async revoke(id, name) {
    const words = `What comes in with it, ${name}, is let in no more from now on.`;
    if (!(await kit.confirm({ title: "Revoke this token?", words, yes: "Revoke", id: "token-revoke" }))) return;
    await api(`/tokens/${id}`, { method: "DELETE" }).catch(() => {});
    this.fresh.replaceChildren();
    await this.draw();
  }
}

/** The list, filled soon. */
export function tokenList() {
  const list = new TokenList();
  list.draw();
  return list.node;
}
