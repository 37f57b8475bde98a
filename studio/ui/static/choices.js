// The assistant menu (which mode) and the model selector. Value: the choice; `scene`: what there is to
// choose from, with words and reasons, from Python. An unavailable choice can be read but not taken.
(() => {
  "use strict";
  const { likeness } = window;
  const { el, icon } = likeness;

  const focusCurrent = (panel) => (panel.querySelector("[aria-checked=true], [aria-selected=true]") ?? panel.querySelector("button"))?.focus();

  const words = (title, ...lines) => el("span", { class: "lk-choice-words" }, el("span", { class: "lk-choice-title" }, title), lines.filter(Boolean));

  // --- assistant --------------------------------------------------------------------------------
  likeness.assistant = (element, props, watch) => {
    const name = el("span", { class: "lk-mode-name" });
    const button = el("button", { type: "button", class: "lk-assistant-button", "aria-haspopup": "menu", "aria-label": "AI Assistant" }, icon("sparkle"), name, icon("chevron"));
    const list = el("div", { role: "menu", "aria-label": "AI Assistant" });
    element.querySelector(".lk-assistant").append(button, list);
    const menu = likeness.popover(button, list, { width: 520, onOpen: () => focusCurrent(list) });
    likeness.rove(list, () => [...list.querySelectorAll("button")]);

    const choose = (mode) => {
      if (mode.reason) return likeness.toast(mode.reason, "warning");
      menu.close();
      if (mode.id === props.value) return undefined;
      props.value = mode.id;
      draw();
      return likeness.change();
    };
    const item = (mode) =>
      el(
        "button",
        { type: "button", id: `mode-${mode.id}`, role: "menuitemradio", class: "lk-menu-item lk-mode", "aria-checked": String(mode.id === props.value), "aria-disabled": String(Boolean(mode.reason)), onclick: () => choose(mode) },
        words(mode.label, el("span", {}, mode.what), el("span", { class: mode.reason ? "lk-reason" : "lk-when" }, mode.reason ?? mode.when)),
        icon("check"),
      );
    const draw = () => {
      if (!props.scene) return;
      const current = props.scene.modes.find((mode) => mode.id === props.value);
      name.textContent = current?.label ?? "";
      button.setAttribute("aria-label", `AI Assistant: ${current?.label ?? "choose a mode"}`);
      const focused = document.activeElement?.id;
      list.replaceChildren(el("div", { class: "lk-menu-title", role: "presentation" }, "How should the reference act?"), ...props.scene.modes.map(item));
      if (focused?.startsWith("mode-")) document.getElementById(focused)?.focus();
    };
    watch(["value", "scene"], draw);
    draw();
  };

  // --- model selector -----------------------------------------------------------------------------
  const seconds = (value) => (value < 9.95 ? `${Math.round(value * 10) / 10} s` : `${Math.round(value)} s`);
  const memory = (mb) => (mb < 1000 ? `${mb} MB` : `${Math.round(mb / 102.4) / 10} GB`);

  const costs = new Map(); // model id → what it was found to cost since the page was loaded

  const cost = (model) => {
    const known = costs.get(model.id) ?? model;
    const parts = [known.seconds === null ? null : `about ${seconds(known.seconds)} a picture`, known.vram_mb === null ? null : memory(known.vram_mb)];
    return parts.filter(Boolean).join(" · ") || "Not timed yet";
  };
  const badge = (model) => (model.edit ? el("span", { class: "lk-edit-badge", title: "Supports image editing" }, "Edit") : null);

  const afterEachJob = (run) => {
    let last = null;
    likeness.onSnapshot(({ jobs }) => {
      const ended = jobs.map((job) => job.finished_at ?? "").sort().at(-1) ?? "";
      if (last !== null && ended > last) run();
      last = ended;
    });
  };

  likeness.modelSelect = (element, props, watch) => {
    const label = el("span", { class: "lk-model-label" });
    const price = el("span", { class: "lk-muted lk-model-cost" });
    const button = el("button", { type: "button", class: "lk-model-button", "aria-haspopup": "listbox" }, el("span", { class: "lk-model-line" }, label, price), icon("chevron"));
    const list = el("div", { role: "listbox", "aria-label": "Model" });
    element.querySelector(".lk-models").append(el("div", { class: "lk-section-head" }, el("h2", {}, "Model")), button, list);
    const menu = likeness.popover(button, list, { width: "button", onOpen: () => focusCurrent(list) });
    likeness.rove(list, () => [...list.querySelectorAll("button")]);
    list.addEventListener("toggle", () => draw());
    afterEachJob(async () => {
      const models = await likeness.api("/models", { quiet: true }).catch(() => []); // what was known stands
      models.forEach((model) => costs.set(model.id, model.cost));
      draw();
    });

    const choose = (model) => {
      if (model.reason) return likeness.toast(model.reason, "warning");
      menu.close();
      if (model.id === props.value?.chosen) return undefined;
      props.value = { ...props.value, chosen: model.id, earlier: null, picked: true };
      draw();
      return likeness.change();
    };
    const option = (model) =>
      el(
        "button",
        { type: "button", id: `model-${model.id}`, role: "option", class: "lk-menu-item lk-model", "aria-selected": String(model.id === props.value?.chosen), "aria-disabled": String(Boolean(model.reason)), onclick: () => choose(model) },
        words(el("span", { class: "lk-model-title" }, model.label, badge(model)), model.description && el("span", {}, model.description), el("span", { class: model.reason ? "lk-reason" : "lk-when" }, model.reason ?? cost(model))),
        icon("check"),
      );
    const draw = () => {
      if (!props.scene || list.matches(":popover-open")) return;
      const current = props.scene.models.find((model) => model.id === props.value?.chosen);
      label.replaceChildren(...(current ? [current.label, badge(current)].filter(Boolean) : [props.scene.models.length ? "Choose a model" : props.scene.none]));
      price.textContent = current ? cost(current) : "";
      button.setAttribute("aria-label", `Model: ${current ? `${current.label}${current.edit ? ", supports image editing" : ""}, ${cost(current)}` : "none"}`);
      list.replaceChildren(...props.scene.models.map(option));
    };
    watch(["value", "scene"], draw);
    draw();
  };
})();
