// What the widgets of the output side share: buttons, icons, words for jobs and settings, keyboard,
// dialogs. Text always goes in as text, never as HTML. Knows nothing of REST or of Gradio.
(() => {
  "use strict";
  const { likeness } = window;
  if (likeness.kit) return;
  const { el } = likeness;

  const ICONS = {
    use: ["M3 5h18v14H3z", "M12 8v7", "M9 12l3 3 3-3"],
    add: ["M12 5v14", "M5 12h14"],
    edit: ["M4 20l4-1L19 8l-3-3L5 16z", "M14 7l3 3"],
    compare: ["M12 3v18", "M3 6h6v12H3z", "M15 6h6v12h-6z"],
    reuse: ["M5 12a7 7 0 0 1 12-5l2 2", "M19 5v4h-4", "M19 12a7 7 0 0 1-12 5l-2-2", "M5 19v-4h4"],
    seed: ["M5 5h14v14H5z", "M9 9h.01", "M15 9h.01", "M12 12h.01", "M9 15h.01", "M15 15h.01"],
    download: ["M12 4v11", "M7 11l5 5 5-5", "M5 20h14"],
    star: ["M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z"],
    trash: ["M4 7h16", "M9 7V4h6v3", "M6 7l1 13h10l1-13", "M10 11v5", "M14 11v5"],
    restore: ["M9 14L4 9l5-5", "M4 9h10a5.5 5.5 0 0 1 0 11h-3"],
    info: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18", "M12 11v5", "M12 8h.01"],
    close: ["M6 6l12 12", "M18 6L6 18"],
    search: ["M11 5a6 6 0 1 0 0 12a6 6 0 1 0 0-12", "M20 20l-4.5-4.5"],
    left: ["M15 5l-7 7 7 7"],
    right: ["M9 5l7 7-7 7"],
    check: ["M5 12l5 5 9-10"],
    references: ["M8 3h13v13H8z", "M3 8v13h13"],
    live: ["M5 4l14 8-14 8z"],
    filter: ["M4 6h16", "M7 12h10", "M10 18h4"],
    tag: ["M4 4h8l8 8-8 8-8-8z", "M8 8h.01"],
    folder: ["M3 6h6l2 2h10v11H3z"],
    tree: ["M9 3h6v5H9z", "M3 16h6v5H3z", "M15 16h6v5h-6z", "M12 8v4", "M6 16v-4h12v4"],
    anchor: ["M12 7v14", "M5 13a7 7 0 0 0 14 0", "M12 3a2 2 0 1 0 0 4a2 2 0 1 0 0-4", "M9 10h6"],
    winners: ["M7 4h10v5a5 5 0 0 1-10 0z", "M12 14v4", "M8 20h8", "M7 6H4v1a3 3 0 0 0 3 3", "M17 6h3v1a3 3 0 0 1-3 3"],
    again: ["M20 12a8 8 0 1 1-2.5-5.8", "M20 3v5h-5"],
    plus: ["M12 5v14", "M5 12h14"],
    minus: ["M5 12h14"],
    fit: ["M4 9V4h5", "M15 4h5v5", "M20 15v5h-5", "M9 20H4v-5"],
    person: ["M12 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8", "M4 21c0-4 4-6 8-6s8 2 8 6"],
    lock: ["M6 11h12v9H6z", "M8 11V8a4 4 0 0 1 8 0v3"],
    more: ["M5 12h.01", "M12 12h.01", "M19 12h.01"],
    clean: ["M12 3l7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6z"],
  };
  const SVG = "http://www.w3.org/2000/svg";

  /** An SVG icon, hidden from screen readers: its button carries the words. */
  function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "out-icon", "aria-hidden": "true" })) {
      svg.setAttribute(key, value);
    }
    for (const d of ICONS[name]) {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", d);
      svg.append(path);
    }
    return svg;
  }

  /** A button with an icon; without `words` on it, its label is a tooltip. `key` is its shortcut. */
  function button({ id, name, label, words = true, kind = "", key, run, ...rest }) {
    const title = key ? `${label} (${key})` : words ? null : label;
    const props = { type: "button", id, class: `out-button ${kind}`, title, "aria-label": label };
    return el("button", { ...props, "aria-keyshortcuts": key, ...rest, onclick: run },
      name ? icon(name) : null, words ? el("span", {}, label) : null);
  }

  /** Put a stylesheet into the page once. */
  function style(name, css) {
    if (document.getElementById(`out-css-${name}`)) return;
    document.head.append(el("style", { id: `out-css-${name}` }, css));
  }

  // --- words ----------------------------------------------------------------------------------
  const { modes: MODES, roles: ROLES, controls: CONTROLS } = likeness.words;
  const CATEGORIES = { generated: "Generated", edited: "Edited", upload: "Upload", imported: "Imported" };
  const PHASES = {
    loading: "Loading the model…", encoding: "Encoding…", decoding: "Decoding…", saving: "Saving…",
  };
  const ENDED = { done: "Done", failed: "Failed", cancelled: "Cancelled" };
  const isActive = (job) => job.status === "running" || job.status === "queued";

  function queuedWords(job) {
    if (!job.position) return "Next in the queue";
    return job.position === 1 ? "Waiting for 1 job" : `Waiting for ${job.position} jobs`;
  }

  /** Where a job is, in words. */
  function jobWords(job) {
    if (!isActive(job)) return ENDED[job.status];
    if (job.cancel_requested) return "Cancelling…";
    if (job.status === "queued") return queuedWords(job);
    if (job.phase === "denoising") {
      return job.step ? `Step ${job.step} of ${job.total_steps}` : "Starting to draw…";
    }
    return PHASES[job.phase] || "Starting…";
  }

  /** The rest of a running job in words, or "" where nothing is measured yet. */
  function etaWords(job) {
    const seconds = job.eta_seconds;
    if (job.status !== "running" || job.cancel_requested || seconds === null || seconds === undefined) return "";
    if (seconds < 1) return "almost done";
    return seconds < 90 ? `about ${Math.round(seconds)} s left` : `about ${Math.round(seconds / 60)} min left`;
  }

  /** 0–1, or null where it cannot be told (loading, encoding). */
  function progress(job) {
    if (job.status === "done") return 1;
    if (job.status !== "running" || !job.total_steps) return null;
    if (job.phase === "decoding" || job.phase === "saving") return 1;
    return job.phase === "denoising" ? job.step / job.total_steps : null;
  }

  function date(iso) {
    return new Date(/[zZ]$|[+-]\d\d:?\d\d$/.test(iso) ? iso : `${iso}Z`);
  }

  const TIME = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" }); // making one takes long
  const DAY = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });

  /** "14:03" today, "3 Nov, 14:03" before. */
  function clock(iso) {
    const then = date(iso);
    const today = then.toDateString() === new Date().toDateString();
    return today ? TIME.format(then) : `${DAY.format(then)}, ${TIME.format(then)}`;
  }

  const seconds = (s) => (s < 9.95 ? `${s.toFixed(1)} s` : `${Math.round(s)} s`);
  const percent = (share) => `${Math.round(share * 100)} %`;

  /** The settings of a request on one line. `seed` is the picture's own where it is known. */
  function settingsLine(request, { model, seed } = {}) {
    const used = seed ?? (request.seed >= 0 ? request.seed : null);
    return [
      model || request.model,
      request.num_inference_steps === 1 ? "1 step" : `${request.num_inference_steps} steps`,
      `guidance ${request.guidance_scale}`,
      request.strength === null || request.strength === undefined ? null : `influence ${percent(1 - request.strength)}`,
      used === null ? null : `seed ${used}`,
      request.width && request.height ? `${request.width} × ${request.height}` : null,
    ].filter(Boolean).join(" · ");
  }

  const promptWords = (request) => (request && request.prompt.trim()) || "No prompt";

  // --- keyboard -------------------------------------------------------------------------------
  function nearestRow(items, from, direction) {
    const here = from.getBoundingClientRect();
    const middle = here.left + here.width / 2;
    let best = null;
    for (const item of items) {
      const box = item.getBoundingClientRect();
      const rows = (box.top - here.top) * direction;
      if (rows < here.height / 2) continue;
      const score = rows * 4 + Math.abs(box.left + box.width / 2 - middle);
      if (!best || score < best.score) best = { item, score };
    }
    return best && best.item;
  }

  /** The item an arrow, Home or End key leads to, or null. */
  function arrowTarget(items, current, key) {
    const index = items.indexOf(current);
    if (key === "ArrowRight") return items[index + 1] || null;
    if (key === "ArrowLeft") return items[index - 1] || null;
    if (key === "Home") return items[0] || null;
    if (key === "End") return items[items.length - 1] || null;
    if (key === "ArrowDown") return nearestRow(items, current, 1);
    if (key === "ArrowUp") return nearestRow(items, current, -1);
    return null;
  }

  /** True while the artist writes: shortcuts of single letters must not fire. */
  function isTyping(event) {
    const at = event.target;
    return event.ctrlKey || event.metaKey || event.altKey || at.isContentEditable
      || (at.matches("input, textarea, select") && at.type !== "range");
  }

  // --- dialogs --------------------------------------------------------------------------------
  const host = el("div", { class: "out" });

  function toastBox() {
    const box = document.getElementById("likeness-toasts");
    return box || el("div", { id: "likeness-toasts", role: "region", "aria-label": "Messages" });
  }

  /** A modal dialog of the page: Esc and the backdrop close it, focus goes back to where it was. */
  function dialog({ id, title, kind = "", onClose }) {
    const heading = el("h2", { class: "out-dialog-title", id: `${id}-title` }, title);
    const body = el("div", { class: "out-dialog-body" });
    const closer = button({ name: "close", label: "Close", words: false, kind: "ghost", run: () => node.close() });
    const head = el("header", { class: "out-dialog-head" }, heading, closer);
    const node = el("dialog", { id, class: `out-dialog ${kind}`, "aria-labelledby": `${id}-title` }, head, body);
    let opener = null;
    node.addEventListener("click", (event) => event.target === node && node.close());
    node.addEventListener("keydown", (event) => event.stopPropagation());
    node.addEventListener("close", () => {
      node.removeAttribute("aria-modal");
      const below = [...host.querySelectorAll("dialog[open]")].at(-1);
      (below ?? document.body).append(toastBox());
      if (onClose) onClose();
      if (opener && opener.isConnected) opener.focus({ preventScroll: true });
      opener = null;
    });
    const open = () => {
      if (node.open) return;
      opener = document.activeElement;
      host.append(node);
      if (!host.isConnected) document.body.append(host); // moved, it would take an open dialog out of the top layer
      node.append(toastBox()); // outside an open modal dialog nothing can be clicked
      node.setAttribute("aria-modal", "true");
      node.showModal();
    };
    return { node, head, body, heading, open, close: () => node.close() };
  }

  const widgets = {};
  /** A Gradio component calls this when it is on the page. */
  likeness.mount = (name, element) => {
    element.classList.add("out");
    widgets[name](element, likeness.change);
  };
  likeness.kit = {
    ROLES, CATEGORIES, MODES, CONTROLS, widgets, icon, button, style, dialog, isActive, jobWords, etaWords, progress,
    date, clock, seconds, percent, settingsLine, promptWords, arrowTarget, isTyping,
  };
})();
