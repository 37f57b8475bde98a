// Import a folder: one of this computer is chosen or dropped, and sent by this page; one of the computer the studio runs
// on is named, and read by the studio. How far it is, what could not be taken. The dialog can be closed and opened again
// meanwhile. Opened by `import:open` on the bus.
import { emit } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { store } from "../core/storage.js";
import { bringsFiles, bringsSomething, droppedFiles, isPicture } from "../kit/drops.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { droppedPictures } from "./folder_drop.js";
import { sendFolder } from "./folder_upload.js";

/** @import { Found, Sending } from "./folder_upload.js" */

const POLL = 700; // ms
export const LAST = "import"; // the import this browser watches
const SHOWN = 50; // problems that are listed
/** @type {Record<string, string>} */
const ENDED = {
  done: "Imported.",
  cancelled: "Cancelled. What was imported stays; import the folder again to go on.",
  interrupted: "It was interrupted. Import the folder again to go on where it stopped.",
  failed: "The folder could not be imported.",
};
/** How many pictures it has brought. @param {Sending | null | undefined} one */
const taken = (one) => (one?.added ?? 0) + (one?.restored ?? 0);
/** @param {Sending} said */
const isActive = ({ status }) => status === "scanning" || status === "running";

class Importer {
  /** @type {null | Sending} */
  shown;
  /** The import of the studio's that is watched, if any. @type {string | null} */
  watching;
  /** This page sends a folder. @type {boolean} */
  sending;

  constructor() {
    this.dialog = kit.dialog({ id: "import-dialog", title: "Import a folder" });
    this.sending = false;
    this.files = el("input", { type: "file", id: "import-files", webkitdirectory: true, multiple: true, hidden: true });
    this.files.addEventListener("change", () => this.chosen());
    this.choose = kit.button({
      id: "import-choose",
      name: "folder",
      label: "Choose a folder",
      kind: "strong",
      run: () => this.files.click(),
    });
    this.drop = el("div", { class: "import-drop" }, this.choose, el("span", { class: "out-dim" }, "or drop one here"), this.files);
    this.folder = kit.field("Whole path of the folder", {
      id: "import-path",
      placeholder: "/home/you/Pictures/portraits",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.start = kit.button({ label: "Import", id: "import-start", run: () => this.begin() });
    this.refusal = el("p", { class: "out-refusal", role: "alert", hidden: true });
    this.form = el(
      "div",
      { class: "out-group" },
      el(
        "p",
        {},
        "Every picture in it and in its folders is copied into the collection, with what its file says of how it was made. Originals stay as they are; pictures that are here already are skipped.",
      ),
      this.drop,
      el(
        "section",
        { id: "import-server", "aria-label": "A folder on the computer the studio runs on" },
        el("h3", {}, "Or one on the computer the studio runs on"),
        el("p", { class: "out-dim" }, "It is read in place, with the texts beside the pictures, and goes on when this page is closed."),
        this.folder.node,
        this.start,
      ),
      this.refusal,
    );
    this.bar = el("progress", { max: 1, "aria-label": "Progress" });
    this.words = el("p", { role: "status" });
    this.counts = el("p", { class: "out-dim" });
    this.problems = el("ul", { class: "out-notes out-problems" });
    this.state = el("div", { class: "out-group", hidden: true }, this.words, this.bar, this.counts, this.problems);
    this.cancel = kit.button({ label: "Cancel the import", id: "import-cancel", kind: "danger", run: () => this.stop() });
    this.again = kit.button({ label: "Import another folder", kind: "ghost", run: () => this.fresh() });
    this.close = kit.button({ label: "Close", kind: "ghost", run: () => this.dialog.close() });
    this.dialog.body.append(this.form, this.state);
    this.dialog.node.append(el("div", { class: "out-dialog-foot end" }, this.close, this.again, this.cancel));
    this.listenToDrops();
    this.folder.input.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), this.begin()));
    const last = store.get("sessionStorage", LAST);
    if (last) this.watch(last);
  }

  open() {
    this.dialog.open();
    this.draw();
    if (!this.shown) this.choose.focus();
  }

  fresh() {
    this.shown = null;
    this.refusal.hidden = true;
    this.draw();
    this.choose.focus();
  }

  listenToDrops() {
    const { node } = this.dialog;
    /** @param {boolean} on */
    const lit = (on) => this.drop.classList.toggle("lit", on);
    node.addEventListener("dragover", (event) => bringsSomething(event) && (event.preventDefault(), lit(true)));
    node.addEventListener("dragleave", (event) => node.contains(/** @type {Node | null} */ (event.relatedTarget)) || lit(false));
    node.addEventListener("drop", async (event) => {
      if (!bringsSomething(event)) return;
      event.preventDefault();
      lit(false);
      if (!bringsFiles(event)) return void droppedFiles(event);
      const name = event.dataTransfer?.items[0]?.webkitGetAsEntry()?.name ?? "the folder";
      this.send(name, await droppedPictures(event));
    });
  }

  chosen() {
    const files = [...(this.files.files ?? [])];
    const found = files.filter(isPicture).map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    this.files.value = "";
    if (files.length) this.send(files[0].webkitRelativePath.split("/")[0] || "the folder", found);
  }

  /** Send what was chosen or dropped. @param {string} folder @param {Found[]} pictures */
  async send(folder, pictures) {
    if (this.shown && isActive(this.shown)) return this.refuse("Another folder is being imported. Wait for it, or cancel it first.");
    if (!pictures.length) return this.refuse(`There is no picture in “${folder}”.`);
    this.refusal.hidden = true;
    this.watching = null;
    this.sending = true;
    await sendFolder(
      folder,
      pictures,
      (now) => this.take(now),
      () => this.sending,
    );
    this.sending = false;
    return undefined;
  }

  /** @param {string} words */
  refuse(words) {
    if (this.form.hidden) return void toast(words, "warning");
    this.refusal.hidden = false;
    this.refusal.textContent = words;
    return undefined;
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
      this.refuse(/** @type {Error} */ (error).message);
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

  /** @param {Sending} now */
  take(now) {
    const before = taken(this.shown);
    const ended = this.shown && isActive(this.shown) && !isActive(now);
    this.shown = now;
    this.draw();
    if (ended && !this.dialog.node.open)
      toast(`${ENDED[now.status]} ${this.countWords(now)}`, now.status === "done" ? "success" : "warning");
    if (taken(now) !== before) emit("collection:changed");
  }

  /** @param {Sending} said */
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
    this.cancel.hidden = !active;
    this.again.hidden = !now || active;
    if (now) this.drawState(now, active);
  }

  /** @param {Sending} now @param {boolean} active */
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
    if (this.sending) return void (this.sending = false);
    this.cancel.disabled = true;
    await api(`/imports/${encodeURIComponent(this.watching ?? "")}/cancel`, { method: "POST" }).catch(() => {}); // its toast has said why
    this.cancel.disabled = false;
  }
}

/** @type {Importer | null} */
let shown = null;
const dialog = () => (shown ??= new Importer());

/** Open it; it is made when it is first asked for. */
export const open = () => dialog().open();

/** Open it and begin with a folder that was dropped. @param {{folder: string, pictures: Promise<Found[]>}} said */
export async function openFolder({ folder, pictures }) {
  open();
  dialog().send(folder, await pictures);
}

/** Go on watching the import that this tab began before it was loaded again. */
export const resume = () => dialog();
