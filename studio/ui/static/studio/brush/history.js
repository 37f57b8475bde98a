// Undo and redo of a mask: of each change the bytes before and after, as runs. Draws nothing.

/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./mask.js").Area} Area */

const MOST = 32 * 1024 * 1024; // bytes of runs that are kept

/** Runs of equal bytes: value and length in turn. @param {Uint8Array} data */
export function packed(data) {
  /** @type {number[]} */
  const runs = [];
  for (let i = 0; i < data.length; ) {
    const value = /** @type {number} */ (data[i]);
    let end = i + 1;
    while (end < data.length && data[end] === value) end++;
    runs.push(value, end - i);
    i = end;
  }
  return Uint32Array.from(runs);
}

/** @param {Uint32Array} runs @param {number} length */
export function unpacked(runs, length) {
  const data = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const end = at + /** @type {number} */ (runs[i + 1]);
    data.fill(/** @type {number} */ (runs[i]), at, end);
    at = end;
  }
  return data;
}

/** @param {Uint8Array} a @param {Uint8Array} b of one length */
function same(a, b) {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bytes of an area. @param {Mask} mask @param {Area} area */
function cut({ width, data }, area) {
  const out = new Uint8Array(area.width * area.height);
  for (let y = 0; y < area.height; y++) {
    const from = (area.y + y) * width + area.x;
    out.set(data.subarray(from, from + area.width), y * area.width);
  }
  return out;
}

/** @param {Mask} mask @param {Area} area @param {Uint8Array} bytes */
function paste({ width, data }, area, bytes) {
  for (let y = 0; y < area.height; y++) {
    data.set(bytes.subarray(y * area.width, (y + 1) * area.width), (area.y + y) * width + area.x);
  }
}

/** @typedef {{area: Area, before: Uint32Array, after: Uint32Array}} Change */

export class History {
  /** @param {Mask} mask */
  constructor(mask) {
    this.mask = mask;
    this.before = mask.data.slice();
    /** @type {Change[]} */
    this.done = [];
    /** @type {Change[]} */
    this.undone = [];
  }

  /** Something was changed within the area. @param {Area} area */
  note(area) {
    if (!area.width || !area.height) return false;
    const was = cut({ ...this.mask, data: this.before }, area);
    const is = cut(this.mask, area);
    if (same(was, is)) return false;
    this.done.push({ area, before: packed(was), after: packed(is) });
    this.undone = [];
    paste({ ...this.mask, data: this.before }, area, is);
    this.forget();
    return true;
  }

  /** The oldest changes go where there are too many. */
  forget() {
    const size = () => this.done.reduce((sum, { before, after }) => sum + before.byteLength + after.byteLength, 0);
    while (this.done.length > 1 && size() > MOST) this.done.shift();
  }

  /** Throw away what was not noted. @param {Area} area */
  revert(area) {
    paste(this.mask, area, cut({ ...this.mask, data: this.before }, area));
  }

  /** The area that changed, or null where there is nothing to take back. */
  undo() {
    return this.step(this.done, this.undone, "before");
  }

  redo() {
    return this.step(this.undone, this.done, "after");
  }

  /** @param {Change[]} from @param {Change[]} to @param {"before" | "after"} which */
  step(from, to, which) {
    const change = from.pop();
    if (!change) return null;
    to.push(change);
    const bytes = unpacked(change[which], change.area.width * change.area.height);
    paste(this.mask, change.area, bytes);
    paste({ ...this.mask, data: this.before }, change.area, bytes);
    return change.area;
  }
}
