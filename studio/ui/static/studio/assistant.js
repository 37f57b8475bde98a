// The assistant's menu: how a reference acts. Value: the mode; `scene`: the modes with words and reasons, from Python.
import { el } from "../core/dom.js";
import { icon } from "../kit/icons.js";
import { popover, rove } from "../kit/menus.js";
import { toast } from "../kit/toasts.js";
import { requestChange } from "./changes.js";
import { focusCurrent, refillMenu, words } from "./choices.js";

/** @import { ModeScene } from "../core/shapes.js" */
/** @import { Part } from "../core/events.js" */

/** @param {Part<string, {modes: ModeScene[]} | null>} said */
export const assistant = ({ element, props, watch }) => {
  const name = el("span", { class: "lk-mode-name" });
  const button = el(
    "button",
    { type: "button", class: "lk-assistant-button", "aria-haspopup": "menu", "aria-label": "AI Assistant" },
    icon("sparkle"),
    name,
    icon("chevron"),
  );
  const list = el("div", { role: "menu", "aria-label": "AI Assistant" });
  element.querySelector(".lk-assistant")?.append(button, list);
  const menu = popover(button, list, { width: 520, onOpen: () => focusCurrent(list) });
  rove(list, () => [...list.querySelectorAll("button")]);

  /** @param {ModeScene} mode */
  const choose = (mode) => {
    if (mode.reason) return toast(mode.reason, "warning");
    menu.close();
    if (mode.id === props.value) return undefined;
    props.value = mode.id;
    draw();
    return requestChange();
  };
  /** @param {ModeScene} mode */
  const item = (mode) =>
    el(
      "button",
      {
        type: "button",
        id: `mode-${mode.id}`,
        role: "menuitemradio",
        class: "lk-menu-item lk-mode",
        "aria-checked": String(mode.id === props.value),
        "aria-disabled": String(Boolean(mode.reason)),
        onclick: () => choose(mode),
      },
      words(mode.label, el("span", {}, mode.what), el("span", { class: mode.reason ? "lk-reason" : "lk-when" }, mode.reason ?? mode.when)),
      icon("check"),
    );
  const draw = () => {
    if (!props.scene) return;
    const current = props.scene.modes.find((mode) => mode.id === props.value);
    name.textContent = current?.label ?? "";
    button.setAttribute("aria-label", `AI Assistant: ${current?.label ?? "choose a mode"}`);
    refillMenu(list, [
      el("div", { class: "lk-menu-title", role: "presentation" }, "How should the reference act?"),
      ...props.scene.modes.map(item),
    ]);
  };
  watch(["value", "scene"], draw);
  draw();
};
