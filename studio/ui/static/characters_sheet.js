// Character sheets: what is to vary, the prompts that come of it (to be edited), one seed or several, then the
// pictures as they come, the laid-out sheet, and winners for the reference set. Opened by `sheet:open` {id}.
(() => {
  "use strict";
  const { likeness } = window;
  const { el, kit, cast, pictures } = likeness;

  const LISTS = [["expressions", "Expressions"], ["angles", "Angles"], ["outfits", "Outfits"], ["lights", "Lights"]];
  const POLL = 1500;

  class SheetDialog {
    constructor() {
      this.dialog = kit.dialog({ id: "character-sheet", title: "Character sheet", kind: "wide tall", onClose: () => clearTimeout(this.timer) });
      this.lists = Object.fromEntries(LISTS.map(([name, words]) => [name, this.list(name, words)]));
      this.cells = el("ol", { class: "sheet-cells", "aria-label": "Pictures of the sheet" });
      this.seeds = kit.field("Seeds, one column each; empty: a new one", { id: "sheet-seeds", placeholder: "7, 8, 9" });
      const compose = kit.button({ id: "sheet-compose", name: "again", label: "Compose the prompts", run: () => this.compose() });
      this.make = kit.button({ id: "sheet-make", label: "Make the sheet", kind: "strong", run: () => this.start() });
      this.plan = el("section", { class: "sheet-plan" }, el("div", { class: "sheet-lists" }, Object.values(this.lists).map(({ node }) => node)),
        el("div", { class: "out-toolbar" }, compose), this.cells, el("div", { class: "chr-pair" }, this.seeds.node), el("div", { class: "out-toolbar" }, this.make));
      this.status = el("p", { class: "mod-status", role: "status" });
      this.grid = el("div", { class: "sheet-grid" });
      this.whole = el("div", { class: "out-toolbar" });
      this.result = el("section", { class: "sheet-result", hidden: true }, this.status, this.whole, this.grid);
      this.before = el("div", { class: "out-toolbar", role: "group", "aria-label": "Sheets made before" });
      this.dialog.body.append(this.before, this.plan, this.result);
      likeness.on("sheet:open", ({ id }) => this.open(id));
    }

    /** An editable list of what to vary, one a line. */
    list(name, words) {
      const box = el("textarea", { class: "out-input chr-text", id: `sheet-${name}`, rows: 4 });
      return { box, node: el("label", { class: "out-field" }, el("span", {}, `${words}, one a line`), box) };
    }

    async open(id) {
      const [character, choices] = await Promise.all([cast.get(id), cast.sheetChoices(id)]).catch(() => [null, null]); // a toast has said why
      if (!character) return;
      this.id = id;
      this.dialog.heading.textContent = `Character sheet of ${character.name}`;
      this.choices = choices;
      LISTS.forEach(([name]) => (this.lists[name].box.value = name === "expressions" ? choices[name].slice(0, 4).join("\n") : ""));
      LISTS.forEach(([name]) => (this.lists[name].box.placeholder = choices[name].join("\n")));
      this.seeds.input.value = "";
      this.result.hidden = true;
      this.plan.hidden = false;
      this.cells.replaceChildren();
      this.dialog.open();
      await Promise.all([this.compose(), this.showBefore()]);
    }

    async showBefore() {
      const sheets = await cast.sheets(this.id).catch(() => []);
      const again = kit.button({ id: "sheet-new", name: "plus", label: "New sheet", kind: "ghost", run: () => this.open(this.id) });
      const made = sheets.slice(0, 6).map((sheet) => kit.button({ name: "live", label: kit.clock(sheet.created_at), kind: "ghost", run: () => this.watch(sheet) }));
      this.before.replaceChildren(...(made.length ? [again, ...made] : []));
    }

    lines(name) {
      return [...new Set(this.lists[name].box.value.split("\n").map((line) => line.trim()).filter(Boolean))];
    }

    async compose() {
      const cells = await cast.composeSheet(this.id, Object.fromEntries(LISTS.map(([name]) => [name, this.lines(name)]))).catch(() => null); // its toast has said why
      if (cells) this.cells.replaceChildren(...cells.map((cell) => this.cell(cell)));
      this.make.disabled = !this.cells.children.length;
    }

    cell({ label, prompt }) {
      const name = el("input", { type: "text", class: "out-input", value: label, maxlength: 60, "aria-label": "Label" });
      const words = el("input", { type: "text", class: "out-input", value: prompt, maxlength: 10000, "aria-label": `Prompt of ${label}` });
      const node = el("li", { class: "sheet-cell" }, name, words, kit.button({ name: "trash", label: `Leave out ${label}`, words: false, kind: "ghost", run: () => node.remove() }));
      return node;
    }

    async start() {
      const cells = [...this.cells.children].map((node) => {
        const [label, prompt] = node.querySelectorAll("input");
        return { label: label.value.trim() || "Picture", prompt: prompt.value };
      });
      const seeds = this.seeds.input.value.split(/[\s,;]+/).filter(Boolean);
      if (seeds.some((seed) => !/^\d{1,15}$/.test(seed))) return void likeness.toast("Seeds are whole numbers, with commas between them.", "error");
      this.make.disabled = true;
      const sheet = await cast.startSheet(this.id, { cells, seeds: seeds.length ? seeds.map(Number) : [-1] }).catch(() => null); // its toast has said why
      this.make.disabled = false;
      if (sheet) this.watch(sheet);
    }

    // --- the sheet as it comes --------------------------------------------------------------------
    async watch(sheet) {
      clearTimeout(this.timer);
      this.plan.hidden = true;
      this.result.hidden = false;
      this.show(sheet);
      if (sheet.ended < sheet.total) this.timer = setTimeout(() => this.look(sheet), POLL);
      else if (!sheet.image_id && !sheet.looked) this.look({ ...sheet, looked: true });
    }

    async look(sheet) {
      const now = await cast.sheet(this.id, sheet.id).catch(() => sheet);
      if (this.dialog.node.open) this.watch({ ...now, looked: sheet.looked });
    }

    show(sheet) {
      this.status.textContent = sheet.ended < sheet.total ? `${sheet.ended} of ${sheet.total} pictures are made` : `All ${sheet.total} pictures are made`;
      this.grid.style.setProperty("--columns", Math.max(1, sheet.columns > 1 ? sheet.columns : Math.min(4, sheet.total)));
      this.grid.replaceChildren(...sheet.pictures.map((one) => this.picture(one)));
      this.whole.replaceChildren(...(sheet.image_id ? [
        kit.button({ id: "sheet-view", name: "live", label: "View the sheet", run: () => likeness.enlarge(sheet.image_id, "Character sheet") }),
        kit.button({ id: "sheet-download", name: "download", label: "Download the sheet", run: () => pictures.download(sheet.image_id) })] : []));
    }

    picture({ label, image_id: id, status, error, seed }) {
      if (!id) return el("figure", { class: "sheet-picture" }, el("div", { class: `chr-noface${status === "running" ? " out-coming" : ""}` }), el("figcaption", {}, label, error ? el("small", {}, error) : null));
      const join = kit.button({ name: "anchor", label: `Add ${label} to the reference set`, words: false, kind: "ghost", run: () => this.join(id) });
      return el("figure", { class: "sheet-picture" }, el("img", { src: likeness.thumbnail(id), alt: label, loading: "lazy" }), el("figcaption", { title: `Seed ${seed}` }, label, join));
    }

    async join(id) {
      const set = await cast.addReference(this.id, id).catch(() => null); // its toast has said why
      if (set) likeness.toast(set.warning ?? "It is in the reference set.", set.warning ? "warning" : "success");
    }
  }

  kit.widgets.sheet_dialog = () => document.getElementById("character-sheet") || new SheetDialog();
})();
