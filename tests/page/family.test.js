import assert from "node:assert/strict";
import { test } from "node:test";
import { familyTree, inOrder, neighbour } from "../../studio/ui/static/collection/family.js";

const picture = (id, minute) => ({
  image: { id, created_at: `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`, batch_index: 0 },
  generation: 0,
  drift: null,
});
const edge = (parent, child, primary = true) => ({ parent_id: parent, child_id: child, primary, parent_pixel_sha256: `px-${parent}` });

test("a child stands below its parent, siblings beside each other in order of time", () => {
  const { nodes, roots, lines } = familyTree({
    nodes: [picture("late", 3), picture("root", 0), picture("early", 1)],
    edges: [edge("root", "late"), edge("root", "early")],
  });
  assert.deepEqual(
    roots.map((node) => node.id),
    ["root"],
  );
  const [root, early, late] = ["root", "early", "late"].map((id) => nodes.get(id));
  assert.ok(early.x < late.x);
  assert.equal(early.y, late.y);
  assert.ok(root.y < early.y);
  assert.equal(root.x, (early.x + late.x) / 2);
  assert.equal(lines.length, 2);
});

test("a picture that is gone is stood in for, and a second reference only draws a line", () => {
  const gone = { ...edge(null, "a"), parent_pixel_sha256: "px" };
  const { nodes, roots, lines } = familyTree({ nodes: [picture("a", 1), picture("b", 2)], edges: [gone, edge("b", "a", false)] });
  assert.equal(nodes.get("gone-px").image, null);
  assert.deepEqual(
    roots.map((node) => node.id),
    ["gone-px", "b"],
  );
  assert.deepEqual(
    lines.map((line) => line.primary),
    [true, false],
  );
});

test("a line of ten thousand pictures is laid out", () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => `p${index}`);
  const { nodes } = familyTree({
    nodes: ids.map((id, index) => picture(id, index % 60)),
    edges: ids.slice(1).map((id, index) => edge(ids[index], id)),
  });
  assert.equal(nodes.get("p9999").level, 9999);
});

test("keys walk up, down, sideways, and to both ends", () => {
  const tree = familyTree({
    nodes: [picture("root", 0), picture("a", 1), picture("b", 2), picture("below", 3), picture("alone", 4)],
    edges: [edge("root", "a"), edge("root", "b"), edge("a", "below")],
  });
  const walk = (from, key) => neighbour(tree, tree.nodes.get(from), key)?.id;
  assert.equal(walk("a", "ArrowUp"), "root");
  assert.equal(walk("root", "ArrowUp"), undefined);
  assert.equal(walk("root", "ArrowDown"), "a");
  assert.equal(walk("a", "ArrowRight"), "b");
  assert.equal(walk("b", "ArrowRight"), undefined);
  assert.equal(walk("b", "ArrowLeft"), "a");
  assert.equal(walk("below", "Home"), "root");
  assert.equal(walk("below", "End"), "alone");
  assert.equal(walk("a", "x"), undefined);
  assert.deepEqual(
    inOrder(tree.roots).map((node) => node.id),
    ["root", "a", "below", "b", "alone"],
  );
});
