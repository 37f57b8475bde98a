import assert from "node:assert/strict";
import { test } from "node:test";
import { finds } from "../../studio/ui/static/models/searching.js";

test("every word is found somewhere, in any case", () => {
  assert.ok(finds("", "Anything"));
  assert.ok(finds("  ", "Anything"));
  assert.ok(finds("ink LORA", "My Ink", null, "LoRA", undefined));
  assert.ok(!finds("ink vae", "My Ink", "LoRA"));
  assert.ok(finds("猫", "猫の絵"));
});
