// How much canvas is added around a picture, and where the picture lies on it. Draws nothing.

/** @typedef {"left" | "top" | "right" | "bottom"} Side */
/** @typedef {Record<Side, number>} Margins pixels of the picture */
/** @typedef {{width: number, height: number}} Size */

export const MODE = "outpaint";
export const NONE = Object.freeze({ left: 0, top: 0, right: 0, bottom: 0 });
/** @type {Side[]} */
export const SIDES = ["left", "top", "right", "bottom"];
const MOST = 3; // times the picture's side that one margin may be

/** The size with the margins. @param {Size} size @param {Margins} margins @returns {Size} */
export const around = ({ width, height }, { left, top, right, bottom }) => ({
  width: left + width + right,
  height: top + height + bottom,
});

/** The least canvas of a shape, evenly on both sides. @param {Size} size @param {string} shape @returns {Margins} */
export function toShape({ width, height }, shape) {
  const [across = 1, down = 1] = shape.split(":").map(Number);
  const wide = Math.max(0, Math.round((height * across) / down) - width);
  const high = Math.max(0, Math.round((width * down) / across) - height);
  const left = Math.floor(wide / 2);
  const top = Math.floor(high / 2);
  return { left, right: wide - left, top, bottom: high - top };
}

/** Margins with one side set, as far as that goes. @param {Size} size @param {Margins} margins @param {Side} side @param {number} px */
export function withSide(size, margins, side, px) {
  const length = side === "left" || side === "right" ? size.width : size.height;
  return { ...margins, [side]: Math.round(Math.min(MOST * length, Math.max(0, px))) };
}

/** @param {Margins} margins */
export const isEmpty = (margins) => SIDES.every((side) => !margins[side]);

/** "100 px left, 8 px bottom"; empty where nothing is added. @param {Margins} margins */
export const addedWords = (margins) =>
  SIDES.filter((side) => margins[side])
    .map((side) => `${margins[side]} px ${side}`)
    .join(", ");

/** "512 × 512 → 910 × 512 px", and what is added. @param {Size} size @param {Margins} margins */
export function inWords(size, margins) {
  const canvas = around(size, margins);
  const added = addedWords(margins);
  return `${size.width} × ${size.height} → ${canvas.width} × ${canvas.height} px${added ? ` · ${added}` : ""}`;
}

/** `exact`: known to the pixel. @typedef {{left: number, top: number, width: number, height: number, exact?: boolean}} Placed */

/**
 * Where a picture's source lies in it, in parts of the picture: all of it where nothing was added, more where it was cropped.
 * @param {{
 *   width?: number | null, height?: number | null, provenance?: Record<string, any> | null,
 *   request?: {extend?: Partial<Margins> | null, finish?: {scale?: number} | null} | null,
 * } | null | undefined} record
 * @returns {Placed}
 */
export function placeOfSource(record) {
  const { width, height, request, provenance } = record ?? {};
  const placed = provenance?.returned?.placed;
  if (placed) return { left: placed[0], top: placed[1], width: placed[2] - placed[0], height: placed[3] - placed[1], exact: true };
  if (!width || !height || !request?.extend) return { left: 0, top: 0, width: 1, height: 1 };
  const times = request.finish?.scale ?? 1;
  const { left, top, right, bottom } = { ...NONE, ...request.extend };
  const [across, down] = [times / width, times / height];
  return { left: left * across, top: top * down, width: 1 - (left + right) * across, height: 1 - (top + bottom) * down };
}

/** Put an image where that says, in what holds it; `--inside` clips off what was cropped. @param {HTMLElement} node @param {Placed} place */
export function placeIn(node, { left, top, width, height, exact }) {
  const whole = width === 1 && height === 1;
  const at = { left, top, width, height };
  const cut = [-top / height, (left + width - 1) / width, (top + height - 1) / height, -left / width];
  node.style.setProperty("--at-left", String(left));
  node.style.setProperty("--at-width", String(width));
  node.style.setProperty("--inside", `inset(${cut.map((share) => `${Math.max(0, 100 * share)}%`).join(" ")})`);
  node.style.objectFit = exact ? "fill" : "";
  for (const [name, share] of Object.entries(at)) node.style.setProperty(name, whole ? "" : `${100 * share}%`);
}
