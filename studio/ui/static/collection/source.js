// What a listing holds, in its order, however long it is: the first page at once, every other page when it is
// looked at. Places whose pictures are not known yet hold a page instead of an id. Draws nothing.

import { passes } from "../core/rest.js";
import * as pictures from "./pictures.js";

/** @import { Page, Place, Why } from "../core/shapes.js" */
/** @import { Picture } from "../core/events.js" */

const PAGE = 60;
const AGAIN_MS = 2000; // until what could not be asked is asked again
/** @param {import("../core/shapes.js").Place | undefined} place @returns {place is string} */
const isId = (place) => typeof place === "string";

export class PictureSource {
  /** @type {string[]} */
  removed;
  /** @type {boolean | undefined} */
  missed;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  later;
  /** @type {Place[]} */
  places;
  /** @type {Set<string>} */
  known;
  /** @type {boolean} */
  complete;
  /** @type {null | unknown} */
  error;
  /** @type {boolean} */
  started;

  /**
   * `query()` → listing parameters; `changed(why)` is told "begun", "reset", "grown", "removed" or "failed".
   * @param {() => Record<string, unknown>} query
   * @param {(why: Why) => unknown} changed
   */
  constructor(query, changed) {
    this.query = query;
    this.changed = changed;
    this.turn = 0; // rises with every new search: answers of an older one are dropped
    this.later = {};
    this.removed = []; // ids in the order they went: an answer asked for before that still names them
    this.begin([], false);
  }

  get total() {
    return this.places.length;
  }

  /** The id at a place, or undefined where it is not known yet. @param {number} index */
  at(index) {
    return isId(this.places[index]) ? this.places[index] : undefined;
  }

  /** @param {string} id */
  has(id) {
    return this.known.has(id);
  }

  /** @param {string} id */
  indexOf(id) {
    return this.has(id) ? this.places.indexOf(id) : -1;
  }

  /** What can be stepped through from a picture without a gap. @param {string} id */
  around(id) {
    const at = this.indexOf(id);
    let [first, end] = [at, at];
    while (this.at(first - 1)) first--;
    while (this.at(end)) end++;
    return this.places.slice(Math.max(0, first), end).filter(isId);
  }

  /** @param {Place[]} places @param {boolean} complete */
  begin(places, complete) {
    this.places = places;
    this.known = new Set(places.filter(isId));
    this.complete = complete;
    this.error = null;
  }

  /**
   * A page of the listing, without what was taken out of it while the answer was on its way.
   * @param {Record<string, unknown>} query
   */
  async page(query) {
    const before = this.removed.length;
    const page = await pictures.list(query);
    const gone = new Set(this.removed.slice(before));
    return { ids: page.items.map((record) => record.id).filter((id) => !gone.has(id)), next: page.next };
  }

  /** Begin anew, with another search. */
  async reset() {
    this.turn += 1;
    this.started = true;
    this.missed = false;
    this.begin([], false);
    this.changed("begun");
    await this.load("reset");
  }

  /**
   * What was not answered is asked again, until it is or another search begins.
   * @param {string} kind of which the last one counts
   * @param {() => unknown} ask
   */
  again(kind, ask) {
    const { turn } = this;
    clearTimeout(this.later[kind]);
    this.later[kind] = setTimeout(() => turn === this.turn && ask(), AGAIN_MS);
  }

  /** Ask again, keeping what is shown until the answer is there. */
  async load(why = /** @type {import("../core/shapes.js").Why} */ ("grown")) {
    const turn = ++this.turn;
    const before = this.removed.length;
    try {
      const page = await this.page({ ...this.query(), limit: PAGE });
      if (turn !== this.turn) return;
      if (why === "reset" || !page.next) {
        this.begin(page.ids, !page.next);
        this.changed(why);
      }
      if (page.next) await this.stretch(turn, why === "reset" ? this.places : page.ids, page.next);
      const counted = this.removed.length === before; // else the number may be one of before
      if (turn === this.turn && (this.missed || !counted)) await this.refresh(true);
    } catch (error) {
      if (turn !== this.turn) return;
      if (passes(error)) this.again("list", () => this.load(this.complete ? "grown" : "reset"));
      if (passes(error) && this.complete) return; // what is shown stands meanwhile
      this.error = error;
      this.changed("failed");
    }
  }

  /**
   * Room for everything the listing holds, after its first page; `next`: where that ended.
   * @param {number} turn
   * @param {Place[]} first
   * @param {string} next
   */
  async stretch(turn, first, next) {
    const before = this.removed.length;
    const { total, every, cursors } = await pictures.stops(this.query());
    if (turn !== this.turn) return;
    const gone = new Set(this.removed.slice(before));
    /** @type {Page[]} */
    const pages = cursors.map((cursor) => ({ cursor, limit: every, asked: false }));
    pages[0] = { cursor: next, limit: every - PAGE, asked: false }; // what came in meanwhile stands before the first page, not in it
    const rest = Array.from({ length: Math.max(0, total - first.length) }, (_, i) => pages[Math.floor((i + first.length) / every)]);
    const kept = first.filter((place) => !isId(place) || !gone.has(place));
    this.begin([...kept, ...rest.flatMap((page) => page ?? [])], true);
    this.changed("grown");
  }

  /** Have the pictures of these places come. @param {number} first @param {number} last */
  need(first, last) {
    const pages = new Set(this.places.slice(first, last + 1).flatMap((place) => (isId(place) ? [] : [place])));
    pages.forEach((page) => page.asked || this.fill(page));
  }

  /** @param {Page} page */
  async fill(page) {
    const { turn } = this;
    page.asked = true;
    const found = await this.page({ ...this.query(), cursor: page.cursor, limit: page.limit }).catch(() => null);
    if (turn !== this.turn) return;
    if (!found) page.asked = false;
    if (!found) return this.again("page", () => this.changed("grown"));
    const from = this.places.indexOf(page);
    if (from < 0) return; // the listing was asked for again meanwhile, and has other pages
    const to = this.places.lastIndexOf(page) + 1;
    const fresh = found.ids.filter((id) => !this.has(id));
    this.places.splice(from, to - from, ...fresh);
    fresh.forEach((id) => this.known.add(id));
    this.changed("grown");
  }

  /**
   * Take in what came since, without moving what is there: the newest go in front where that is the order.
   * `whole`: look also whether pictures went that stand further down.
   */
  async refresh(whole = false) {
    this.missed = this.started && !this.complete; // asked for again once the listing is there
    if (!this.started || !this.complete) return;
    const { turn } = this;
    try {
      const page = await this.page({ ...this.query(), limit: PAGE });
      const total = whole && page.next ? (await pictures.stops(this.query())).total : null;
      if (turn === this.turn) await this.takeIn(page, total); // else it was asked for again after this
    } catch (error) {
      if (turn === this.turn && passes(error)) this.again("list", () => this.refresh(whole));
    }
  }

  /**
   * @param {{ids: string[], next: string | null}} page the first one as it is now
   * @param {number | null} total how many there are, where that was asked
   */
  async takeIn(page, total) {
    const first = page.ids.findIndex((id) => this.has(id));
    const fresh = page.ids.slice(0, first < 0 ? undefined : first);
    const expected = fresh.length + this.total;
    const counted = (total ?? (page.next ? expected : page.ids.length)) === expected;
    const fits = counted && (first >= 0 || !this.total) && page.ids.slice(fresh.length).every((id, i) => this.fits(id, i));
    if (!fits) return void (await this.load()); // something else changed, too: others went, or came in between
    if (!fresh.length) return;
    this.begin([...fresh, ...this.places], true);
    this.changed("grown");
  }

  /**
   * The picture is at this place, or the place is one that is not known yet and may be its.
   * @param {string} id
   * @param {number} index
   */
  fits(id, index) {
    return index < this.total && (isId(this.places[index]) ? this.places[index] === id : !this.has(id));
  }

  /** Pictures that no longer belong here. @param {string[]} ids */
  remove(ids) {
    const gone = new Set(ids.filter((id) => this.has(id)));
    this.removed.push(...ids);
    if (!gone.size) return;
    this.begin(
      this.places.filter((place) => !isId(place) || !gone.has(place)),
      this.complete,
    );
    this.changed("removed");
  }

  /**
   * The ids from one place to another, asked for where they are not known.
   * @param {number} first
   * @param {number} last
   */
  async between(first, last) {
    const seen = this.places.slice(first, last + 1);
    return seen.every(isId) ? seen : (await this.all()).slice(first, last + 1);
  }

  /** The ids of the whole listing, as far as the studio lists them at once. */
  async all() {
    return this.places.every(isId) ? [...this.places] : (await pictures.ids(this.query())).ids;
  }
}
