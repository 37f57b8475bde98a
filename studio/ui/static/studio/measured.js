// By what a batch can be ordered, and what was measured of a picture, in words.

/** @import { Ranked } from "../core/schemas.js" */

export const ORDERS = [
  ["", "As made"],
  ["likeness", "Most like its source"],
  ["changed", "Least changed first"],
  ["sharpness", "Sharpest first"],
];

/** @param {Ranked} measured */
export const measuredWords = ({ likeness, changed, sharpness }) =>
  [
    likeness !== null && `Likeness ${Math.round(likeness * 100)} %`,
    changed !== null && `changed ${Math.round(changed * 100)} %`,
    sharpness !== null && `sharpness ${Math.round(sharpness * 100)} %`,
  ]
    .filter(Boolean)
    .join(", ") || "Not measured";
