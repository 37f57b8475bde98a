// “Save as design default”: which values of a version become whose, before they do; and whether a new design is to be
// the active one, whose words and values then enter every portrait.

import { el } from "../core/dom.js";
import * as kit from "../kit/kit.js";
import { toast } from "../kit/toasts.js";
import { cast } from "./cast.js";

/** @import { Character, PortraitVersion, Design } from "../core/schemas.js" */

/** What the design takes over: words, of the design, of the version. @type {[string, keyof Design, keyof PortraitVersion][]} */
const VALUES = [
  ["Seed", "seed", "seed"],
  ["Negative prompt", "negative_prompt", "negative_prompt"],
  ["Model", "model", "model"],
  ["Guidance", "guidance_scale", "guidance_scale"],
  ["Steps", "num_inference_steps", "num_inference_steps"],
];

/** @param {unknown} value */
const said = (value) => (kit.given(value) ? String(value) : "none");

/**
 * What changes, line by line.
 * @param {PortraitVersion} version
 * @param {Design | undefined} design
 */
function changes(version, design) {
  const lines = VALUES.map(([words, old, now]) => {
    const [before, after] = [said(design?.[old]), said(version[now])];
    return [words, !design || before === after ? after : `${before} → ${after}`];
  });
  return el(
    "dl",
    { class: "out-facts" },
    lines.flatMap(([words, value]) => [el("dt", {}, words), el("dd", {}, value)]),
  );
}

/**
 * Resolves to whether a new design is to be active, or to null where the artist leaves it.
 * @param {PortraitVersion} version
 * @param {Design | undefined} design the active one
 * @returns {Promise<{activate: boolean} | null>}
 */
function ask(version, design) {
  return new Promise((answer) => {
    /** @type {{activate: boolean} | null} */
    let given = null;
    const title = design ? `Change the defaults of “${design.name}”?` : "Save as a new design?";
    const asked = kit.dialog({ id: "design-default", title, onClose: () => (asked.node.remove(), answer(given)) });
    /** @param {string} id @param {string} label @param {string} kind @param {boolean} activate */
    const button = (id, label, kind, activate) =>
      kit.button({ id: `design-default-${id}`, label, kind, run: () => ((given = { activate }), asked.close()) });
    const words = design
      ? "Portraits of everybody start with these values while this design is active. Its style prompt stays."
      : "No design is active, so a new one is made with these values. While a design is active, its values and words enter every portrait; they stand beside the prompt.";
    const buttons = design
      ? [button("yes", "Change them", "strong", true)]
      : [button("save", "Save it", "", false), button("yes", "Save it and make it active", "strong", true)];
    asked.body.append(el("p", {}, words), changes(version, design));
    asked.node.append(
      el("div", { class: "out-dialog-foot end" }, kit.button({ label: "Cancel", kind: "ghost", run: () => asked.close() }), buttons),
    );
    asked.open();
  });
}

/** Ask, then do it. @param {Character} character @param {PortraitVersion} version */
export async function saveAsDefault(character, version) {
  const designs = await cast.designs().catch(() => null);
  if (!designs) return;
  const active = designs.find((/** @type {Design} */ one) => one.active);
  const agreed = await ask(version, active);
  if (!agreed) return;
  const design = await cast.saveAsDefault(character.id, version.id, agreed.activate).catch(() => null); // its toast has said why
  if (design) toast(`“${design.name}” has these values now${design.active ? "" : ". It is not active"}.`, "success");
}
