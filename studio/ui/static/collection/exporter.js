// Export: the chosen pictures, or a whole branch, as one zip. Opened by `export:open` {ids} or {branch_of} on the bus.

import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import * as pictures from "./pictures.js";

const FORMATS = [
  ["", "As they are"],
  ["png", "PNG"],
  ["jpeg", "JPEG"],
  ["webp", "WebP"],
];

class Exporter {
  /** @type {string[]} */
  ids = [];
  /** @type {string | undefined} */
  branch;

  constructor() {
    this.dialog = kit.dialog({ id: "export-dialog", title: "Export" });
    this.format = kit.choice("Format", FORMATS, () => {}, { id: "export-format" });
    this.clean = kit.tick("Clean copies: the files say nothing of prompts and settings", { id: "export-clean" });
    this.rights = kit.tick("Put source, licence and consent into the manifest", { id: "export-rights" });
    this.words = el("p", { class: "out-dim", role: "status" });
    this.go = kit.button({ name: "download", label: "Export", id: "export-start", kind: "strong", run: () => this.run() });
    this.dialog.body.append(
      el("p", {}, "One zip with the pictures and a manifest that says how each was made."),
      this.format.node,
      this.clean.node,
      this.rights.node,
      this.words,
    );
    this.dialog.node.append(
      el("div", { class: "out-dialog-foot end" }, kit.button({ label: "Cancel", kind: "ghost", run: () => this.dialog.close() }), this.go),
    );
  }

  /** @param {{ids?: string[], branch_of?: string}} event */
  open({ ids = [], branch_of: branch }) {
    this.ids = ids;
    this.branch = branch;
    this.dialog.heading.textContent = branch ? "Export this branch" : `Export ${kit.count(ids.length)}`;
    this.words.textContent = "";
    this.dialog.open();
    this.format.select.focus();
  }

  wish() {
    const which = this.branch ? { branch_of: this.branch } : { ids: this.ids };
    return { ...which, format: this.format.select.value || null, clean: this.clean.input.checked, with_rights: this.rights.input.checked };
  }

  async run() {
    this.go.disabled = true;
    this.words.textContent = "Packing…";
    try {
      const { url, name, leftOut } = await pictures.zip(this.wish());
      pictures.save(url, name);
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      this.dialog.close();
      if (leftOut) toast("Some pictures could not be exported. left-out.txt in the zip says which, and why.", "warning");
    } catch (error) {
      this.words.textContent = /** @type {Error} */ (error).message;
    }
    this.go.disabled = false;
  }
}

/** @type {Exporter | null} */
let shown = null;

/** Open it; it is made when it is first asked for. @param {{ids?: string[], branch_of?: string}} event */
export function open(event) {
  shown ??= new Exporter();
  shown.open(event);
}
