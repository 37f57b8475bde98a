// A sweep as the grid it is: values above and beside, pictures as they come.
import * as pictures from "../collection/pictures.js";
import { apiAddress, sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { SWEPT } from "../core/rules.js";
import { onSnapshot } from "../core/snapshot.js";
import * as kit from "../kit/kit.js";
import { requestChange } from "./changes.js";

/** @import { Labelled, Sweep, SweepCell } from "../core/schemas.js" */

/** @type {Record<string, string>} */
const STATES = { queued: "Waiting", running: "Being made…", failed: "Failed", cancelled: "Cancelled", done: "No longer there" };
const PAUSE = 700; // ms between two looks at most

/** @param {Labelled} axis @param {string | number} value */
const words = (axis, value) => (axis.field === "prompt_part" ? String(value) : `${SWEPT[axis.field] ?? axis.field} ${value}`);

class Grid {
  constructor() {
    /** @type {Sweep | null} */
    this.sweep = null;
    this.id = "";
    /** @type {string[]} */
    this.chosen = [];
    this.timer = 0;
    this.table = el("table", { class: "out-sweep-table" });
    this.state = el("span", { role: "status" });
    this.zoom = el("input", { type: "range", min: 80, max: 480, step: 20, value: 160, "aria-label": "Size of the pictures" });
    this.zoom.addEventListener("input", () => this.table.style.setProperty("--cell", `${this.zoom.value}px`));
    this.compare = kit.button({ name: "compare", label: "Compare the two", run: () => this.openBoth() });
    this.use = kit.button({ name: "use", label: "Go on from it", run: () => this.goOn() });
    this.stop = kit.button({ name: "close", label: "Cancel the rest", kind: "ghost", run: () => this.tell("cancel") });
    this.resume = kit.button({ name: "again", label: "Go on", kind: "ghost", run: () => this.tell("resume") });
    this.picture = el("a", { class: "out-button ghost", download: "" }, "As one picture");
    this.archive = kit.button({ name: "download", label: "As a zip", kind: "ghost", run: () => emit("export:open", { ids: this.images }) });
    const tools = [this.state, this.zoom, this.use, this.compare, this.stop, this.resume, this.picture, this.archive];
    this.dialog = kit.dialog({ id: "sweep-grid", title: "Sweep", kind: "wide tall", saves: true, onClose: () => (this.id = "") });
    this.dialog.body.append(el("div", { class: "out-sweep-tools" }, ...tools), el("div", { class: "out-sweep-scroll" }, this.table));
    onSnapshot(() => this.soon());
    on("pictures:new", () => this.soon());
    on("pictures:marked", () => this.soon());
  }

  get images() {
    return (this.sweep?.cells ?? []).flatMap((cell) => (cell.image ? [cell.image.id] : []));
  }

  /** @param {string} id */
  open(id) {
    this.id = id;
    this.chosen = [];
    this.dialog.open();
    return this.look();
  }

  soon() {
    if (!this.id || this.timer) return;
    this.timer = window.setTimeout(() => ((this.timer = 0), this.look()), PAUSE);
  }

  async look() {
    const { id } = this;
    if (!id) return;
    /** @type {Sweep | null} */
    const found = await api(`/sweeps/${encodeURIComponent(id)}`, { quiet: true }).catch(() => null);
    if (found && id === this.id) this.show(found);
  }

  /** @param {string} verb */
  async tell(verb) {
    this.show(await api(`/sweeps/${encodeURIComponent(this.id)}/${verb}`, { method: "POST" }));
  }

  /** @param {Sweep} sweep */
  show(sweep) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.cell;
    this.sweep = sweep;
    const open = sweep.cells.some((cell) => cell.status === "queued" || cell.status === "running");
    this.state.textContent = open ? `${sweep.ended} of ${kit.count(sweep.total)}` : kit.count(sweep.total);
    this.stop.hidden = !open;
    this.resume.hidden = !sweep.cells.some((cell) => cell.status === "cancelled" || cell.status === "failed");
    this.picture.href = apiAddress(`/sweeps/${encodeURIComponent(sweep.id)}/sheet`);
    const head = el("tr", {}, el("td", {}), ...sweep.x.values.map((value) => el("th", { scope: "col" }, words(sweep.x, value))));
    const rows = (sweep.y?.values ?? [""]).map((value, y) => this.row(sweep, value, y));
    this.table.replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
    if (focused) /** @type {HTMLElement | null} */ (this.table.querySelector(`[data-cell="${focused}"]`))?.focus();
    this.mark();
  }

  /** @param {Sweep} sweep @param {string | number} value @param {number} y */
  row(sweep, value, y) {
    const cells = sweep.cells.filter((cell) => cell.y === y);
    return el("tr", {}, el("th", { scope: "row" }, sweep.y ? words(sweep.y, value) : ""), ...cells.map((cell) => this.cell(sweep, cell)));
  }

  /** @param {Sweep} sweep @param {SweepCell} cell */
  cell(sweep, cell) {
    const place = [words(sweep.x, sweep.x.values[cell.x]), sweep.y ? words(sweep.y, sweep.y.values[cell.y]) : ""]
      .filter(Boolean)
      .join(", ");
    const name = `${cell.x}-${cell.y}`;
    if (!cell.image)
      return el("td", {}, el("p", { class: "out-empty", "data-cell": name }, cell.error?.message ?? STATES[cell.status ?? "done"]));
    const { id } = cell.image;
    const tick = el("input", { type: "checkbox", "data-choose": id, "aria-label": `Choose: ${place}` });
    tick.addEventListener("change", () => this.choose(id, tick.checked));
    const open = el(
      "button",
      { type: "button", class: "out-sweep-cell", "data-cell": name, "data-picture": id, "aria-label": place, title: place },
      el("img", { ...sized(id, 320), alt: "", loading: "lazy", decoding: "async" }),
    );
    open.addEventListener("click", () => emit("details:open", { id, ids: this.images }));
    open.addEventListener("keydown", (event) => this.key(event, id));
    return el("td", {}, open, el("label", { class: "out-tick" }, tick));
  }

  /** @param {KeyboardEvent} event @param {string} id */
  key(event, id) {
    /** @type {Record<string, [number, number]>} */
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (event.key.toLowerCase() === "s") return void pictures.toggleStar(id);
    if (!step) return;
    event.preventDefault();
    const [x, y] = /** @type {HTMLElement} */ (event.currentTarget).dataset.cell?.split("-").map(Number) ?? [0, 0];
    /** @type {HTMLElement | null} */ (this.table.querySelector(`[data-cell="${x + step[0]}-${y + step[1]}"]`))?.focus();
  }

  /** The last two that were chosen stay. @param {string} id @param {boolean} on */
  choose(id, on) {
    this.chosen = [...this.chosen.filter((each) => each !== id), ...(on ? [id] : [])].slice(-2);
    this.mark();
  }

  mark() {
    this.chosen = this.chosen.filter((id) => this.images.includes(id));
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (this.table.querySelectorAll("[data-choose]")))
      box.checked = this.chosen.includes(box.dataset.choose ?? "");
    this.compare.disabled = this.chosen.length !== 2;
    this.use.disabled = this.chosen.length !== 1;
    this.archive.disabled = !this.images.length;
  }

  openBoth() {
    const [against, id] = this.chosen;
    emit("compare:open", { id, against });
  }

  goOn() {
    requestChange({ action: "use", image_id: this.chosen[0] });
    this.dialog.close();
  }
}

/** @type {Grid | null} */
let grid = null;

/** @param {string} id */
export const showGrid = (id) => (grid ??= new Grid()).open(id);
