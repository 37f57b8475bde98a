// A sweep as the grid it is: values above and beside, pictures as they come.
import * as pictures from "../collection/pictures.js";
import { apiAddress, sized } from "../core/addresses.js";
import { emit, on } from "../core/bus.js";
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { onSnapshot } from "../core/snapshot.js";
import * as kit from "../kit/kit.js";
import { requestChange } from "./changes.js";
import { measuredWords, ORDERS, ranked } from "./measured.js";
import { axisWords, PICTURES } from "./sweep_words.js";

/** @import { Labelled, Ranking, Sweep, SweepCell } from "../core/schemas.js" */

/** @type {Record<string, string>} */
const STATES = { queued: "Waiting", running: "Being made…", failed: "Failed", cancelled: "Cancelled", done: "No longer there" };
const PAUSE = 700; // ms between two looks at most

const SAYS_ITSELF = ["prompt_part", "prompt", "alternatives", "model", "mode", PICTURES];
/** What a value of an axis is called. @param {Labelled} axis @param {number} at */
function words(axis, at) {
  const value = axis.labels[at] ?? String(axis.values[at]);
  if (SAYS_ITSELF.includes(axis.field)) return value;
  return `${axisWords(axis.field)}${axis.field.includes(".") ? ":" : ""} ${value}`;
}

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
    this.measuring = el("span", { class: "out-dim", role: "status" });
    this.zoom = el("input", { type: "range", min: 80, max: 480, step: 20, value: 160, "aria-label": "Size of the pictures" });
    this.zoom.addEventListener("input", () => this.table.style.setProperty("--cell", `${this.zoom.value}px`));
    this.compare = kit.button({ name: "compare", label: "Compare the two", run: () => this.openBoth() });
    this.use = kit.button({ name: "use", label: "Go on from it", run: () => this.goOn("use") });
    this.reuse = kit.button({ name: "reuse", label: "Reuse its settings", kind: "ghost", run: () => this.goOn("reuse_settings") });
    this.stop = kit.button({ name: "close", label: "Cancel the rest", kind: "ghost", run: () => this.tell("cancel") });
    this.resume = kit.button({ name: "again", label: "Go on", kind: "ghost", run: () => this.tell("resume") });
    this.picture = el("a", { class: "out-button ghost", download: "" }, kit.icon("sweep"), el("span", {}, "As one picture"));
    this.archive = kit.button({ name: "download", label: "As a zip", kind: "ghost", run: () => emit("export:open", { ids: this.images }) });
    this.order = kit.choice("Order", ORDERS, () => this.rank(), { id: "sweep-order" });
    /** @type {Ranking | null} */
    this.ranking = null;
    this.winners = kit.button({ name: "winners", label: "Pick winners", run: () => this.pick() });
    this.review = kit.button({ name: "compare", label: "One by one", id: "sweep-review", run: () => this.oneByOne() });
    this.told = el("ul", { class: "out-sweep-told", "aria-label": "Left out" });
    const tools = [
      this.state,
      this.zoom,
      this.order.node,
      this.measuring,
      this.review,
      this.winners,
      this.use,
      this.reuse,
      this.compare,
      this.stop,
      this.resume,
      this.picture,
      this.archive,
    ];
    this.dialog = kit.dialog({ id: "sweep-grid", title: "Sweep", kind: "wide tall", saves: true, onClose: () => (this.id = "") });
    this.dialog.body.append(
      el("div", { class: "out-sweep-tools" }, ...tools),
      this.told,
      el("div", { class: "out-sweep-scroll", tabindex: 0, role: "region", "aria-label": "The grid" }, this.table),
    );
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
    this.ranking = null;
    this.order.select.value = this.measuring.textContent = "";
    this.table.replaceChildren();
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
    if (!found || id !== this.id) return;
    const more = found.cells.filter((cell) => cell.image).length !== this.ranking?.items.length;
    this.show(found);
    if (this.order.select.value && more) await this.rank();
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
    const there = this.images.length;
    this.state.textContent = there < sweep.total ? `${there} of ${kit.count(sweep.total)}` : kit.count(sweep.total);
    this.stop.hidden = !open;
    this.resume.hidden = !sweep.cells.some((cell) => cell.status === "cancelled" || cell.status === "failed");
    this.picture.href = apiAddress(`/sweeps/${encodeURIComponent(sweep.id)}/sheet`);
    const many = sweep.x.field === PICTURES;
    this.dialog.heading.textContent = many ? `“${kit.promptWords(sweep.request)}”` : "Sweep";
    this.review.hidden = !many;
    this.told.replaceChildren(...sweep.left_out.map((each) => el("li", {}, `${each.label}: ${each.reason}`)));
    const made = sweep.cells.find((cell) => cell.image)?.image;
    if (made) this.table.style.setProperty("--shape", `${made.width} / ${made.height}`);
    this.table.replaceChildren(...(this.ranking ? this.ordered(sweep, this.ranking) : many ? this.pairs(sweep) : this.grid(sweep)));
    if (focused) /** @type {HTMLElement | null} */ (this.table.querySelector(`[data-cell="${focused}"]`))?.focus();
    this.mark();
  }

  /** @param {Sweep} sweep */
  grid(sweep) {
    const heads = sweep.x.values.map((_, x) => el("th", { scope: "col" }, words(sweep.x, x)));
    const rows = (sweep.y?.values ?? [""]).map((_, y) => {
      const cells = sweep.cells.filter((cell) => cell.y === y);
      return el("tr", {}, el("th", { scope: "row" }, sweep.y ? words(sweep.y, y) : ""), ...cells.map((cell) => this.cell(sweep, cell)));
    });
    return [el("thead", {}, el("tr", {}, el("td", {}), heads)), el("tbody", {}, rows)];
  }

  /** One edit over many pictures: each beside what came of it. @param {Sweep} sweep */
  pairs(sweep) {
    const heads = ["Before", "After"].map((name) => el("th", { scope: "col" }, name));
    const rows = sweep.cells.map((cell) => {
      const source = String(sweep.x.values[cell.x]);
      const before = el("img", { ...sized(source, 320), alt: words(sweep.x, cell.x), loading: "lazy", decoding: "async" });
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, words(sweep.x, cell.x)),
        el("td", {}, el("div", { class: "out-sweep-cell" }, before)),
        this.cell(sweep, cell),
      );
    });
    return [el("thead", {}, el("tr", {}, el("td", {}), heads)), el("tbody", {}, rows)];
  }

  /** By what is measured, and behind it what is not made yet. @param {Sweep} sweep @param {Ranking} ranking */
  ordered(sweep, ranking) {
    const place = new Map(ranking.items.map((one, index) => [one.image.id, index]));
    const last = ranking.items.length;
    const cells = [...sweep.cells].sort((a, b) => (place.get(a.image?.id ?? "") ?? last) - (place.get(b.image?.id ?? "") ?? last));
    const rows = cells.map((cell) => {
      const at = place.get(cell.image?.id ?? "");
      const said = at === undefined ? "Not measured" : measuredWords(ranking.items[at]);
      const name = [words(sweep.x, cell.x), sweep.y && words(sweep.y, cell.y)].filter(Boolean).join(", ");
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, at === undefined ? "–" : `${at + 1}`),
        this.cell(sweep, cell),
        el("td", {}, el("p", {}, name), el("p", { class: "out-dim" }, said)),
      );
    });
    return [el("tbody", {}, rows)];
  }

  /** Put it into another order; nothing is left out of it. */
  async rank() {
    const { id } = this;
    const by = this.order.select.value;
    const wanted = () => id === this.id && by === this.order.select.value;
    const tell = (/** @type {string} */ words) => (this.measuring.textContent = words);
    const found = by ? await ranked(id, by, tell, wanted) : (tell(""), null);
    if (!wanted()) return;
    this.ranking = found;
    if (!found) this.order.select.value = "";
    if (this.sweep) this.show(this.sweep);
  }

  pick() {
    emit("winners:open", { job_id: this.id, ids: this.images });
  }

  oneByOne() {
    const { sweep } = this;
    if (!sweep) return;
    const pairs = sweep.cells.flatMap((cell) =>
      cell.image ? [{ source: String(sweep.x.values[cell.x]), result: cell.image.id, label: words(sweep.x, cell.x) }] : [],
    );
    emit("review:open", { pairs });
  }

  /** @param {Sweep} sweep @param {SweepCell} cell */
  cell(sweep, cell) {
    const place = [words(sweep.x, cell.x), sweep.y ? words(sweep.y, cell.y) : ""].filter(Boolean).join(", ");
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
    this.use.disabled = this.reuse.disabled = this.chosen.length !== 1;
    this.archive.disabled = !this.images.length;
    this.winners.disabled = this.images.length < 2;
    this.review.disabled = !this.images.length;
    this.order.select.disabled = this.images.length < 2;
  }

  openBoth() {
    const [against, id] = this.chosen;
    emit("compare:open", { id, against });
  }

  /** @param {string} action */
  goOn(action) {
    requestChange({ action, image_id: this.chosen[0] });
    this.dialog.close();
  }
}

/** @type {Grid | null} */
let grid = null;

/** @param {string} id */
export const showGrid = (id) => (grid ??= new Grid()).open(id);
