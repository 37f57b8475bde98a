// Where a picture lies in its frame: zoom and pan as plain numbers. Points are CSS pixels from the frame's middle;
// `zoom` is 1 where the picture just fits. Draws nothing.

/** @typedef {{width: number, height: number}} Box */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{zoom: number, x: number, y: number}} View `x`, `y`: the picture's middle */

const STEP = 1.25;
const CLOSEST = 16; // screen pixels a side of one of the picture's own
const LEAST_TIMES = 8; // how far a large picture can be enlarged beyond fitting, whatever its pixels

/** The picture fits, in the middle. @type {View} */
export const FIT = { zoom: 1, x: 0, y: 0 };

/** The largest box of the picture's shape in the frame. @param {Box} frame @param {Box} picture @returns {Box} */
export function fitted(frame, picture) {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** The zoom at which one pixel of the picture is one of the screen. @param {Box} box @param {Box} picture @param {number} density */
export const oneToOne = (box, picture, density) => picture.width / density / box.width;

/** The smallest and the largest zoom. @param {number} one the zoom of 1:1 @returns {[least: number, most: number]} */
export const limits = (one) => [Math.min(1, one), Math.max(LEAST_TIMES, CLOSEST * one)];

/** @param {number} value @param {number} least @param {number} most */
const within = (value, least, most) => Math.min(most, Math.max(least, value));

/** The picture covers the frame where it can, and is in the middle where it cannot. @param {View} view @param {Box} frame @param {Box} box @returns {View} */
export function clamped({ zoom, x, y }, frame, box) {
  const room = (/** @type {number} */ length, /** @type {number} */ port) => Math.max(0, (length * zoom - port) / 2);
  const [across, down] = [room(box.width, frame.width), room(box.height, frame.height)];
  return { zoom, x: within(x, -across, across) + 0, y: within(y, -down, down) + 0 }; // + 0: no -0
}

/** Zoomed so that what lies under the point stays there. @param {View} view @param {number} zoom @param {Point} at @returns {View} */
export function zoomedTo(view, zoom, at) {
  const by = zoom / view.zoom;
  return { zoom, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
}

/** One step nearer (1) or farther (-1), stopping where the picture fits. @param {number} zoom @param {1 | -1} direction */
export function stepped(zoom, direction) {
  const next = zoom * STEP ** direction;
  return (zoom - 1) * (next - 1) < 0 ? 1 : next;
}

/** A point of the frame in the picture's own pixels, which may lie outside. @param {Point} at @param {View} view @param {Box} box @param {Box} picture @returns {Point} */
export function toPicture(at, view, box, picture) {
  const scale = picture.width / (box.width * view.zoom);
  return { x: (at.x - view.x) * scale + picture.width / 2, y: (at.y - view.y) * scale + picture.height / 2 };
}

/** What two fingers did: where their middle went, and how much farther they are apart. @param {[Point, Point]} before @param {[Point, Point]} now */
export function pinch(before, now) {
  const middle = (/** @type {[Point, Point]} */ [a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const apart = (/** @type {[Point, Point]} */ [a, b]) => Math.hypot(a.x - b.x, a.y - b.y);
  return { from: middle(before), to: middle(now), by: apart(now) / Math.max(1, apart(before)) };
}
