// The Collection section: every saved picture, newest first, with search and filters. Each can be opened, used,
// edited, downloaded, starred and put into the trash from here.
(() => {
  "use strict";
  const { likeness } = window;
  const { el } = likeness;
  const { kit, pictures, toolbar } = likeness;

  const SHOWN = [["", "All"], ["generated", "Generated"], ["edited", "Edited"], ["upload", "Uploads"], ["starred", "Starred"], ["trash", "Trash"]];
  const TOOLS = ["use", "add", "edit", "download", "star", "trash", "restore"];
  const EMPTY = {
    starred: "Nothing is starred yet. Press S on a picture to keep it close.",
    trash: "The trash is empty.",
    "": "Nothing here yet. Pictures you load or make are kept here by themselves.",
  };

  class Collection {
    constructor(element, act) {
      this.act = act;
      this.search = kit.searchBox("collection-search", () => this.listing.reset());
      this.filter = kit.segments("Show", SHOWN, () => this.listing.reset());
      this.listing = new likeness.PagedGrid({
        label: "Saved pictures", query: () => this.query(), cell: (record) => this.cell(record), empty: () => this.words(),
      });
      const head = el("header", { class: "out-collection-head" }, this.search.node, this.filter.node);
      element.replaceChildren(el("section", { class: "out-collection", "aria-label": "Collection" }, head, this.listing.node));
      this.listing.grid.addEventListener("keydown", (event) => this.key(event));
      likeness.on("picture:changed", (record) => this.changed(record));
      likeness.on("pictures:new", () => this.listing.refresh());
      likeness.on("tab:shown", (name) => name === "collection" && this.listing.refresh());
    }

    query() {
      const { value } = this.filter.state;
      return {
        q: this.search.input.value.trim(),
        category: value === "starred" || value === "trash" ? null : value,
        starred: value === "starred" ? true : null,
        trashed: value === "trash" ? true : null,
      };
    }

    words() {
      const sought = this.search.input.value.trim();
      if (sought) return `No picture matches “${sought}”. Try fewer or other words.`;
      return EMPTY[this.filter.state.value] ?? "No picture of this kind yet.";
    }

    cell(record) {
      const image = el("img", { src: likeness.thumbnail(record.id), loading: "lazy", decoding: "async", alt: "", width: record.width, height: record.height });
      const open = el("div", { class: "out-cell-open", role: "button", tabindex: 0, onclick: () => this.perform("details", record.id) },
        image, el("span", { class: "out-thumb-star" }, kit.icon("star")));
      pictures.draggable(open, () => record.id);
      const bar = toolbar.bar(TOOLS, { icons: TOOLS, target: () => [record.id, this.act, this.listing.ids()] });
      const node = el("div", { class: "out-cell", role: "listitem", "data-picture": record.id }, open, bar.node,
        el("p", { class: "out-cell-name" }), el("p", { class: "out-cell-meta" }));
      node.update = (now) => this.update(node, bar, now);
      node.update(record);
      return node;
    }

    update(node, bar, record) {
      bar.update(record);
      node.classList.toggle("starred", record.starred);
      node.querySelector(".out-cell-open").setAttribute("aria-label", `Open ${pictures.alt(record)}${record.starred ? ", starred" : ""}`);
      node.querySelector(".out-cell-name").textContent = pictures.alt(record);
      node.querySelector(".out-cell-meta").textContent = `${kit.CATEGORIES[record.category]} · ${kit.clock(record.created_at)}`;
    }

    /** Still what the filter shows? */
    belongs(record) {
      const { value } = this.filter.state;
      if (Boolean(record.trashed_at) !== (value === "trash")) return false;
      return value !== "starred" || record.starred;
    }

    changed(record) {
      const node = this.listing.find(record.id);
      if (!node) return this.belongs(record) && this.listing.refresh();
      node.update(record);
      const next = this.listing.cells()[this.listing.cells().indexOf(node) + 1];
      const focused = node.contains(document.activeElement);
      node.hidden = !this.belongs(record);
      if (node.hidden && focused && next) next.querySelector(".out-cell-open").focus();
      return this.listing.settle();
    }

    perform(action, id) {
      toolbar.perform(action, id, this.act, this.listing.ids());
    }

    key(event) {
      const current = event.target.closest("[data-picture]");
      if (!current) return;
      const onPicture = event.target.matches(".out-cell-open");
      const target = onPicture && kit.arrowTarget(this.listing.cells(), current, event.key);
      const opens = onPicture && (event.key === "Enter" || event.key === " ");
      const pressed = event.key === "Enter" ? null : toolbar.keyAction(event); // Enter also clicks the buttons of the bar
      const action = opens ? "details" : pressed;
      if (!target && !action) return;
      event.preventDefault();
      if (target) target.querySelector(".out-cell-open").focus();
      else this.perform(action, current.dataset.picture);
    }
  }

  kit.widgets.collection = (element, act) => new Collection(element, act);
})();
