// Pick winners: the pictures of one batch, large. Keys 1 to 9 choose, X keeps the chosen and puts the rest into the
// trash, R makes them the next references. Opened by `winners:open` {job_id, ids} on the bus.

import { fileAddress } from "../core/addresses.js";
import { on } from "../core/bus.js";
import { closest, el } from "../core/dom.js";
import { showTab } from "../core/sections.js";
import { relabel } from "../kit/buttons.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "../studio/changes.js";
import { measuredWords, ORDERS, ranked } from "../studio/measured.js";
import * as pictures from "./pictures.js";

/** @import { Picture } from "../core/events.js" */

const MOST_AT_ONCE = 12; // beyond that the list scrolls

class Winners {
  /** @type {string} */
  job;
  /** @type {string[]} */
  ids;
  /** @type {Set<string>} */
  chosen;
  /** @type {boolean} */
  done;
  /** @type {string[]} */
  made;
  /** @type {Map<string, string>} */
  measured;

  constructor() {
    this.dialog = kit.dialog({ id: "winners-dialog", title: "Pick winners", kind: "wide tall" });
    const touch = window.matchMedia("(hover: none)").matches;
    this.tip = touch
      ? "Tap the ones to keep."
      : "Choose the ones to keep with the keys 1 to 9. X puts the rest into the trash, R makes the chosen ones your next references.";
    this.help = el("p", { class: "out-dim", role: "status" }, this.tip);
    this.list = el("div", {
      class: "out-winners",
      role: "listbox",
      "aria-label": "Pictures of this batch",
      "aria-multiselectable": "true",
    });
    this.words = el("span", { class: "out-picker-count", role: "status" });
    this.use = kit.button({ name: "use", label: "Use as references", key: "R", run: () => this.perform("use") });
    this.keep = kit.button({
      name: "winners",
      label: "Keep the chosen",
      key: "X",
      id: "winners-keep",
      kind: "strong",
      run: () => this.perform("keep"),
    });
    this.order = kit.choice("Order", ORDERS, () => this.rank(), { id: "winners-order" });
    this.order.node.classList.add("out-winners-order");
    this.dialog.body.append(this.help, this.order.node, this.list);
    this.dialog.node.append(el("div", { class: "out-dialog-foot" }, this.words, this.use, this.keep));
    this.dialog.node.addEventListener("keydown", (event) => this.key(event));
    on("pictures:marked", ({ action }) => this.dialog.node.open && action === "restore" && this.undone());
  }

  /** @param {{job_id: string, ids: string[]}} said */
  open({ job_id: job, ids }) {
    this.job = job;
    this.ids = ids;
    this.made = ids;
    this.chosen = new Set();
    this.done = false;
    this.order.select.value = "";
    this.help.textContent = this.tip;
    this.measured = new Map();
    this.list.classList.toggle("many", ids.length > MOST_AT_ONCE);
    this.list.style.setProperty("--columns", Math.min(4, ids.length > 4 ? Math.ceil(ids.length / 2) : ids.length));
    this.fill();
    this.dialog.open();
    this.list.firstElementChild?.focus();
  }

  fill() {
    this.list.replaceChildren(...this.ids.map((id, index) => this.cell(id, index)));
    this.draw();
  }

  /** All of them in another order; what cannot be measured comes last. */
  async rank() {
    const { job } = this;
    const by = this.order.select.value;
    const wanted = () => job === this.job && by === this.order.select.value && this.dialog.node.open;
    const tell = (/** @type {string} */ words) => (this.help.textContent = words || this.tip);
    const found = by ? await ranked(job, by, tell, wanted) : (tell(""), null);
    if (!wanted()) return;
    const items = found?.items ?? [];
    this.measured = new Map(items.map((one) => [one.image.id, measuredWords(one)]));
    const order = items.map((one) => one.image.id).filter((id) => this.made.includes(id));
    this.ids = [...order, ...this.made.filter((id) => !order.includes(id))];
    if (!found) this.order.select.value = "";
    this.fill();
  }

  /** @param {string} id @param {number} index */
  cell(id, index) {
    const node = el(
      "div",
      { class: "out-winner", role: "option", "data-picture": id, tabindex: index ? -1 : 0, onclick: () => this.toggle(id) },
      el("img", { src: fileAddress(id), alt: "", draggable: "false" }),
      el("span", { class: "out-winner-number", "aria-hidden": "true" }, String(index + 1)),
      el("span", { class: "out-winner-mark" }, kit.icon("check")),
      this.measured.has(id) ? el("span", { class: "out-winner-measured" }, this.measured.get(id)) : null,
    );
    pictures.get(id).then(
      (record) => {
        node.style.setProperty("--ratio", record.width / record.height);
        node.setAttribute("aria-label", `${index + 1}: ${pictures.alt(record)}${record.seed === null ? "" : `, seed ${record.seed}`}`);
      },
      () => {},
    ); // its picture stands for it
    return node;
  }

  /** @param {string} id */
  toggle(id) {
    if (this.done) return;
    if (!this.chosen.delete(id)) this.chosen.add(id);
    this.draw();
  }

  draw() {
    const [kept, rest] = [this.chosen.size, this.ids.length - this.chosen.size];
    [...this.list.children].forEach((node) => {
      const chosen = this.chosen.has(node.dataset.picture ?? "");
      node.setAttribute("aria-selected", String(chosen));
      node.classList.toggle("lost", this.done && !chosen);
    });
    this.words.textContent = this.done ? `${kit.count(kept)} kept.` : kept ? `${kept} chosen` : "Nothing chosen yet";
    const words = rest ? `Keep ${kept}, trash ${rest}` : "Keep all";
    relabel(this.keep, words);
    this.keep.disabled = !kept || this.done;
    this.use.disabled = !kept;
    this.use.classList.toggle("strong", this.done);
  }

  /** @param {"use" | "keep"} what */
  async perform(what) {
    if (!this.chosen.size) return void toast("Choose at least one picture first.", "info");
    const ids = this.ids.filter((id) => this.chosen.has(id));
    if (what === "keep") return this.done || this.pick(ids).catch(() => {}); // its toast has said why
    this.dialog.close();
    showTab("studio");
    return requestChange({ action: "use_all", image_ids: ids });
  }

  /** @param {string[]} ids */
  async pick(ids) {
    await pictures.pickWinners(this.job, ids);
    this.done = true;
    this.draw();
    this.use.focus();
  }

  /** The rest came back: choose anew, with the choice as it was. */
  undone() {
    this.done = false;
    this.draw();
    this.focus(this.list.firstElementChild);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (kit.isTyping(event)) return;
    const current = closest(event, "[data-picture]");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const numbered = this.ids[Number(key) - 1];
    const target = current && kit.arrowTarget([...this.list.children], current, key);
    if (numbered) this.toggle(numbered), this.focus(this.list.children[Number(key) - 1]);
    else if (target) this.focus(target);
    else if (current && (key === " " || key === "Enter")) this.toggle(current.dataset.picture ?? "");
    else if (key === "x") this.perform("keep");
    else if (key === "r") this.perform("use");
    else return;
    event.preventDefault();
  }

  /** @param {Element | null | undefined} node */
  focus(node) {
    [...this.list.children].forEach((other) => (other.tabIndex = other === node ? 0 : -1));
    node?.focus();
  }
}

/** @type {Winners | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{job_id: string, ids: string[]}} event */
export function open(event) {
  shown ??= new Winners();
  shown.open(event);
}
