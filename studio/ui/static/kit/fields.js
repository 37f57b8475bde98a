// Small fields that several widgets of the output side use: a search box, a row of choices, a list of choices, a line, a box.
// Knows nothing of pictures.
import { el } from "../core/dom.js";
import { icon } from "./icons.js";

/**
 * A search field; `changed` runs a moment after the last key.
 * @param {string} id
 * @param {() => unknown} changed
 * @param {string} [words]
 */
function searchBox(id, changed, words = "Search prompts, names and tags") {
  const input = el("input", { type: "search", id, placeholder: words, "aria-label": "Search pictures", autocomplete: "off" });
  let timer = 0;
  input.addEventListener("input", () => (clearTimeout(timer), (timer = setTimeout(changed, 250))));
  return { node: el("label", { class: "out-search" }, icon("search"), input), input };
}

/**
 * A row of choices of which one holds. `choices`: [value, words]; `hide(value, hidden)` takes one off the row.
 * @param {string} label
 * @param {string[][]} choices
 * @param {() => unknown} changed
 */
function segments(label, choices, changed) {
  const state = { value: choices[0][0] };
  /** @param {string} value */
  const pick = (value) => {
    state.value = value;
    buttons.forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.value === value)));
  };
  const buttons = choices.map(([value, words]) =>
    el(
      "button",
      {
        type: "button",
        class: "out-segment",
        "data-value": value,
        "aria-pressed": String(value === state.value),
        onclick: () => (pick(value), changed()),
      },
      words,
    ),
  );
  /** @param {string} value @param {boolean} hidden */
  const hide = (value, hidden) => buttons.filter((node) => node.dataset.value === value).forEach((node) => (node.hidden = hidden));
  return { node: el("div", { class: "out-segments", role: "group", "aria-label": label }, buttons), state, pick, hide };
}

/**
 * A list to choose from. `options`: [value, words]; `set(options)` keeps what is chosen.
 * @param {string} label
 * @param {string[][]} options
 * @param {() => unknown} changed
 * @param {Record<string, unknown>} [props]
 */
function choice(label, options, changed, props = {}) {
  const select = el("select", { class: "out-select", "aria-label": label, ...props, onchange: changed });
  /** @param {string[][]} list */
  const set = (list) => {
    const kept = select.value;
    select.replaceChildren(...list.map(([value, words]) => el("option", { value }, words)));
    select.value = list.some(([value]) => value === kept) ? kept : list[0][0];
  };
  set(options);
  return { node: el("label", { class: "out-field" }, el("span", {}, label), select), select, set };
}

/** A labelled input of one line. @param {string} label @param {Record<string, unknown>} [props] */
function field(label, props = {}) {
  const input = el("input", { type: "text", class: "out-input", ...props });
  return { node: el("label", { class: "out-field" }, el("span", {}, label), input), input };
}

/** A labelled text of several lines. @param {string} label @param {Record<string, unknown>} [props] */
function area(label, props = {}) {
  const box = el("textarea", { class: "out-input chr-text", ...props });
  const words = el("span", {}, label);
  return { node: el("label", { class: "out-field" }, words, box), words, box };
}

/** A box to tick. @param {string} label @param {Record<string, unknown>} [props] */
function tick(label, props = {}) {
  const input = el("input", { type: "checkbox", ...props });
  return { node: el("label", { class: "out-tick" }, input, el("span", {}, label)), input };
}

export { area, choice, field, searchBox, segments, tick };
