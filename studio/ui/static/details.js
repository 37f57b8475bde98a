// Details: a dialog with one picture, how it came to be, and what can be done with it. Opened by `details:open`
// {id, act, ids} on the bus; `ids` are the neighbours the arrow keys step through.
(() => {
  "use strict";
  const { likeness } = window;
  const { el } = likeness;
  const { kit, pictures, toolbar } = likeness;

  const TOOLS = ["use", "add", "edit", "compare", "reuse_settings", "reuse_seed", "reuse_references", "download", "star", "trash", "restore"];
  const bytes = (n) => (n < 1e6 ? `${Math.round(n / 1e3)} kB` : `${(n / 1e6).toFixed(1)} MB`);
  const when = (iso) => kit.date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

  const modelLine = (record) => {
    const revision = record.provenance?.revision ?? record.provenance?.model?.revision ?? record.provenance?.model_revision;
    const short = revision && String(revision).replace(/^sha256:/, "").slice(0, 12);
    return [record.label, short ? `revision ${short}` : null].filter(Boolean).join(" · ");
  };

  function machineLine({ provenance = {} }) {
    const versions = Object.entries(provenance.versions || {}).map(([name, version]) => `${name} ${version}`);
    return [provenance.device_name || provenance.device, provenance.dtype, ...versions].filter(Boolean).join(" · ") || null;
  }

  function controlLine(control) {
    if (!control) return null;
    return `${kit.CONTROLS[control.kind]}, weight ${control.weight}, from ${kit.percent(control.start)} to ${kit.percent(control.end)} of the steps`;
  }

  /** [words, value] of everything that made the picture; without a request what is known of the file. */
  function rows(record) {
    const request = record.request;
    const made = request ? [
      ["Model", modelLine(record)],
      ["Mode", kit.MODES[request.mode]],
      ["Prompt", kit.promptWords(request)],
      ["Negative prompt", request.negative_prompt || null],
      ["Seed", record.seed ?? request.seed],
      ["Steps", request.num_inference_steps],
      ["Guidance", request.guidance_scale],
      ["Influence", request.strength === null || request.strength === undefined ? null : kit.percent(1 - request.strength)],
      ["Structure", controlLine(request.control)],
      ["Made on", machineLine(record)],
      ["In batch", request.num_images > 1 ? `${(record.batch_index ?? 0) + 1} of ${request.num_images}` : null],
    ] : [["From", record.label]];
    return [...made, ["Kind", kit.CATEGORIES[record.category]], ["Size", `${record.width} × ${record.height} · ${bytes(record.size_bytes)}`],
      ["Saved", when(record.created_at)], ["Tags", record.tags?.length ? record.tags.join(", ") : null]]
      .filter(([, value]) => value !== null && value !== undefined);
  }

  class Details {
    constructor() {
      this.dialog = kit.dialog({ id: "details-dialog", title: "Picture", kind: "wide tall" });
      this.image = el("img", { class: "out-details-image", alt: "" });
      const step = (name, label, by) => kit.button({ name, label, words: false, kind: "ghost", run: () => this.step(by) });
      this.before = step("left", "Previous picture", -1);
      this.after = step("right", "Next picture", 1);
      this.name = el("input", { type: "text", id: "details-name", maxlength: 200, placeholder: "Give it a name", "aria-label": "Name" });
      this.name.addEventListener("change", () => this.rename());
      this.list = el("dl", { class: "out-facts" });
      this.family = el("div", { class: "out-family" });
      this.notes = el("ul", { class: "out-notes" });
      this.bar = toolbar.bar(TOOLS, { icons: ["download", "star", "trash", "restore"], target: () => [this.id, this.act] });
      this.bar.node.addEventListener("click", (event) => this.leave(event.target.closest("[data-action]")?.dataset.action), { capture: true });
      this.dialog.head.insertBefore(this.before, this.dialog.head.lastChild);
      this.dialog.head.insertBefore(this.after, this.dialog.head.lastChild);
      this.dialog.body.append(el("div", { class: "out-details" }, el("div", { class: "out-details-view" }, this.image),
        el("div", { class: "out-details-side" }, this.bar.node, this.name, this.list, this.family, this.notes)));
      this.dialog.node.addEventListener("keydown", (event) => this.key(event));
      likeness.on("details:open", (event) => this.open(event));
      likeness.on("picture:changed", (record) => this.dialog.node.open && record.id === this.id && this.show(record.id));
    }

    open({ id, act, ids = [id] }) {
      this.act = act;
      this.ids = ids;
      this.dialog.open();
      this.dialog.node.focus();
      this.show(id);
    }

    async show(id) {
      this.id = id;
      const record = await pictures.full(id).catch((error) => (likeness.toast(error.message, "warning"), null));
      if (this.id !== id) return;
      if (record) this.draw(record);
      else this.dialog.close();
    }

    draw(record) {
      const at = this.ids.indexOf(record.id);
      this.before.disabled = at <= 0;
      this.after.disabled = at < 0 || at >= this.ids.length - 1;
      this.dialog.heading.textContent = record.name || record.label;
      this.image.style.setProperty("--ratio", record.width / record.height);
      if (this.image.dataset.id !== record.id) this.image.src = likeness.file(record.id);
      this.image.dataset.id = record.id;
      this.image.alt = pictures.alt(record);
      if (document.activeElement !== this.name) this.name.value = record.name || "";
      this.list.replaceChildren(...rows(record).flatMap(([words, value]) => [el("dt", {}, words), el("dd", {}, String(value))]));
      this.family.replaceChildren(...this.relatives("Made from", (record.parents || []).map((parent) => [parent.image_id, kit.ROLES[parent.role]])),
        ...this.relatives("Used for", (record.children || []).map((id) => [id, ""])));
      this.notes.replaceChildren(...(record.notes || []).map((note) => el("li", {}, note)));
      this.bar.update(record);
    }

    relatives(title, list) {
      if (!list.length) return [];
      const one = ([id, role]) => {
        if (!id) return el("span", { class: "out-mini gone", title: "Not in this collection" }, role);
        const label = role ? `Open the reference, ${role}` : "Open the picture made from it";
        return el("button", { type: "button", class: "out-mini", title: label, "aria-label": label, onclick: () => ((this.ids = [id]), this.show(id)) },
          el("img", { src: likeness.thumbnail(id), alt: "", loading: "lazy" }), role ? el("span", {}, role) : null);
      };
      return [el("h3", {}, title), el("div", { class: "out-minis" }, list.map(one))];
    }

    rename() {
      const name = this.name.value.trim();
      pictures.patch(this.id, { name }).catch(() => {}); // its toast has said why
    }

    step(by) {
      const next = this.ids[this.ids.indexOf(this.id) + by];
      if (next) this.show(next);
    }

    /** What happens elsewhere on the page needs the dialog out of the way. */
    leave(action) {
      if (action && !["download", "star", "restore"].includes(action)) this.dialog.close();
    }

    key(event) {
      if (kit.isTyping(event)) return;
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.step(event.key === "ArrowRight" ? 1 : -1);
      const action = event.key === "Enter" ? null : toolbar.keyAction(event);
      if (!action) return;
      event.preventDefault();
      this.leave(action);
      toolbar.perform(action, this.id, this.act);
    }
  }

  kit.widgets.details = () => document.getElementById("details-dialog") || new Details();
})();
