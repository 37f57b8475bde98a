// The picker: a dialog over the page with the saved pictures, from which the artist takes one or several.
// Opened by `picker:open` {max} on the bus, answers with `picker:picked` {ids} in the order of picking.
(() => {
  "use strict";
  const { likeness } = window;
  const { el } = likeness;
  const { kit, pictures } = likeness;

  class Picker {
    constructor() {
      this.picked = [];
      this.max = 10;
      this.dialog = kit.dialog({ id: "picker", title: "From the collection", kind: "wide" });
      this.search = kit.searchBox("picker-search", () => this.listing.reset());
      this.filter = kit.segments("Show", [["", "All"], ["generated", "Generated"], ["edited", "Edited"], ["upload", "Uploads"]], () => this.listing.reset());
      this.listing = new likeness.PagedGrid({
        label: "Saved pictures", role: "listbox", cell: (record) => this.cell(record), empty: () => this.words(),
        query: () => ({ q: this.search.input.value.trim(), category: this.filter.state.value }),
      });
      this.listing.grid.setAttribute("aria-multiselectable", "true");
      this.count = el("span", { class: "out-picker-count", role: "status" });
      this.confirm = kit.button({ id: "picker-confirm", label: "Add", kind: "strong", run: () => this.finish() });
      const cancel = kit.button({ label: "Cancel", kind: "ghost", run: () => this.dialog.close() });
      this.dialog.body.append(el("header", { class: "out-collection-head" }, this.search.node, this.filter.node), this.listing.node);
      this.dialog.node.append(el("div", { class: "out-dialog-foot" }, this.count, cancel, this.confirm));
      this.dialog.node.addEventListener("keydown", (event) => this.key(event));
      likeness.on("picker:open", (options) => this.open(options));
    }

    open({ max = 10 } = {}) {
      this.max = max;
      this.picked = [];
      this.search.input.value = "";
      this.dialog.open();
      this.listing.reset();
      this.update();
      this.search.input.focus();
    }

    words() {
      const sought = this.search.input.value.trim();
      return sought ? `No picture matches “${sought}”.` : "Nothing saved yet. Load a picture from this device first.";
    }

    cell(record) {
      const node = el("button", {
        type: "button", class: "out-cell out-pick", role: "option", "data-picture": record.id, "aria-label": pictures.alt(record),
        "aria-selected": String(this.picked.includes(record.id)), tabindex: this.listing.cells().length ? -1 : 0, onclick: () => this.toggle(record.id),
      }, el("span", { class: "out-cell-open" }, el("img", { src: likeness.thumbnail(record.id), loading: "lazy", decoding: "async", alt: "" })),
      el("span", { class: "out-pick-mark" }), el("span", { class: "out-cell-name" }, pictures.alt(record)));
      node.addEventListener("dblclick", () => this.finish());
      return node;
    }

    toggle(id) {
      if (this.picked.includes(id)) this.picked = this.picked.filter((other) => other !== id);
      else if (this.max === 1) this.picked = [id];
      else if (this.picked.length < this.max) this.picked.push(id);
      else this.full = true;
      this.update();
    }

    update() {
      const number = this.picked.length;
      this.listing.cells().forEach((node) => {
        const at = this.picked.indexOf(node.dataset.picture);
        node.setAttribute("aria-selected", String(at >= 0));
        node.querySelector(".out-pick-mark").textContent = at >= 0 ? String(at + 1) : "";
      });
      const room = this.max === 1 ? "There is room for 1 picture." : `There is room for ${this.max} pictures.`;
      this.count.textContent = this.full ? `${room} Take one out to choose another.` : number ? `${number} chosen` : room;
      this.full = false;
      this.confirm.disabled = !number;
      const words = number > 1 ? `Add ${number} pictures` : "Add picture";
      this.confirm.lastChild.textContent = words;
      this.confirm.setAttribute("aria-label", words);
    }

    finish() {
      if (!this.picked.length) return;
      const ids = [...this.picked];
      this.dialog.close();
      likeness.emit("picker:picked", { ids });
    }

    key(event) {
      const current = event.target.closest("[data-picture]");
      if (event.key === "Enter" && (current || event.target === this.search.input)) {
        event.preventDefault();
        if (current && !this.picked.length) this.toggle(current.dataset.picture);
        this.finish();
      }
      const from = current || (event.target === this.search.input && event.key === "ArrowDown" && this.search.input);
      if (!from) return;
      const items = this.listing.cells();
      const target = current ? kit.arrowTarget(items, current, event.key) : items[0];
      if (!target) return;
      event.preventDefault();
      items.forEach((node) => (node.tabIndex = node === target ? 0 : -1));
      target.focus();
    }
  }

  kit.widgets.picker = () => document.getElementById("picker") || new Picker();
})();
