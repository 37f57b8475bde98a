// What the studio would say of a request before it is made, under the words it is made of: words that the model has never
// met, a shape it was not made for, a photograph where it knows drawings alone.
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";

const SETTLED = 400; // ms without a change

/** @import { Checked } from "../core/schemas.js" */

export class Told {
  /** @param {() => Record<string, unknown> | null} request what would be asked for; null: nothing yet */
  constructor(request) {
    this.request = request;
    this.turn = 0;
    this.timer = 0;
    this.node = el("ul", { class: "chr-told", role: "status", hidden: true });
  }

  /** Something was changed. */
  soon() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(), SETTLED);
  }

  async ask() {
    const turn = (this.turn += 1);
    const request = this.request();
    /** @type {Checked | null} */
    const said = request ? await api("/jobs/check", { method: "POST", json: request, quiet: true }).catch(() => null) : null; // a refusal is said when it is asked for
    if (turn !== this.turn) return;
    this.node.replaceChildren(...(said?.notices ?? []).map((words) => el("li", {}, words)));
    this.node.hidden = !said?.notices.length;
  }
}
