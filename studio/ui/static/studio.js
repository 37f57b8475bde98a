// The settings side outside its widgets: header, memory of this tab, last seed, queue words by the
// Generate button, and the quiet notices. Knows the snapshot; asks Python only through `settled`.
(() => {
  "use strict";
  const { likeness } = window;
  const { el, icon } = likeness;

  // --- header -----------------------------------------------------------------------------------
  const DEVICES = { cpu: "CPU", mps: "Apple GPU", cuda: "GPU" };
  const deviceWords = (device) => (device ? (DEVICES[device.split(":")[0]] ?? device) : "");

  const workerWords = ({ state, device, detail }) => {
    const where = deviceWords(device);
    const words = {
      starting: detail || "Loading the model…",
      ready: ["Ready", where].filter(Boolean).join(" · "),
      busy: ["Working", where].filter(Boolean).join(" · "),
      restarting: detail || "Starting again…",
      down: detail || "The engine has stopped",
    };
    return words[state] ?? state;
  };

  const active = (snapshot) => snapshot.jobs.filter((job) => job.status === "running" || job.status === "queued");

  const drawChip = (chip, state, words) => {
    chip.dataset.state = state;
    chip.textContent = words;
    chip.title = words;
  };

  likeness.header = (element, tabs) => {
    const root = element.querySelector(".lk-header");
    const chip = el("span", { class: "lk-chip", id: "worker-state", role: "status" });
    const theme = el("button", { type: "button", id: "theme-toggle", class: "lk-icon-button" });
    const nav = el("div", { class: "lk-tabs", role: "tablist", "aria-label": "Sections" });
    for (const [name, words] of tabs) {
      const count = name === "queue" ? el("span", { class: "lk-count", "aria-hidden": "true" }) : null;
      const select = { role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": "false", class: "lk-tab", type: "button" };
      nav.append(el("button", { ...select, onclick: () => likeness.showTab(name) }, words, count));
    }
    root.append(el("span", { class: "lk-name" }, el("span", { class: "lk-name-text" }, "Likeness")), nav, el("div", { class: "lk-header-end" }, chip, theme));
    wireTabs(nav);
    keepInView(nav);
    wireTheme(theme);
    drawChip(chip, "starting", "Connecting…");
    likeness.onSnapshot((snapshot) => {
      const held = snapshot.held && `The queue waits. ${snapshot.held}`;
      drawChip(chip, held ? "down" : snapshot.worker.state, held || workerWords(snapshot.worker));
      nav.querySelector(".lk-count").textContent = active(snapshot).length || "";
    });
    likeness.on("connection", (connected) => connected || drawChip(chip, "away", "Studio not reachable"));
    showFirst();
  };

  const showFirst = () => {
    const wanted = location.hash.slice(1);
    const known = document.getElementById(`tab-${wanted}`) && document.getElementById(`panel-${wanted}`);
    likeness.showTab(known ? wanted : "studio");
  };

  const wireTabs = (nav) => {
    const tabs = [...nav.children];
    nav.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  };

  // On a narrow page the row of sections scrolls: the one shown stays in it, whatever the width becomes.
  const keepInView = (nav) => {
    const centre = () => {
      const [row, chosen] = [nav, nav.querySelector("[aria-selected=true]")].map((node) => node?.getBoundingClientRect());
      if (chosen) nav.scrollLeft += chosen.left + chosen.width / 2 - row.left - row.width / 2;
    };
    new ResizeObserver(centre).observe(nav);
  };

  const wireTheme = (button) => {
    const draw = () => {
      const dark = likeness.theme() === "dark";
      button.replaceChildren(icon(dark ? "sun" : "moon"));
      button.setAttribute("aria-label", dark ? "Switch to light" : "Switch to dark");
      button.title = button.getAttribute("aria-label");
    };
    const stored = likeness.store.get("localStorage", "theme");
    if (stored && !new URLSearchParams(location.search).has("__theme")) likeness.setTheme(stored);
    button.addEventListener("click", () => likeness.setTheme(likeness.theme() === "dark" ? "light" : "dark"));
    new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    draw();
  };

  // --- memory of this tab -------------------------------------------------------------------------
  // The tab's own state lies in its session; a new tab begins with what was used last in any tab.
  let ready = false;
  let timer = 0;
  let announce;
  likeness.whenReady = new Promise((resolve) => (announce = resolve));

  likeness.recall = () => {
    const own = likeness.store.get("sessionStorage", "state");
    const text = own ?? likeness.store.get("localStorage", "state");
    try {
      const saved = JSON.parse(text);
      if (!own && saved?.model) Object.assign(saved.model, { picked: false, begun: null }); // chosen in another tab
      return saved ?? {};
    } catch {
      return {};
    }
  };

  /** The controls hold what was recalled, as far as it is still good: from here on that is what is remembered. */
  likeness.recalled = (names, values) => {
    ready = true;
    likeness.remember(names, values);
    announce();
    document.body.classList.add("lk-ready");
    likeness.emit("studio:ready");
    likeness.emit("settings:settled");
  };

  likeness.remember = (names, values) => {
    if (!ready) return;
    const text = JSON.stringify(Object.fromEntries(names.map((name, index) => [name, values[index]])));
    likeness.store.set("sessionStorage", "state", text);
    likeness.store.set("localStorage", "state", text);
    clearTimeout(timer);
    timer = setTimeout(() => likeness.emit("settings:settled"), 400);
  };

  // --- notices ----------------------------------------------------------------------------------------
  likeness.notices = (element, props, watch, settled) => {
    const list = el("ul", { class: "lk-notices", "aria-live": "polite" });
    element.querySelector(".lk-notices-root").append(list);
    const draw = () => list.replaceChildren(...(props.value ?? []).map((text) => el("li", {}, text)));
    likeness.on("settings:settled", settled);
    watch("value", draw);
    draw();
  };

  // --- Generate ------------------------------------------------------------------------------------------
  const jobs = (count, words) => `${count} ${words}`;

  likeness.generateStatus = (element) => {
    const line = el("div", { class: "lk-generate-status", id: "generate-status", role: "status" });
    element.querySelector(".lk-generate-root").append(line);
    const key = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ Enter" : "Ctrl + Enter";
    const draw = (snapshot) => {
      const running = snapshot ? snapshot.jobs.filter((job) => job.status === "running").length : 0;
      const waiting = snapshot ? active(snapshot).length - running : 0;
      const parts = [running && jobs(running, "running"), waiting && jobs(waiting, "queued")].filter(Boolean);
      line.textContent = parts.length ? `${parts.join(" · ")}. Generate adds another.` : key;
    };
    draw(likeness.snapshot);
    likeness.onSnapshot(draw);
  };

  // Where the columns stand one below the other, what is being made would be out of sight.
  likeness.showPreview = () => {
    if (window.matchMedia("(max-width: 1023px)").matches) document.getElementById("preview")?.scrollIntoView({ behavior: "smooth" });
  };

  // --- additional settings: closed by a class, so that its controls are always on the page -----------------
  likeness.disclosure = (element, target, words) => {
    const button = el("button", { type: "button", class: "lk-disclosure", "aria-controls": target, "aria-expanded": "false" }, words, icon("chevron"));
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      document.getElementById(target).classList.toggle("lk-hidden", !open);
    });
    element.querySelector(".lk-disclosure-root").append(button);
  };

  // --- seed and influence ---------------------------------------------------------------------------------
  const lastSeed = (snapshot) => {
    const mine = snapshot.jobs.filter((job) => job.tab === likeness.tab && job.started_at);
    const last = mine.sort((a, b) => (a.started_at < b.started_at ? 1 : -1))[0];
    return last ? String(last.request.seed) : null;
  };

  likeness.lastSeed = likeness.store.get("sessionStorage", "seed");

  likeness.seedMemory = (element, used) => {
    const number = el("span", {});
    const button = el("button", { type: "button", id: "last-seed", class: "lk-link", title: "Put this seed into the box", onclick: used }, "Last used ", number);
    const none = el("span", { class: "lk-muted" }, "No seed used yet");
    const root = element.querySelector(".lk-seed-root");
    const draw = () => {
      number.textContent = likeness.lastSeed ?? "";
      root.replaceChildren(likeness.lastSeed ? button : none);
    };
    likeness.onSnapshot((snapshot) => {
      const seed = lastSeed(snapshot);
      if (!seed || seed === likeness.lastSeed) return;
      likeness.lastSeed = seed;
      likeness.store.set("sessionStorage", "seed", seed);
      draw();
    });
    draw();
  };

  likeness.showStrength = (influence) => {
    const note = document.getElementById("strength");
    if (note && typeof influence === "number") note.textContent = `strength ${(1 - influence / 100).toFixed(2)}`;
  };

  // --- scrollbars that take room of their own do so inside the margin --------------------------------------------
  likeness.on("studio:ready", () => {
    const probe = el("div", { class: "lk-scrollbar-probe" });
    document.body.append(probe);
    document.documentElement.style.setProperty("--lk-scrollbar", `${probe.offsetWidth - probe.clientWidth}px`);
    probe.remove();
  });

  // --- toasts stand below Gradio's own, and on small screens above the Generate bar ------------------------------------------------------------------------
  const bar = new ResizeObserver(([{ target }]) => document.documentElement.style.setProperty("--lk-bar", `${target.offsetHeight}px`));
  const below = new ResizeObserver(([entry]) => {
    document.documentElement.style.setProperty("--lk-toasts-above", entry.contentRect.height ? `${entry.contentRect.height + 8}px` : "0px");
  });
  likeness.on("studio:ready", () => {
    const wrap = document.querySelector(".toast-wrap");
    if (wrap) below.observe(wrap);
    bar.observe(document.getElementById("generate-bar"));
  });
})();
