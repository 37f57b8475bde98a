// Compare: a picture over the reference it was made from, with a slider between them. Opened by `compare:open`
// {id} on the bus; where the picture had several references, the artist chooses which.
(() => {
  "use strict";
  const { likeness } = window;
  const { el } = likeness;
  const { kit, pictures } = likeness;

  const ZOOMS = [["fit", "Fit"], ["1", "100 %"], ["2", "200 %"], ["4", "400 %"]];

  class Compare {
    constructor() {
      this.dialog = kit.dialog({ id: "compare-dialog", title: "Compare with its reference", kind: "wide tall" });
      this.reference = el("img", { class: "out-compare-reference", alt: "" });
      this.picture = el("img", { class: "out-compare-picture", alt: "" });
      this.range = el("input", { type: "range", min: 0, max: 100, step: 1, id: "compare-range", "aria-label": "Share of the reference shown" });
      this.range.addEventListener("input", () => this.slide());
      this.line = el("span", { class: "out-compare-line", "aria-hidden": "true" });
      this.stage = el("div", { class: "out-compare-stage" }, this.picture, this.reference, this.line);
      this.view = el("div", { class: "out-compare-view", tabindex: -1 }, this.stage);
      this.zoom = kit.segments("Zoom", ZOOMS, () => this.size());
      this.choices = el("div", { class: "out-compare-choices", role: "group", "aria-label": "Which reference" });
      const under = el("div", { class: "out-compare-under" }, el("span", {}, "Reference"), this.range, el("span", {}, "Picture"));
      this.dialog.body.append(this.view, under, el("div", { class: "out-compare-tools" }, this.choices, this.zoom.node));
      this.stage.addEventListener("pointerdown", (event) => this.drag(event));
      likeness.on("compare:open", (event) => this.open(event));
    }

    async open({ id }) {
      const record = await pictures.full(id).catch(() => null);
      const parents = (record?.parents || []).filter((parent) => parent.image_id);
      if (!record) return void likeness.toast("This picture is no longer in the collection.", "warning");
      if (!parents.length) {
        const why = record.parents?.length ? "Its reference is not in this collection any more." : "This picture was made without a reference.";
        return void likeness.toast(why, "info");
      }
      this.record = record;
      this.picture.src = likeness.file(id);
      this.picture.alt = pictures.alt(record);
      this.range.value = 50;
      this.slide();
      this.choices.replaceChildren(...(parents.length > 1 ? parents.map((parent, index) => this.choice(parent, index)) : []));
      this.against(parents[0].image_id);
      this.dialog.open();
      this.size();
      return this.range.focus();
    }

    choice(parent, index) {
      const label = `Reference ${index + 1}, ${kit.ROLES[parent.role]}`;
      return el("button", { type: "button", class: "out-mini", title: label, "aria-label": label, "data-id": parent.image_id, onclick: () => this.against(parent.image_id) },
        el("img", { src: likeness.thumbnail(parent.image_id), alt: "" }));
    }

    against(id) {
      this.reference.src = likeness.file(id);
      this.choices.childNodes.forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.id === id)));
    }

    slide() {
      this.stage.style.setProperty("--share", `${this.range.value}%`);
      this.range.setAttribute("aria-valuetext", `${this.range.value} % reference`);
    }

    size() {
      const { value } = this.zoom.state;
      const { width, height } = this.record;
      this.stage.style.setProperty("--ratio", width / height);
      this.stage.classList.toggle("fit", value === "fit");
      this.stage.style.setProperty("--width", value === "fit" ? "auto" : `${(width * value) / window.devicePixelRatio}px`);
    }

    /** The line follows the pointer; the range input stays the truth. */
    drag(event) {
      if (event.button) return;
      event.preventDefault();
      const move = ({ clientX }) => {
        const box = this.stage.getBoundingClientRect();
        this.range.value = ((clientX - box.left) / box.width) * 100;
        this.slide();
      };
      const end = () => {
        this.stage.removeEventListener("pointermove", move);
        this.range.focus();
      };
      this.stage.setPointerCapture(event.pointerId);
      this.stage.addEventListener("pointermove", move);
      this.stage.addEventListener("pointerup", end, { once: true });
      this.stage.addEventListener("pointercancel", end, { once: true });
      move(event);
    }
  }

  kit.widgets.compare = () => document.getElementById("compare-dialog") || new Compare();
})();
