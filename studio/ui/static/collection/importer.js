// Import a folder: where it lies, how far it is, what could not be taken. The studio reads it; this page only
// watches, so the dialog can be closed and opened again. Opened by `import:open` on the bus.
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { store } from "../core/storage.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";

/** @import { ImportProgress } from "../core/schemas.js" */

const POLL = 700; // ms
export const LAST = "import"; // the import this browser watches
const SHOWN = 50; // problems that are listed
const ENDED = {
  done: "Imported.",
  cancelled: "Cancelled. What was imported stays; import the folder again to go on.",
  interrupted: "It was interrupted. Import the folder again to go on where it stopped.",
  failed: "The folder could not be imported.",
};
/** How many pictures it has brought. @param {import("../core/schemas.js").ImportProgress | null | undefined} one */
const taken = (one) => (one?.added ?? 0) + (one?.restored ?? 0);
/** @param {ImportProgress} said */
const isActive = ({ status }) => status === "scanning" || status === "running";

class Importer {
  /** @type {null | ImportProgress} */
  shown;
  /** @type {string} */
  watching;

  constructor() {
    this.dialog = kit.dialog({ id: "import-dialog", title: "Import a folder" });
    this.folder = kit.field("Folder on the computer the studio runs on", {
      id: "import-path",
      placeholder: "/home/you/Pictures/portraits",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.refusal = el("p", { class: "out-refusal", role: "alert", hidden: true });
    this.form = el(
      "div",
      { class: "out-group" },
      el(
        "p",
        {},
        "Every picture in it and in its folders is copied into the collection, with what its file says of how it was made. Originals stay as they are; pictures that are here already are skipped.",
      ),
      this.folder.node,
      this.refusal,
    );
    this.bar = el("progress", { max: 1, "aria-label": "Progress" });
    this.words = el("p", { role: "status" });
    this.counts = el("p", { class: "out-dim" });
    this.problems = el("ul", { class: "out-notes out-problems" });
    this.state = el("div", { class: "out-group", hidden: true }, this.words, this.bar, this.counts, this.problems);
    this.start = kit.button({ label: "Import", id: "import-start", kind: "strong", run: () => this.begin() });
    this.cancel = kit.button({ label: "Cancel the import", id: "import-cancel", kind: "danger", run: () => this.stop() });
    this.again = kit.button({ label: "Import another folder", kind: "ghost", run: () => this.fresh() });
    this.close = kit.button({ label: "Close", kind: "ghost", run: () => this.dialog.close() });
    this.dialog.body.append(this.form, this.state);
    this.dialog.node.append(el("div", { class: "out-dialog-foot end" }, this.close, this.again, this.cancel, this.start));
    this.folder.input.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), this.begin()));
    const last = store.get("sessionStorage", LAST);
    if (last) this.watch(last);
  }

  open() {
    this.dialog.open();
    this.draw();
    if (!this.shown) this.folder.input.focus();
  }

  fresh() {
    this.shown = null;
    this.draw();
    this.folder.input.focus();
  }

  async begin() {
    const folder = this.folder.input.value.trim();
    if (!folder) return this.folder.input.focus();
    this.start.disabled = true;
    try {
      const begun = await api("/imports", { method: "POST", json: { folder }, quiet: true });
      this.refusal.hidden = true;
      store.set("sessionStorage", LAST, begun.id);
      this.dialog.settled();
      this.take(begun);
      this.watch(begun.id);
    } catch (error) {
      this.refusal.hidden = false;
      this.refusal.textContent = /** @type {Error} */ (error).message;
      this.folder.input.focus();
    }
    this.start.disabled = false;
    return undefined;
  }

  /** @param {string} id */
  async watch(id) {
    this.watching = id;
    const now = await api(`/imports/${encodeURIComponent(id)}`, { quiet: true }).catch(() => null);
    if (this.watching !== id || !now) return;
    this.take(now);
    if (isActive(now)) setTimeout(() => this.watch(id), POLL);
  }

  /** @param {ImportProgress} now */
  take(now) {
    const before = taken(this.shown);
    const ended = this.shown && isActive(this.shown) && !isActive(now);
    this.shown = now;
    this.draw();
    if (ended && !this.dialog.node.open)
      toast(`${ENDED[now.status]} ${this.countWords(now)}`, now.status === "done" ? "success" : "warning");
    if (taken(now) !== before) emit("collection:changed");
  }

  /** @param {ImportProgress} said */
  countWords({ added, restored, duplicates, failed }) {
    return [
      `${kit.count(added)} added`,
      restored ? `${kit.grouped(restored)} taken out of the trash` : null,
      duplicates ? `${kit.grouped(duplicates)} were here already` : null,
      failed ? `${kit.grouped(failed)} could not be read` : null,
    ]
      .filter(Boolean)
      .join(", ");
  }

  draw() {
    const now = this.shown;
    const active = Boolean(now && isActive(now));
    this.form.hidden = Boolean(now);
    this.state.hidden = !now;
    this.start.hidden = Boolean(now);
    this.cancel.hidden = !active;
    this.again.hidden = !now || active;
    if (now) this.drawState(now, active);
  }

  /** @param {ImportProgress} now @param {boolean} active */
  drawState(now, active) {
    const eta = active && now.eta_seconds ? `, ${kit.remaining(now.eta_seconds)}` : "";
    const going =
      now.status === "scanning" ? `Looking through ${now.folder}…` : `${kit.grouped(now.done)} of ${kit.count(now.found)}${eta}`;
    this.words.textContent = active ? going : ENDED[now.status];
    this.bar.hidden = !active;
    if (now.status === "scanning" || !now.found) this.bar.removeAttribute("value");
    else this.bar.value = now.done / now.found;
    this.counts.textContent = this.countWords(now);
    const problems = now.problems.slice(0, SHOWN).map(({ path, reason }) => el("li", {}, el("strong", {}, path), ` ${reason}`));
    const more = now.failed > SHOWN ? [el("li", {}, `and ${kit.grouped(now.failed - SHOWN)} more`)] : [];
    this.problems.replaceChildren(...problems, ...more);
  }

  async stop() {
    this.cancel.disabled = true;
    await api(`/imports/${encodeURIComponent(this.shown.id)}/cancel`, { method: "POST" }).catch(() => {}); // its toast has said why
    this.cancel.disabled = false;
  }
}

/** @type {Importer | null} */
let shown = null;
const dialog = () => (shown ??= new Importer());

/** Open it; it is made when it is first asked for. */
export const open = () => dialog().open();

/** Go on watching the import that this tab began before it was loaded again. */
export const resume = () => dialog();
