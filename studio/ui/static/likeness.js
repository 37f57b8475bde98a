// The page's small common ground: REST calls, toasts, the queue's snapshot, sections, a bus between
// widgets. Knows no widget. Everything shown is set as text, never as HTML.
(() => {
  "use strict";
  if (window.likeness) return;

  const likeness = (window.likeness = {});

  // --- bus ---------------------------------------------------------------------------------
  const listeners = new Map();

  likeness.on = (name, callback) => {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(callback);
    return () => listeners.get(name).delete(callback);
  };

  likeness.emit = (name, detail) => {
    for (const callback of [...(listeners.get(name) ?? [])]) {
      try {
        callback(detail);
      } catch (error) {
        console.error(`likeness: a listener of ${name} failed`, error);
      }
    }
  };

  // --- storage: private windows and full disks must not break the page ---------------------------
  likeness.store = {
    get(area, key) {
      try {
        return window[area].getItem(`likeness.${key}`);
      } catch {
        return null;
      }
    },
    set(area, key, text) {
      try {
        window[area].setItem(`likeness.${key}`, text);
      } catch {
        /* the page works without memory */
      }
    },
  };

  // --- this tab --------------------------------------------------------------------------------
  // Its id outlives a reload. Each open tab holds a lock of its name: where the last tab's lock is free, its browser
  // was closed, and the tab that opens now takes its place, with its jobs and pictures.
  const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

  const holdTab = (id, options = {}) => new Promise((answer) => {
    navigator.locks.request(`likeness.tab.${id}`, options, (lock) => {
      answer(Boolean(lock));
      return lock && new Promise(() => {});
    }).catch(() => answer(false));
  });

  const beTab = (id) => {
    likeness.tab = id;
    likeness.store.set("sessionStorage", "tab", id);
    likeness.store.set("localStorage", "tab", id);
  };

  const chooseTab = async () => {
    const own = likeness.store.get("sessionStorage", "tab");
    const last = likeness.store.get("localStorage", "tab");
    const free = !own && last && navigator.locks && (await holdTab(last, { ifAvailable: true }));
    beTab(own ?? (free ? last : randomId()));
    if (!free && navigator.locks) holdTab(likeness.tab);
  };

  likeness.tabKnown = chooseTab();

  // --- DOM -----------------------------------------------------------------------------------
  // el("button", {class: "x", onclick: f, "aria-label": "…"}, "text", child): attributes and listeners.
  likeness.el = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  };

  const ICONS = {
    plus: "M12 5v14M5 12h14",
    close: "M6 6l12 12M18 6L6 18",
    sparkle: "M12 3l1.9 5.6L19.5 10.5l-5.6 1.9L12 18l-1.9-5.6L4.5 10.5l5.6-1.9zM19 15l.8 2.2L22 18l-2.2.8L19 21l-.8-2.2L16 18l2.2-.8z",
    sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
    moon: "M20 14.5A8.5 8.5 0 019.5 4a8.5 8.5 0 1010.5 10.5z",
    folder: "M3 6h6l2 2h10v11H3z",
    device: "M4 5h16v11H4zM9 20h6M12 16v4",
    chevron: "M6 9l6 6 6-6",
    check: "M5 12l5 5 9-10",
  };

  likeness.icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "lk-icon", "aria-hidden": "true" })) svg.setAttribute(key, value);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", ICONS[name] ?? "");
    svg.append(path);
    return svg;
  };

  likeness.thumbnail = (id) => `/api/v1/images/${encodeURIComponent(id)}/thumbnail`;
  // Attributes of an img whose longest side is shown `px` long: the browser takes the smaller file where it will do.
  likeness.sized = (id, px) => {
    const url = likeness.thumbnail(id);
    return { src: url, srcset: `${url}?side=192 192w, ${url} 384w`, sizes: `${px}px` };
  };
  likeness.file = (id) => `/api/v1/images/${encodeURIComponent(id)}/file`;

  // --- toasts ----------------------------------------------------------------------------------
  // kind: "info", "success", "warning" or "error". Errors stay until closed, the others for six seconds.
  likeness.toast = (text, kind = "info") => {
    let box = document.getElementById("likeness-toasts");
    if (!box) {
      box = likeness.el("div", { id: "likeness-toasts", role: "region", "aria-label": "Messages" });
      document.body.append(box);
    }
    const urgent = kind === "error" || kind === "warning";
    const toast = likeness.el("div", { class: `lk-toast lk-toast-${kind}`, role: urgent ? "alert" : "status" });
    const close = likeness.el("button", { type: "button", "aria-label": "Close", onclick: () => toast.remove() }, likeness.icon("close"));
    toast.append(likeness.el("span", {}, String(text)), close);
    box.append(toast);
    while (box.children.length > 4) box.firstChild.remove();
    if (kind !== "error") setTimeout(() => toast.remove(), 6000);
    return toast;
  };

  // --- REST ------------------------------------------------------------------------------------
  const wordsOf = async (response) => {
    try {
      const problem = await response.json();
      if (typeof problem.detail === "string" && problem.detail) return problem;
    } catch {
      /* not a problem document */
    }
    return { detail: `The studio could not do that (answer ${response.status}). Nothing was lost.` };
  };

  const fail = (problem, quiet) => {
    if (!quiet) likeness.toast(problem.detail, "error");
    throw Object.assign(new Error(problem.detail), { problem });
  };

  // JSON in which a seed too long for a JavaScript number is text.
  const parse = (text) => JSON.parse(text.replace(/"seed":\s*(\d{16,})/g, '"seed":"$1"'));

  // api("/images/ID", {method: "PATCH", json: {starred: true}}) → parsed body, or null where there is none.
  // Refusals become a toast (not with quiet: true) and a thrown Error with `.problem`.
  likeness.api = async (path, { json, quiet = false, headers = {}, ...options } = {}) => {
    const body = json === undefined ? options.body : JSON.stringify(json);
    const type = json === undefined ? {} : { "Content-Type": "application/json" };
    const url = path.startsWith("/api/") ? path : `/api/v1${path}`;
    let response;
    try {
      response = await fetch(url, { ...options, body, headers: { Accept: "application/json", ...type, ...headers } });
    } catch {
      return fail({ detail: "The studio does not answer. Check that it is still running, then try again." }, quiet);
    }
    if (!response.ok) return fail(await wordsOf(response), quiet);
    return response.status === 204 ? null : response.text().then(parse).catch(() => null);
  };

  // Files → records in the order given. A refused file is told in its own words, the others are kept; so is what
  // was not taken from a file, such as the later pictures of an animation.
  likeness.upload = async (files) => {
    const records = [];
    const named = (file, words) => (files.length > 1 && file.name ? `${file.name}: ${words}` : words);
    for (const file of files) {
      const body = new FormData();
      body.append("file", file, file.name || "pasted.png");
      try {
        records.push(await likeness.api("/images", { method: "POST", body, quiet: true }));
      } catch (refusal) {
        likeness.toast(named(file, refusal.message), "error");
      }
    }
    new Set(records.flatMap((record) => record.notes)).forEach((note) => likeness.toast(note));
    if (records.length) likeness.emit("images:uploaded", { ids: records.map((record) => record.id) });
    return records;
  };

  // --- the queue's snapshot ------------------------------------------------------------------------
  // A browser allows few open connections per server, and each tab already uses some. So one tab listens to the
  // server and passes what it hears to the others; when it closes, the next one takes over.
  likeness.snapshot = null;
  likeness.events = { connected: false, source: null };
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("likeness.events") : null;

  const take = (snapshot) => {
    likeness.snapshot = snapshot;
    likeness.emit("snapshot", snapshot);
  };

  const setConnected = (connected) => {
    if (likeness.events.connected === connected) return;
    likeness.events.connected = connected;
    likeness.emit("connection", connected);
  };

  likeness.onSnapshot = (callback) => {
    if (likeness.snapshot) callback(likeness.snapshot);
    return likeness.on("snapshot", callback);
  };

  const share = (message) => channel?.postMessage(message);

  const listen = () => {
    const source = new EventSource("/api/v1/events");
    likeness.events.source = source;
    const hear = (event) => {
      const snapshot = parse(event.data);
      setConnected(true);
      take(snapshot);
      share({ snapshot });
    };
    source.addEventListener("message", hear);
    source.addEventListener("snapshot", hear);
    source.addEventListener("error", () => {
      setConnected(false);
      share({ connected: false });
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
    });
  };

  const hearTab = ({ data }) => {
    if (data.snapshot) {
      setConnected(true);
      take(data.snapshot);
    } else if (data.connected === false) setConnected(false);
    else if (data.ask && likeness.events.source && likeness.snapshot) share({ snapshot: likeness.snapshot });
  };

  const follow = () => {
    if (!channel || !navigator.locks) return listen();
    channel.addEventListener("message", hearTab);
    share({ ask: true });
    return navigator.locks.request("likeness.events", () => (listen(), new Promise(() => {})));
  };
  likeness.tabKnown.then(follow);

  // --- sections ------------------------------------------------------------------------------------
  // Buttons #tab-NAME show #panel-NAME; all panels stay mounted. The address keeps the section.
  const sections = () => [...document.querySelectorAll("[role=tab][id^=tab-]")].map((tab) => tab.id.slice(4));

  likeness.section = "studio";

  likeness.showTab = (name) => {
    if (!sections().includes(name)) return;
    const changed = likeness.section !== name;
    likeness.section = name;
    for (const other of sections()) {
      const tab = document.getElementById(`tab-${other}`);
      tab.setAttribute("aria-selected", String(other === name));
      tab.tabIndex = other === name ? 0 : -1;
      document.getElementById(`panel-${other}`)?.classList.toggle("lk-hidden", other !== name);
    }
    document.getElementById(`tab-${name}`).scrollIntoView({ block: "nearest", inline: "center" });
    if (location.hash !== `#${name}`) history.replaceState(null, "", `#${name}`);
    if (changed) window.scrollTo(0, 0);
    likeness.emit("tab:shown", name);
  };

  window.addEventListener("hashchange", () => likeness.showTab(location.hash.slice(1)));

  // --- light and dark ----------------------------------------------------------------------------------
  likeness.theme = () => (document.body.classList.contains("dark") ? "dark" : "light");

  likeness.setTheme = (theme) => {
    document.body.classList.toggle("dark", theme === "dark");
    likeness.store.set("localStorage", "theme", theme);
    likeness.emit("theme", theme);
  };

  // --- keyboard ------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    if (likeness.section !== "studio" || document.querySelector("[aria-modal=true]:not([hidden])")) return;
    const button = document.getElementById("generate");
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
})();
