// The list of shortcuts, behind `?`.
import { el } from "../core/dom.js";
import { styles } from "../core/styles.js";
import * as kit from "../kit/kit.js";

const command = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

/** By what they act on: keys, and what they do. @type {[string, [string, string][]][]} */
const KEYS = [
  [
    "Everywhere in the Studio",
    [
      [`${command} Enter`, "Generate"],
      [`${command} Z`, "Take back what was put into the trash last"],
      ["?", "This list"],
    ],
  ],
  [
    "The chosen picture",
    [
      ["← →", "The picture before, the picture after"],
      ["R", "Use as reference"],
      ["E", "Edit image"],
      ["C", "Compare with its reference"],
      ["L", "Enlarge"],
      ["X", "Extend: more canvas around it"],
      ["F", "Family tree"],
      ["S", "Star"],
      ["Delete", "Move to trash"],
      ["Enter", "Details"],
      ["W", "Pick winners of the batch"],
    ],
  ],
  [
    "Looking at it",
    [
      ["O, held", "Its reference; a press held on the picture does the same"],
      ["+ −", "Nearer, farther; so do the wheel and two fingers"],
      ["0", "Fit"],
      ["1", "One to one"],
      ["Shift and arrows", "Move it; so does dragging"],
    ],
  ],
  [
    "Many pictures chosen in the collection",
    [
      ["E", "Edit all of them with one prompt"],
      ["K X", "One by one: keep, trash"],
      ["U", "Take that back"],
      ["← →", "The one before, the next"],
      ["O, held", "The picture as it was"],
    ],
  ],
  [
    "Painting a mask",
    [
      ["M", "Paint a mask on the picture"],
      ["B X", "Brush, eraser"],
      ["T L W C", "Rectangle, lasso, wand, select by click"],
      ["[ ]", "Smaller, larger"],
      ["{ }", "Harder, softer"],
      ["Alt, held", "Take away instead of adding"],
      ["I", "Invert"],
      ["Delete", "Clear"],
      [`${command} Z, ${command} Shift Z`, "Undo, redo"],
      ["Space, held", "Move the picture"],
      ["Esc", "Stop; what is painted stays for the next time"],
    ],
  ],
  [
    "Extending",
    [
      ["Arrows", "Move the edge that has the focus; with Shift ten times as far"],
      ["Home", "Take its canvas away"],
    ],
  ],
  [
    "The collection",
    [
      ["Arrows, Page Up, Page Down", "From picture to picture; with Shift mark them"],
      ["Space", "Mark or unmark"],
      [`${command} A`, "Mark all that are listed"],
      ["T", "Tag what is marked"],
      ["Esc", "Mark nothing"],
    ],
  ],
  [
    "Comparing, winners, the family tree",
    [
      ["1 2 3 4", "Slider, side by side, blink, difference"],
      ["Space", "Blink by hand; in the tree, mark two to compare"],
      ["1 to 9", "Choose a winner"],
      ["X", "Keep the winners, the rest goes to the trash"],
      ["A", "In the tree: measure the line against this picture"],
    ],
  ],
  ["The queue", [["↑ ↓", "Move the job whose handle has the focus"]]],
];

/** @param {[string, [string, string][]]} group */
const section = ([title, keys]) =>
  el(
    "section",
    { class: "out-keys" },
    el("h3", {}, title),
    el(
      "dl",
      {},
      keys.flatMap(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)]),
    ),
  );

/** @type {ReturnType<typeof kit.dialog> | null} */
let shown = null;

export async function open() {
  await styles("shortcuts");
  if (!shown) {
    shown = kit.dialog({ id: "shortcuts-dialog", title: "Keyboard shortcuts" });
    shown.body.append(...KEYS.map(section));
    shown.body.tabIndex = 0; // it scrolls, and holds nothing else that takes the focus
  }
  shown.open();
}
