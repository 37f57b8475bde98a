// A mask grown, shrunk, softened, or made to another size. Draws nothing.

/** @typedef {import("./mask.js").Mask} Mask */
/** @typedef {import("./mask.js").Area} Area */

const FAR = 1e12;
const PAINTED = 128; // from which value on a pixel counts as painted
const LEAST = 16; // px at a megapixel
const OF_DIAGONAL = 0.1;

/** How far a selection grows and softens by itself: by its own size, at least 16 px at a megapixel. @param {Mask} mask @param {Area} area what is painted */
export function reach({ width, height }, area) {
  const least = LEAST * Math.sqrt((width * height) / 1e6);
  return Math.max(1, Math.round(Math.max(least, OF_DIAGONAL * Math.hypot(area.width, area.height))));
}

/**
 * Squared distances along one line to the nearest zero (Felzenszwalb and Huttenlocher, 2012).
 * @param {Float64Array} f @param {number} n @param {Float64Array} out @param {Int32Array} at @param {Float64Array} edges
 */
function along(f, n, out, at, edges) {
  const value = (/** @type {number} */ i) => /** @type {number} */ (f[i]) + i * i;
  let k = 0;
  at[0] = 0;
  edges[0] = -FAR;
  edges[1] = FAR;
  for (let q = 1; q < n; q++) {
    const cross = (/** @type {number} */ p) => (value(q) - value(p)) / (2 * q - 2 * p);
    let s = cross(/** @type {number} */ (at[k]));
    while (s <= /** @type {number} */ (edges[k])) s = cross(/** @type {number} */ (at[--k]));
    at[++k] = q;
    edges[k] = s;
    edges[k + 1] = FAR;
  }
  k = 0;
  for (let q = 0; q < n; q++) {
    while (/** @type {number} */ (edges[k + 1]) < q) k++;
    const p = /** @type {number} */ (at[k]);
    out[q] = (q - p) ** 2 + /** @type {number} */ (f[p]);
  }
}

/** Squared distance of each pixel to the nearest one that is `inside`. @param {Mask} mask @param {(value: number) => boolean} inside */
function distances({ width, height, data }, inside) {
  const most = Math.max(width, height);
  const [line, out, edges] = [new Float64Array(most), new Float64Array(most), new Float64Array(most + 1)];
  const at = new Int32Array(most);
  const found = new Float32Array(data.length);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) line[y] = inside(/** @type {number} */ (data[y * width + x])) ? 0 : FAR;
    along(line, height, out, at, edges);
    for (let y = 0; y < height; y++) found[y * width + x] = /** @type {number} */ (out[y]);
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) line[x] = /** @type {number} */ (found[y * width + x]);
    along(line, width, out, at, edges);
    found.set(out.subarray(0, width), y * width);
  }
  return found;
}

/** Wider by a radius; its edge becomes hard. @param {Mask} mask @param {number} radius px */
export function grow(mask, radius) {
  const far = distances(mask, (value) => value >= PAINTED);
  for (let i = 0; i < far.length; i++) mask.data[i] = /** @type {number} */ (far[i]) <= radius * radius ? 255 : 0;
}

/** Narrower by a radius, but not from the picture's margins; its edge becomes hard. @param {Mask} mask @param {number} radius px */
export function shrink(mask, radius) {
  const far = distances(mask, (value) => value < PAINTED);
  for (let i = 0; i < far.length; i++) mask.data[i] = /** @type {number} */ (far[i]) > radius * radius ? 255 : 0;
}

/** One box blur along lines; the margin's pixel goes on outside. @param {Float32Array} from @param {Float32Array} to @param {number} n @param {number} count @param {number} step @param {number} next @param {number} radius */
function blurred(from, to, n, count, step, next, radius) {
  const value = (/** @type {number} */ base, /** @type {number} */ i) =>
    /** @type {number} */ (from[base + Math.min(n - 1, Math.max(0, i)) * step]);
  const width = 2 * radius + 1;
  for (let lane = 0; lane < count; lane++) {
    const base = lane * next;
    let sum = 0;
    for (let i = -radius; i <= radius; i++) sum += value(base, i);
    for (let i = 0; i < n; i++) {
      to[base + i * step] = sum / width;
      sum += value(base, i + radius + 1) - value(base, i - radius);
    }
  }
}

/** Its edge softened over about a radius on both sides: three box blurs, close to a Gaussian. @param {Mask} mask @param {number} radius px */
export function feather(mask, radius) {
  const { width, height } = mask;
  const box = Math.max(1, Math.round(radius / 2));
  const a = Float32Array.from(mask.data);
  const b = new Float32Array(a.length);
  for (let pass = 0; pass < 3; pass++) {
    blurred(a, b, width, height, 1, width, box);
    blurred(b, a, height, width, width, 1, box);
  }
  for (let i = 0; i < a.length; i++) mask.data[i] = Math.round(/** @type {number} */ (a[i]));
}

/** Bytes of another size made to fit, each pixel between its nearest four. @param {Mask} from @param {number} width @param {number} height @returns {Uint8Array} */
export function scaled(from, width, height) {
  if (from.width === width && from.height === height) return from.data.slice();
  const out = new Uint8Array(width * height);
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    /** @type {number} */ (from.data[Math.min(from.height - 1, Math.max(0, y)) * from.width + Math.min(from.width - 1, Math.max(0, x))]);
  for (let y = 0; y < height; y++) {
    const sy = ((y + 0.5) * from.height) / height - 0.5;
    const [y0, fy] = [Math.floor(sy), sy - Math.floor(sy)];
    for (let x = 0; x < width; x++) {
      const sx = ((x + 0.5) * from.width) / width - 0.5;
      const [x0, fx] = [Math.floor(sx), sx - Math.floor(sx)];
      const top = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx;
      out[y * width + x] = Math.round(top * (1 - fy) + (at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx) * fy);
    }
  }
  return out;
}
