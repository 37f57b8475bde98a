// The keys of the brush, while a mask is painted.

/** @typedef {import("./brush.js").Brush} Brush */

const STEP = 1.2; // of the brush's size, by a press of [ or ]
const OTHERS = "refs"; // what these do to a picture is not meant while one paints

/** @type {Record<string, (brush: Brush) => unknown>} */
const KEYS = {
  "[": (brush) => brush.resize(1 / STEP),
  "]": (brush) => brush.resize(STEP),
  "{": (brush) => brush.soften(-10),
  "}": (brush) => brush.soften(10),
  b: (brush) => brush.panel.choose("brush"),
  x: (brush) => brush.panel.choose("eraser"),
  t: (brush) => brush.panel.choose("rect"),
  l: (brush) => brush.panel.choose("lasso"),
  w: (brush) => brush.panel.choose("wand"),
  c: (brush) => brush.panel.choose("click"),
  i: (brush) => brush.act("invert"),
  Delete: (brush) => brush.act("clear"),
  Backspace: (brush) => brush.act("clear"),
  Escape: (brush) => brush.close(),
};

/** Whether a key was for the brush, which has then done it. @param {KeyboardEvent} event @param {Brush} brush */
export function keyDoes(event, brush) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") brush.act(event.shiftKey ? "redo" : "undo");
    else if (key === "y") brush.act("redo");
    return key === "z" || key === "y";
  }
  if (event.altKey) return false;
  const run = KEYS[key];
  run?.(brush);
  return Boolean(run) || OTHERS.includes(key);
}
