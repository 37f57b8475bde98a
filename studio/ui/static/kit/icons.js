// The page's icons: strokes on a square of 24.

const ICONS = {
  use: "M3 5h18v14H3zM12 8v7M9 12l3 3 3-3",
  add: "M12 5v14M5 12h14",
  edit: "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
  compare: "M12 3v18M3 6h6v12H3zM15 6h6v12h-6z",
  reuse: "M5 12a7 7 0 0 1 12-5l2 2M19 5v4h-4M19 12a7 7 0 0 1-12 5l-2-2M5 19v-4h4",
  seed: "M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  restore: "M9 14L4 9l5-5M4 9h10a5.5 5.5 0 0 1 0 11h-3",
  info: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 11v5M12 8h.01",
  close: "M6 6l12 12M18 6L6 18",
  search: "M11 5a6 6 0 1 0 0 12a6 6 0 1 0 0-12M20 20l-4.5-4.5",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  check: "M5 12l5 5 9-10",
  references: "M8 3h13v13H8zM3 8v13h13",
  live: "M5 4l14 8-14 8z",
  filter: "M4 6h16M7 12h10M10 18h4",
  tag: "M4 4h8l8 8-8 8-8-8zM8 8h.01",
  folder: "M3 6h6l2 2h10v11H3z",
  tree: "M9 3h6v5H9zM3 16h6v5H3zM15 16h6v5h-6zM12 8v4M6 16v-4h12v4",
  anchor: "M12 7v14M5 13a7 7 0 0 0 14 0M12 3a2 2 0 1 0 0 4a2 2 0 1 0 0-4M9 10h6",
  winners: "M7 4h10v5a5 5 0 0 1-10 0zM12 14v4M8 20h8M7 6H4v1a3 3 0 0 0 3 3M17 6h3v1a3 3 0 0 1-3 3",
  again: "M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  face: "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M9 10h.01M15 10h.01M9 14.5c1 1.2 5 1.2 6 0",
  enlarge: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  extend: "M7 7h10v10H7zM3 9V3h6M15 3h6v6M21 15v6h-6M9 21H3v-6",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  person: "M12 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8M4 21c0-4 4-6 8-6s8 2 8 6",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  clean: "M12 3l7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6z",
  changes: "M4 4h11v11H4zM9 15v5h11V9h-5M9 12l3-3",
  brush: "M20 4c-5 2-9 6-11 9l2 2c3-2 7-6 9-11zM8 14c-3 0-3 4-6 5 3 2 8 1 8-3z",
  eraser: "M4 15l9-9 7 7-7 7H9zM9 10l7 7M4 20h16",
  rect: "M4 6h16v12H4z",
  lasso: "M12 4c5 0 9 2.5 9 6s-4 6-9 6-9-2.5-9-6 4-6 9-6zM7 15c-2 1-1 4 1 4s2 2 1 3",
  wand: "M4 20L15 9M17 3v4M15 5h4M20 11v3M18.5 12.5h3M9 4v3M7.5 5.5h3",
  subject: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M12 7a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5M8 17c0-2 2-3 4-3s4 1 4 3",
  point: "M9 9l11 4-5 2-2 5zM5 3v3M3 5h3M10 4L9 6M4 10l2-1",
  words: "M4 6h16M4 12h10M4 18h7M18 15v6M15 18h6",
  invert: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  grow: "M9 9h6v6H9zM12 6V2M12 22v-4M6 12H2M22 12h-4",
  shrink: "M4 4h16v16H4zM12 7v3M12 17v-3M7 12h3M17 12h-3",
  feather: "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 3v.01M12 21v.01M3 12h.01M21 12h.01M5.6 5.6v.01M18.4 18.4v.01M5.6 18.4v.01M18.4 5.6v.01",
  redo: "M15 14l5-5-5-5M20 9H10a5.5 5.5 0 0 0 0 11h3",
  keys: "M3 7h18v10H3zM7 10h.01M10.5 10h.01M14 10h.01M17 10h.01M8 14h8",
  sparkle: "M12 3l1.9 5.6L19.5 10.5l-5.6 1.9L12 18l-1.9-5.6L4.5 10.5l5.6-1.9zM19 15l.8 2.2L22 18l-2.2.8L19 21l-.8-2.2L16 18l2.2-.8z",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 019.5 4a8.5 8.5 0 1010.5 10.5z",
  device: "M4 5h16v11H4zM9 20h6M12 16v4",
  phone: "M7 3h10v18H7zM11 18h2",
  chevron: "M6 9l6 6 6-6",
  sweep: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  pause: "M8 5v14M16 5v14",
  go: "M7 5l12 7-12 7z",
  grip: "M9 6h.01M9 12h.01M9 18h.01M15 6h.01M15 12h.01M15 18h.01",
  first: "M5 4h14M12 20V9M7 14l5-5 5 5",
  repeat: "M17 2l4 4-4 4M3 11V9a3 3 0 0 1 3-3h15M7 22l-4-4 4-4M21 13v2a3 3 0 0 1-3 3H3",
  design: "M12 3a9 9 0 1 0 0 18c1.6 0 2-1 1.6-2.1-.6-1.6.4-2.9 2-2.9H18a3 3 0 0 0 3-3c0-5.5-4-10-9-10M7.5 12h.01M9.5 7.5h.01M14.5 7.5h.01",
  sheet: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
};
const SVG = "http://www.w3.org/2000/svg";

/** @typedef {keyof typeof ICONS} IconName */

/**
 * An icon, hidden from screen readers: its button carries the words.
 * @param {IconName} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "lk-icon", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
