// Folders of other tools: added, listed with what each holds, forgotten. The studio changes nothing in them.
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import * as kit from "../kit/kit.js";
import { chip } from "./row.js";

/** @import { AddOn, Library, ModelRoot } from "../core/schemas.js" */

/** Names that one list shows. */
export const MOST = 200;
/** @type {Record<ModelRoot["state"], [kind: string, words: string]>} */
const STATES = {
  ready: ["good", "Ready"],
  looking: ["", "Being looked through"],
  away: ["warn", "Not there now"],
  unreadable: ["bad", "Cannot be read"],
};
const ABOUT =
  "ComfyUI, AUTOMATIC1111, Forge, InvokeAI, SwarmUI and Fooocus: their models are used where they are. Nothing is copied, moved or changed. An extra_model_paths.yaml leads to all the folders it names.";

/** A list that is made when it is opened first. @param {string} words @param {() => Node[]} make @param {boolean} [open] */
function folded(words, make, open = false) {
  const list = el("ul", { class: "mod-files mod-root-files" });
  const fill = () => !list.children.length && list.replaceChildren(...make());
  return el("details", { class: "mod-more", ontoggle: fill, open }, el("summary", {}, words), list);
}

/** @param {string} name @param {string} words @param {string} [title] */
const line = (name, words, title = "") => el("li", { title }, el("span", {}, name), el("span", {}, words));

/** @param {number} left */
export const more = (left) => (left > 0 ? [line(`and ${left.toLocaleString()} more`, "")] : []);

export class ModelRoots {
  /** @type {string} */
  text;

  /**
   * @param {{ added: (library: Library | null) => unknown, kinds: Record<AddOn["kind"], string>,
   *   isFound: (each: AddOn) => boolean, asked: () => string }} page
   */
  constructor(page) {
    this.page = page;
    this.list = el("ul", { class: "mod-addons", id: "model-roots" });
    this.path = kit.field("Folder on the computer that the studio runs on", {
      id: "model-root-path",
      maxlength: 4096,
      placeholder: "E:\\ComfyUI or /home/me/ComfyUI",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.button = kit.button({ id: "model-root-add", name: "plus", label: "Add the folder", type: "submit" });
    const form = el("form", { class: "mod-root-form" }, this.path.node, this.button);
    form.addEventListener("submit", (event) => (event.preventDefault(), this.add()));
    this.node = el(
      "section",
      { "aria-label": "Folders of other tools" },
      el("h3", {}, "Folders of other tools"),
      el("p", { class: "mod-note" }, ABOUT),
      this.list,
      form,
    );
  }

  /** @param {Library} library */
  show(library) {
    const parts = library.add_ons.filter((each) => each.root && this.page.isFound(each));
    const text = JSON.stringify([library.model_roots, parts.length, this.page.asked()]);
    if (text === this.text) return;
    this.text = text;
    this.list.replaceChildren(...library.model_roots.map((root) => this.rootOf(root, parts)));
  }

  /** @param {ModelRoot} root @param {AddOn[]} parts */
  rootOf(root, parts) {
    const own = parts.filter((each) => each.root === root.path);
    const again = root.again ? `${root.again.toLocaleString()} more that another folder has already` : "";
    const words = root.words || `Holds ${[root.held, again].filter(Boolean).join(", ")}.`;
    const forget = root.given
      ? el("span", { class: "mod-note" }, "Given at the start")
      : kit.button({ name: "close", label: `Forget ${root.path}`, words: false, kind: "ghost", run: () => this.forget(root) });
    return el(
      "li",
      { class: "mod-addon mod-root" },
      el(
        "div",
        { class: "mod-root-head" },
        chip(...STATES[root.state]),
        root.tool ? chip("accent", root.tool) : "",
        el("strong", {}, root.path),
        forget,
      ),
      el("p", { class: "mod-note", role: root.state === "ready" ? null : "status" }, words),
      own.length ? folded("LoRAs and other parts", () => this.partsOf(own), Boolean(this.page.asked().trim())) : "",
      root.refused_count ? folded("What cannot be used", () => this.refusedOf(root)) : "",
    );
  }

  /** @param {AddOn[]} own */
  partsOf(own) {
    const shown = own
      .slice(0, MOST)
      .map((each) => line(each.name, [this.page.kinds[each.kind], each.base_label].filter(Boolean).join(" · "), each.file));
    return [...shown, ...more(own.length - MOST)];
  }

  /** @param {ModelRoot} root */
  refusedOf(root) {
    const shown = root.refused.map((each) => el("li", { class: "mod-refused" }, el("strong", {}, each.file), el("span", {}, each.reason)));
    return [...shown, ...more(root.refused_count - root.refused.length)];
  }

  async add() {
    const path = this.path.input.value.trim();
    if (!path) return this.path.input.focus();
    this.button.disabled = true;
    const added = await api("/model-roots", { method: "POST", json: { path } }).catch(() => null);
    this.button.disabled = false;
    if (!added) return;
    this.path.input.value = "";
    this.page.added(await api("/models/library").catch(() => null));
  }

  /** @param {ModelRoot} root */
  async forget(root) {
    const words = [`${root.path} is looked through no more. Everything in it stays as it is.`];
    if (!(await kit.confirm({ id: "models-ask", title: "Forget this folder?", words, yes: "Forget", kind: "strong" }))) return;
    await api(`/model-roots?path=${encodeURIComponent(root.path)}`, { method: "DELETE" }).catch(() => null);
    this.page.added(await api("/models/library").catch(() => null));
    this.path.input.focus();
  }
}
