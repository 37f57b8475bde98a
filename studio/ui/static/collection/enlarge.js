// Enlarging a picture: how many times and by which model, then a job of this tab. Opened by `enlarge:open` {id}.
import { el } from "../core/dom.js";
import { api } from "../core/rest.js";
import { showTab } from "../core/sections.js";
import { store } from "../core/storage.js";
import { tabId } from "../core/tab.js";
import * as kit from "../kit/kit.js";
import { becomes, enlargers, MODE, named, redraws } from "./enlarging.js";
import * as pictures from "./pictures.js";

/** @import { ModelInfo } from "../core/schemas.js" */
/** @import { Picture } from "../core/events.js" */

const KEPT = "enlarge";
const SCALES = [
  ["2", "× 2"],
  ["4", "× 4"],
];

/** @param {Picture} record @param {ModelInfo[]} models */
function show(record, models) {
  const [keptScale, keptModel] = (store.get("localStorage", KEPT) ?? "").split(" ");
  const scale = kit.segments("How many times larger", SCALES, () => say());
  const model = kit.choice(
    "Model",
    models.map((one) => [one.id, named(one)]),
    () => say(),
    { id: "enlarge-model" },
  );
  const words = el("p", { class: "out-dim", id: "enlarge-words" });
  const say = () => {
    const chosen = models.find((one) => one.id === model.select.value);
    words.textContent = `${becomes(record, Number(scale.state.value))} ${chosen && redraws(chosen) ? "Its detail is drawn anew." : "Nothing in it changes."}`;
  };
  const asked = kit.dialog({ id: "enlarge-dialog", title: "Enlarge", onClose: () => asked.node.remove() });
  const go = async () => {
    const chosen = models.find((one) => one.id === model.select.value);
    const prompt = chosen && redraws(chosen) ? (record.request?.prompt ?? "") : ""; // what it shows guides what is drawn anew
    const json = { mode: MODE, model: chosen?.id, scale: Number(scale.state.value), prompt, references: [{ image_id: record.id }] };
    await api(`/jobs?tab=${encodeURIComponent(tabId())}`, { method: "POST", json });
    store.set("localStorage", KEPT, `${scale.state.value} ${model.select.value}`);
    asked.close();
    showTab("studio");
  };
  const yes = kit.button({ id: "enlarge-go", name: "enlarge", label: "Enlarge", kind: "strong", run: () => go().catch(() => {}) });
  scale.pick(keptScale || "4");
  if (models.some((one) => one.id === keptModel)) model.select.value = keptModel;
  say();
  asked.body.append(scale.node, model.node, words);
  asked.node.append(
    el("div", { class: "out-dialog-foot end" }, kit.button({ label: "Cancel", kind: "ghost", run: () => asked.close() }), yes),
  );
  asked.open();
  yes.focus();
}

/** @param {{id: string}} said */
export async function open({ id }) {
  const answer = await Promise.all([pictures.get(id), api("/models?add_ons=false")]).catch(() => null);
  if (answer) show(answer[0], enlargers(answer[1]));
}
