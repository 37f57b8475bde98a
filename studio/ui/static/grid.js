// A listing of the collection that grows as one scrolls: pages by cursor, empty places while it loads, words
// where there is nothing. The collection and the picker fill in what one picture looks like.
(() => {
  "use strict";
  const { likeness } = window;
  if (likeness.PagedGrid) return;
  const { el } = likeness;
  const { kit, pictures } = likeness;

  const PAGE = 48;

  class PagedGrid {
    /** `query()` → listing parameters, `cell(record)` → node with data-picture, `empty()` → words. */
    constructor({ query, cell, empty, label, role = "list" }) {
      Object.assign(this, { query, cell, empty });
      this.turn = 0; // rises with every new search: answers of an older one are dropped
      this.next = null;
      this.busy = false;
      this.grid = el("div", { class: "out-grid", role, "aria-label": label });
      this.words = el("p", { class: "out-empty", hidden: true, role: "status" });
      this.again = kit.button({ label: "Try again", run: () => this.load() });
      this.again.hidden = true;
      this.sentinel = el("div", { class: "out-sentinel" });
      this.node = el("div", { class: "out-listing" }, this.grid, this.words, this.again, this.sentinel);
      const watcher = new IntersectionObserver((entries) => this.near(entries.some((entry) => entry.isIntersecting)), { rootMargin: "600px" });
      watcher.observe(this.sentinel);
    }

    near(visible) {
      this.wanted = visible;
      if (visible && !this.started) this.reset();
      else if (visible && this.next) this.load();
    }

    cells() {
      return [...this.grid.querySelectorAll("[data-picture]:not([hidden])")];
    }

    ids() {
      return this.cells().map((node) => node.dataset.picture);
    }

    find(id) {
      return this.grid.querySelector(`[data-picture="${CSS.escape(id)}"]`);
    }

    /** Begin anew, with another search. */
    reset() {
      this.turn += 1;
      this.started = true;
      this.next = null;
      this.busy = false;
      this.skeletons(12);
      this.load(true);
    }

    skeletons(count) {
      this.words.hidden = true;
      this.grid.replaceChildren(...Array.from({ length: count }, () => el("div", { class: "out-cell out-coming", "aria-hidden": "true" })));
    }

    async load(first = !this.next) {
      if (this.busy) return;
      this.busy = true;
      const { turn } = this;
      const asked = pictures.list({ ...this.query(), limit: PAGE, cursor: first ? null : this.next });
      const page = await asked.catch((error) => ({ error }));
      if (turn !== this.turn) return;
      this.busy = false;
      this.show(page, first);
    }

    show(page, first) {
      if (first) this.grid.replaceChildren();
      this.again.hidden = !page.error;
      if (page.error) return this.say(page.error.message);
      this.next = page.next;
      page.items.forEach((record) => this.find(record.id) || this.grid.append(this.cell(record)));
      this.settle();
      const { top } = this.sentinel.getBoundingClientRect();
      if (this.next && this.wanted && top < window.innerHeight + 600) this.load();
    }

    say(text) {
      this.words.hidden = !text;
      this.words.textContent = text;
    }

    /** After a change: say so where nothing is left. */
    settle() {
      this.say(this.cells().length ? "" : this.empty());
    }

    /** Put pictures that came since in front, without moving what the artist looks at elsewhere. */
    async refresh() {
      if (!this.started || this.busy) return;
      const { turn } = this;
      const page = await pictures.list({ ...this.query(), limit: PAGE }).catch(() => null);
      if (!page || turn !== this.turn) return;
      const fresh = page.items.filter((record) => !this.find(record.id));
      this.grid.prepend(...fresh.map((record) => this.cell(record)));
      this.settle();
    }
  }

  /** A search field and filters above a listing; `changed` runs a moment after the last key. */
  function searchBox(id, changed) {
    const input = el("input", { type: "search", id, placeholder: "Search prompts and names", "aria-label": "Search pictures", autocomplete: "off" });
    let timer = 0;
    input.addEventListener("input", () => (clearTimeout(timer), (timer = setTimeout(changed, 250))));
    return { node: el("label", { class: "out-search" }, kit.icon("search"), input), input };
  }

  /** A row of choices of which one holds. `choices`: [value, words]. */
  function segments(label, choices, changed) {
    const state = { value: choices[0][0] };
    const pick = (value) => {
      state.value = value;
      buttons.forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.value === value)));
    };
    const buttons = choices.map(([value, words]) => el("button", {
      type: "button", class: "out-segment", "data-value": value, "aria-pressed": String(value === state.value), onclick: () => (pick(value), changed()),
    }, words));
    return { node: el("div", { class: "out-segments", role: "group", "aria-label": label }, buttons), state };
  }

  Object.assign(likeness, { PagedGrid });
  Object.assign(kit, { searchBox, segments });
})();
