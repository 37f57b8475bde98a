// A picture read as a mask, by the rules the worker reads masks with (`pipelines/running/masks.py`): in black and white; as
// strokes on nothing; or as the picture itself with a hole rubbed out. Draws nothing.

const OPAQUE = 128;
const GREYISH = 24;
const DARK = 32;
const FLAT = 8;
const SHARE = 0.98;

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Some white, and hardly any tone between, as no photograph is. @param {[number, number, number][]} colours */
function blackAndWhite(colours) {
  const grey = (/** @type {number[]} */ [r, g, b]) => /** @type {number} */ (r + /** @type {number} */ (g) + /** @type {number} */ (b)) / 3;
  const pure = colours.filter((one) => Math.max(...one) - Math.min(...one) <= GREYISH && (grey(one) < DARK || grey(one) > 255 - DARK));
  return pure.length >= SHARE * colours.length && pure.some((one) => grey(one) > 255 - DARK);
}

/** One colour all over. @param {[number, number, number][]} colours */
function flat(colours) {
  const middle = /** @type {const} */ ([0, 1, 2]).map((c) => median(colours.map((one) => one[c])));
  const near = colours.filter((one) => one.every((value, c) => Math.abs(value - /** @type {number} */ (middle[c])) <= FLAT));
  return near.length >= SHARE * colours.length;
}

const MOST_LOOKED_AT = 20_000; // pixels whose colours say which kind of mask it is

/**
 * White where the source may change.
 * @param {Uint8ClampedArray | Uint8Array} rgba
 * @returns {Uint8Array}
 */
export function understood(rgba) {
  const count = rgba.length / 4;
  const at = (/** @type {number} */ i) => /** @type {number} */ (rgba[i]);
  const luma = (/** @type {number} */ i) => Math.round(0.299 * at(i * 4) + 0.587 * at(i * 4 + 1) + 0.114 * at(i * 4 + 2));
  const alpha = Uint8Array.from({ length: count }, (_, i) => at(i * 4 + 3));
  if (alpha.every((value) => value === 255)) return Uint8Array.from({ length: count }, (_, i) => luma(i));
  const opaque = alpha.reduce((sum, value) => sum + (value >= OPAQUE ? 1 : 0), 0);
  const every = Math.max(1, Math.floor(opaque / MOST_LOOKED_AT));
  /** @type {[number, number, number][]} */
  const colours = [];
  for (let i = 0, seen = 0; i < count; i++) {
    if (/** @type {number} */ (alpha[i]) >= OPAQUE && seen++ % every === 0) colours.push([at(i * 4), at(i * 4 + 1), at(i * 4 + 2)]);
  }
  if (!colours.length || blackAndWhite(colours)) {
    return Uint8Array.from({ length: count }, (_, i) => Math.round((luma(i) * /** @type {number} */ (alpha[i])) / 255));
  }
  return flat(colours) && opaque < count / 2 ? alpha : alpha.map((value) => 255 - value);
}
