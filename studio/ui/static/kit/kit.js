// What the parts of the page share, under one name.
export * from "./buttons.js";
export * from "./dialogs.js";
export * from "./fields.js";
export * from "./formatting.js";
export * from "./icons.js";
export * from "./jobs.js";
export * from "./keyboard.js";
