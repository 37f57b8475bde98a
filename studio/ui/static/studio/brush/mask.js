// A mask as plain numbers: one byte for each pixel of the picture, 255 where it may change, 0 where it must stay. Shapes
// are drawn into it exactly, whatever the screen shows. Draws nothing.

/** @typedef {{width: number, height: number, data: Uint8Array}} Mask */
/** @typedef {{x: number, y: number}} Point in pixels of the picture; the middle of the first is 0.5, 0.5 */
/** @typedef {{x: number, y: number, width: number, height: number}} Area whole pixels */
/** @typedef {Point & {radius: number}} Tip where the brush is, and how wide */

/** @param {number} width @param {number} height @returns {Mask} */
export const empty = (width, height) => ({ width, height, data: new Uint8Array(width * height) });

/** The whole pixels between two corners, as far as they are in the picture. @param {Mask} mask @param {number} left @param {number} top @param {number} right @param {number} bottom @returns {Area} */
function within({ width, height }, left, top, right, bottom) {
  const x = Math.max(0, Math.min(width, Math.floor(left)));
  const y = Math.max(0, Math.min(height, Math.floor(top)));
  return { x, y, width: Math.max(0, Math.min(width, Math.ceil(right)) - x), height: Math.max(0, Math.min(height, Math.ceil(bottom)) - y) };
}

/** @param {Mask} mask @returns {Area} */
export const whole = ({ width, height }) => ({ x: 0, y: 0, width, height });

/** @param {Area} a @param {Area} b @returns {Area} the smallest around both */
export function joined(a, b) {
  if (!a.width || !a.height) return b;
  if (!b.width || !b.height) return a;
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const right = Math.max(a.x + a.width, b.x + b.width);
  return { x, y, width: right - x, height: Math.max(a.y + a.height, b.y + b.height) - y };
}

/** Paint adds up to the stronger of both, erasing to the weaker. @param {Mask} mask @param {number} at @param {number} value @param {boolean} erase */
function put({ data }, at, value, erase) {
  const before = /** @type {number} */ (data[at]);
  data[at] = erase ? Math.min(before, 255 - value) : Math.max(before, value);
}

/** Share of full paint at a distance from the brush's middle. @param {number} distance in radii @param {number} softness 0–1 */
export function coverage(distance, softness) {
  if (distance > 1) return 0;
  const hard = 1 - softness;
  if (distance <= hard) return 1;
  const t = (1 - distance) / softness;
  return t * t * (3 - 2 * t);
}

/**
 * From one tip to the next, every pixel whose middle is covered: no gaps, however fast the hand is.
 * @param {Mask} mask @param {Tip} from @param {Tip} to @param {{softness: number, erase: boolean}} how
 * @returns {Area} what may have changed
 */
export function stroke(mask, from, to, { softness, erase }) {
  const most = Math.max(from.radius, to.radius);
  const area = within(
    mask,
    Math.min(from.x, to.x) - most,
    Math.min(from.y, to.y) - most,
    Math.max(from.x, to.x) + most,
    Math.max(from.y, to.y) + most,
  );
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  for (let y = area.y; y < area.y + area.height; y++) {
    for (let x = area.x; x < area.x + area.width; x++) {
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
      const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      const radius = from.radius + (to.radius - from.radius) * along;
      const value = coverage(Math.hypot(px - dx * along, py - dy * along) / radius, softness);
      if (value) put(mask, y * mask.width + x, Math.round(value * 255), erase);
    }
  }
  return area;
}

/** Every pixel whose middle lies in the polygon (even-odd). @param {Mask} mask @param {Point[]} points @param {boolean} erase @returns {Area} */
export function polygon(mask, points, erase) {
  if (points.length < 3) return { x: 0, y: 0, width: 0, height: 0 };
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const area = within(mask, Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
  for (let y = area.y; y < area.y + area.height; y++) {
    const cuts = crossings(points, y + 0.5);
    for (let i = 0; i + 1 < cuts.length; i += 2) {
      const first = Math.max(0, Math.ceil(/** @type {number} */ (cuts[i]) - 0.5));
      const end = Math.min(mask.width, Math.ceil(/** @type {number} */ (cuts[i + 1]) - 0.5));
      for (let x = first; x < end; x++) put(mask, y * mask.width + x, 255, erase);
    }
  }
  return area;
}

/** Where a row crosses the polygon's sides, from left to right. @param {Point[]} points @param {number} y */
function crossings(points, y) {
  const found = [];
  for (let i = 0; i < points.length; i++) {
    const a = /** @type {Point} */ (points[i]);
    const b = /** @type {Point} */ (points[(i + 1) % points.length]);
    if (a.y <= y !== b.y <= y) found.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return found.sort((a, b) => a - b);
}

/** @param {Mask} mask @param {Point} a @param {Point} b opposite corners @param {boolean} erase */
export const rectangle = (mask, a, b, erase) => polygon(mask, [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }], erase);

/** @param {Mask} mask @param {Area} box in pixels, not necessarily whole @param {boolean} erase @returns {Area} */
export function ellipse(mask, box, erase) {
  const [rx, ry] = [box.width / 2, box.height / 2];
  const [cx, cy] = [box.x + rx, box.y + ry];
  const area = within(mask, box.x, box.y, box.x + box.width, box.y + box.height);
  for (let y = area.y; y < area.y + area.height; y++) {
    for (let x = area.x; x < area.x + area.width; x++) {
      if (((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / ry) ** 2 <= 1) put(mask, y * mask.width + x, 255, erase);
    }
  }
  return area;
}

/**
 * What is connected to a point and looks like it: no channel farther off than the tolerance.
 * @param {Mask} mask @param {Uint8ClampedArray | Uint8Array} pixels RGBA of the picture @param {Point} at @param {number} tolerance 0–255 @param {boolean} erase
 * @returns {Area}
 */
export function wand(mask, pixels, at, tolerance, erase) {
  const { width, height } = mask;
  const [x0, y0] = [Math.floor(at.x), Math.floor(at.y)];
  if (x0 < 0 || y0 < 0 || x0 >= width || y0 >= height) return { x: 0, y: 0, width: 0, height: 0 };
  const start = (y0 * width + x0) * 4;
  const like = (/** @type {number} */ i) =>
    [0, 1, 2].every((c) => Math.abs(/** @type {number} */ (pixels[i * 4 + c]) - /** @type {number} */ (pixels[start + c])) <= tolerance);
  const seen = new Uint8Array(width * height);
  const waiting = [y0 * width + x0];
  let [left, right, top, bottom] = [x0, x0, y0, y0];
  while (waiting.length) {
    const row = /** @type {number} */ (waiting.pop());
    if (seen[row]) continue;
    const y = Math.floor(row / width);
    const base = y * width;
    let first = row - base;
    let last = first;
    while (first > 0 && !seen[base + first - 1] && like(base + first - 1)) first--;
    while (last < width - 1 && !seen[base + last + 1] && like(base + last + 1)) last++;
    for (let x = first; x <= last; x++) {
      seen[base + x] = 1;
      put(mask, base + x, 255, erase);
      if (y > 0 && !seen[base + x - width] && like(base + x - width)) waiting.push(base + x - width);
      if (y < height - 1 && !seen[base + x + width] && like(base + x + width)) waiting.push(base + x + width);
    }
    [left, right, top, bottom] = [Math.min(left, first), Math.max(right, last), Math.min(top, y), Math.max(bottom, y)];
  }
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Another mask of the same size on top. @param {Mask} mask @param {Uint8Array} other @param {boolean} erase @returns {Area} */
export function add(mask, other, erase) {
  for (let i = 0; i < other.length; i++) put(mask, i, /** @type {number} */ (other[i]), erase);
  return whole(mask);
}

/** What may change stays, and the other way round. @param {Mask} mask @returns {Area} */
export function invert(mask) {
  for (let i = 0; i < mask.data.length; i++) mask.data[i] = 255 - /** @type {number} */ (mask.data[i]);
  return whole(mask);
}

/** The area in which anything is painted; of no size where nothing is. @param {Mask} mask @returns {Area} */
export function painted({ width, height, data }) {
  let [left, right, top, bottom] = [width, -1, -1, -1];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    let first = 0;
    while (first < width && !row[first]) first++;
    if (first === width) continue;
    let last = width - 1;
    while (!row[last]) last--;
    if (top < 0) top = y;
    bottom = y;
    left = Math.min(left, first);
    right = Math.max(right, last);
  }
  return top < 0 ? { x: 0, y: 0, width: 0, height: 0 } : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Share of the picture that may change, 0–1. @param {Mask} mask */
export function share({ data }) {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += /** @type {number} */ (data[i]); // a function for each pixel takes ten times as long
  return sum / 255 / data.length;
}

/** Those of the rectangle between the first two of these. @param {Point[]} points @returns {Point[]} */
export function corners(points) {
  const [a, b = a] = /** @type {[Point, Point?]} */ (points);
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}
