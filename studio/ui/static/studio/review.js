// One edit over many pictures, looked through one by one: the picture on the left, what came of it on the right. K keeps
// (a star), X puts it into the trash, U takes that back, the arrows go on, and while O is held the picture itself is seen.
import * as pictures from "../collection/pictures.js";
import { fileAddress } from "../core/addresses.js";
import { on } from "../core/bus.js";
import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";

/** @typedef {{source: string, result: string, label: string}} Pair */

class Review {
  constructor() {
    /** @type {Pair[]} */
    this.pairs = [];
    /** @type {Map<string, "kept" | "trashed">} */
    this.said = new Map();
    this.at = 0;
    this.dialog = kit.dialog({ id: "review-dialog", title: "One by one", kind: "wide tall", saves: true });
    this.before = el("img", { alt: "", draggable: "false" });
    this.after = el("img", { alt: "", draggable: "false" });
    this.words = el("p", { class: "out-review-words", role: "status" });
    this.stage = el(
      "div",
      { class: "out-review" },
      el("figure", {}, el("figcaption", {}, "Before"), this.before),
      el("figure", { class: "after" }, el("figcaption", {}, "After"), this.after),
    );
    this.dialog.body.append(this.words, this.stage);
    this.count = el("span", { class: "out-picker-count" });
    this.trash = kit.button({ name: "trash", label: "Trash", key: "X", kind: "ghost", id: "review-trash", run: () => this.say("trashed") });
    this.keep = kit.button({ name: "star", label: "Keep", key: "K", kind: "strong", id: "review-keep", run: () => this.say("kept") });
    this.undo = kit.button({ name: "restore", label: "Take back", key: "U", kind: "ghost", id: "review-undo", run: () => this.takeBack() });
    const back = kit.button({ name: "left", label: "Previous", key: "ArrowLeft", words: false, kind: "ghost", run: () => this.go(-1) });
    const next = kit.button({ name: "right", label: "Next", key: "ArrowRight", words: false, kind: "ghost", run: () => this.go(1) });
    this.dialog.node.append(el("div", { class: "out-dialog-foot" }, this.count, back, next, this.undo, this.trash, this.keep));
    this.dialog.node.addEventListener("keydown", (event) => this.key(event));
    this.dialog.node.addEventListener("keyup", (event) => event.key.toLowerCase() === "o" && this.hold(false));
    on("pictures:marked", ({ ids, action }) => action === "restore" && this.restored(ids));
  }

  /** @param {Pair[]} pairs */
  async open(pairs) {
    this.pairs = pairs;
    this.at = 0;
    this.said = new Map();
    this.dialog.open();
    this.keep.focus();
    this.draw();
    for (const record of await pictures.many(pairs.map((pair) => pair.result))) if (record.starred) this.said.set(record.id, "kept");
    this.at = Math.max(
      0,
      pairs.findIndex((pair) => !this.said.has(pair.result)),
    );
    this.draw();
  }

  /** @param {string[]} ids */
  restored(ids) {
    for (const id of ids) if (this.said.get(id) === "trashed") this.said.delete(id);
    if (this.dialog.node.open) this.draw();
  }

  draw() {
    const pair = this.pairs[this.at];
    if (!pair) return;
    const said = this.said.get(pair.result);
    this.hold(false);
    if (this.before.getAttribute("src") !== fileAddress(pair.source)) this.before.src = fileAddress(pair.source);
    this.before.alt = `Before: ${pair.label}`;
    this.after.alt = `After: ${pair.label}`;
    this.stage.classList.toggle("lost", said === "trashed");
    this.words.textContent = `${this.at + 1} of ${this.pairs.length}: ${pair.label}${said ? ` – ${said}` : ""}`;
    const of = (/** @type {string} */ what) => [...this.said.values()].filter((each) => each === what).length;
    this.count.textContent = `${of("kept")} kept, ${of("trashed")} in the trash, ${this.pairs.length - this.said.size} to go`;
    this.undo.disabled = !said;
  }

  /** Show the picture itself in the result's place. @param {boolean} on */
  hold(on) {
    const pair = this.pairs[this.at];
    const wanted = pair && fileAddress(on ? pair.source : pair.result);
    if (wanted && this.after.getAttribute("src") !== wanted) this.after.src = wanted;
  }

  /** @param {number} by */
  go(by) {
    this.at = Math.min(Math.max(this.at + by, 0), this.pairs.length - 1);
    this.draw();
  }

  /** @param {"kept" | "trashed"} what */
  async say(what) {
    const { result } = this.pairs[this.at];
    const before = this.said.get(result);
    if (before === what) return this.go(1);
    await this.change(result, before, what);
    return this.go(1);
  }

  /** Of this picture, or of the one before where nothing was said of this one yet. */
  async takeBack() {
    if (!this.said.has(this.pairs[this.at].result)) this.go(-1);
    const { result } = this.pairs[this.at];
    await this.change(result, this.said.get(result), undefined);
    this.draw();
  }

  /** @param {string} id @param {"kept" | "trashed" | undefined} before @param {"kept" | "trashed" | undefined} now */
  async change(id, before, now) {
    try {
      if (before === "trashed") await pictures.bulk([id], "restore");
      if (before === "kept") await pictures.bulk([id], "unstar");
      if (now) await pictures.bulk([id], now === "kept" ? "star" : "trash");
    } catch {
      return; // its toast has said why
    }
    if (now) this.said.set(id, now);
    else this.said.delete(id);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (kit.isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => unknown>} */
    const run = {
      arrowleft: () => this.go(-1),
      arrowright: () => this.go(1),
      k: () => this.say("kept"),
      x: () => this.say("trashed"),
      u: () => this.takeBack(),
      o: () => this.hold(true),
    };
    const act = run[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

/** @type {Review | null} */
let shown = null;

/** @param {{pairs: Pair[]}} said */
export function open({ pairs }) {
  shown ??= new Review();
  return shown.open(pairs);
}
