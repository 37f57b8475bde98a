// The pictures of the collection as the browser knows them: records by id, and what can be done with one
// through REST. Tells the other widgets and tabs of every change. Draws nothing but the undo in a toast.
(() => {
  "use strict";
  const { likeness } = window;
  if (likeness.pictures) return;
  const { kit } = likeness;

  const records = new Map(); // id → record as listed or fetched
  const complete = new Map(); // id → promise of the full record with parents and children
  const labels = new Map(); // model id → label
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("likeness.pictures") : null;

  const path = (id, rest = "") => `/images/${encodeURIComponent(id)}${rest}`;

  function remember(record) {
    records.set(record.id, { ...records.get(record.id), ...record });
    return records.get(record.id);
  }

  function announce(record) {
    complete.delete(record.id);
    likeness.emit("picture:changed", remember(record));
  }

  channel?.addEventListener("message", ({ data }) => announce(data));

  function changed(record) {
    announce(record);
    channel?.postMessage(record);
    return record;
  }

  /** The full record. Rejects (quietly) where the picture is gone. */
  function full(id) {
    if (!complete.has(id)) {
      const asked = likeness.api(path(id), { quiet: true }).then(remember);
      asked.catch(() => complete.delete(id));
      complete.set(id, asked);
    }
    return complete.get(id);
  }

  /** Forget what was fetched: a new child of a picture changes its record. */
  const stale = (id) => complete.delete(id);

  /** The record as far as it is known, asked for where it is not. */
  const get = (id) => (records.has(id) ? Promise.resolve(records.get(id)) : full(id));
  const known = (id) => records.get(id);

  /** One page of a listing: {items, next}. Empty parameters are left out. */
  async function list(query) {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
    const page = await likeness.api(`/images?${new URLSearchParams(given)}`, { quiet: true });
    page.items.forEach(remember);
    return page;
  }

  const patch = async (id, json) => changed(await likeness.api(path(id), { method: "PATCH", json }));

  async function toggleStar(id) {
    const record = await get(id);
    return patch(id, { starred: !record.starred });
  }

  async function restore(id) {
    const record = await likeness.api(path(id, "/restore"), { method: "POST" });
    return changed({ ...known(id), ...record, id, trashed_at: null });
  }

  function offerUndo(id) {
    const toast = likeness.toast("Moved to the trash.", "info");
    const undo = kit.button({ label: "Undo", kind: "undo", run: () => (toast.remove(), restore(id)) });
    toast.lastChild.before(likeness.el("div", { class: "out" }, undo));
  }

  async function trash(id) {
    const record = await likeness.api(path(id), { method: "DELETE" });
    changed({ ...known(id), ...record, id, trashed_at: record?.trashed_at ?? new Date().toISOString() });
    offerUndo(id);
  }

  /** Hand the stored bytes to the browser's download. */
  function download(id) {
    const link = likeness.el("a", { href: `${likeness.file(id)}?download=1`, download: "" });
    document.body.append(link);
    link.click();
    link.remove();
  }

  /** A name for the model: its label where the catalogue knows it. */
  const modelLabel = (id) => labels.get(id) || id;

  const alt = (record) => {
    const words = record.name || record.request?.prompt?.trim() || record.label || "Picture";
    return words.length > 120 ? `${words.slice(0, 117)}…` : words;
  };

  /** Make a node draggable onto the references; `id()` names its picture. */
  function draggable(node, id) {
    node.draggable = true;
    node.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("application/x-likeness-image", id());
      event.dataTransfer.effectAllowed = "copy";
    });
    return node;
  }

  // --- new pictures ---------------------------------------------------------------------------
  const seen = new Set();
  let first = true;

  /** Tell of pictures that jobs have saved since the last snapshot. */
  likeness.onSnapshot((snapshot) => {
    const fresh = snapshot.jobs.flatMap((job) => job.images.filter((id) => !seen.has(id)).map((id) => ({ id, job })));
    fresh.forEach(({ id, job }) => {
      seen.add(id);
      job.request.references.forEach((reference) => stale(reference.image_id));
    });
    if (fresh.length && !first) likeness.emit("pictures:new", { ids: fresh.map(({ id }) => id) });
    first = false;
  });
  likeness.on("images:uploaded", ({ ids }) => likeness.emit("pictures:new", { ids }));

  likeness.api("/models", { quiet: true }).then((models) => {
    for (const model of models) labels.set(model.id, model.label);
    likeness.emit("models:known");
  }).catch(() => {}); // ids stand in for labels until the next load

  likeness.pictures = {
    full, get, known, list, patch, toggleStar, restore, trash, download, modelLabel, alt, draggable,
  };
})();
