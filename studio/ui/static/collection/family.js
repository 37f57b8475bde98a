// Where the pictures of a family stand: a tidy tree from the first portrait down every branch. Pure geometry: takes
// the family as REST tells it, gives places and lines. Draws nothing.
import { on } from "../core/bus.js";

const CARD = { width: 152, height: 208, across: 16, down: 40 };

const byTime = (a, b) => a.image.created_at.localeCompare(b.image.created_at) || (a.image.batch_index ?? 0) - (b.image.batch_index ?? 0);

/** A stand-in for a picture that something was made from and that is not in the collection. */
const ghost = (edge) => ({ id: `gone-${edge.parent_pixel_sha256}`, image: null, children: [], edge: null });

/** Nodes by id, each with the edge it hangs on and its children in order of time. */
function nodesOf({ nodes, edges }) {
  const found = new Map(nodes.map((node) => [node.image.id, { ...node, id: node.image.id, children: [], edge: null }]));
  for (const edge of edges.filter((one) => one.primary)) {
    const child = found.get(edge.child_id);
    if (!child || child.edge) continue;
    const id = edge.parent_id ?? `gone-${edge.parent_pixel_sha256}`;
    if (!found.has(id)) found.set(id, { ...ghost(edge), id });
    child.edge = { ...edge, parent_id: id };
    found.get(id).children.push(child);
  }
  found.forEach((node) => node.children.sort(byTime));
  return found;
}

/** Give every node of a tree its place; `state.next` is the first free column. */
function settle(root, state) {
  const stack = [[root, 0, false]];
  while (stack.length) {
    const [node, level, below] = stack.pop();
    node.level = level;
    if (!below && node.children.length) {
      stack.push([node, level, true]);
      [...node.children].reverse().forEach((child) => stack.push([child, level + 1, false]));
      continue;
    }
    node.column = node.children.length ? (node.children[0].column + node.children.at(-1).column) / 2 : state.next++;
    state.levels = Math.max(state.levels, level + 1);
  }
}

/** {nodes: Map, roots, lines: [{from, to, primary, edge}], width, height} in px. */
export const familyTree = (family) => {
  const nodes = nodesOf(family);
  const roots = [...nodes.values()].filter((node) => !node.edge);
  roots.sort((a, b) => (a.image && b.image ? byTime(a, b) : a.image ? 1 : -1));
  const state = { next: 0, levels: 0 };
  roots.forEach((root) => settle(root, state));
  nodes.forEach((node) => {
    node.x = node.column * (CARD.width + CARD.across);
    node.y = node.level * (CARD.height + CARD.down);
  });
  const lines = family.edges.map((edge) => ({ edge, primary: edge.primary, from: nodes.get(edge.parent_id ?? `gone-${edge.parent_pixel_sha256}`), to: nodes.get(edge.child_id) }))
    .filter(({ from, to }) => from && to);
  const width = state.next * (CARD.width + CARD.across) - CARD.across;
  const height = state.levels * (CARD.height + CARD.down) - CARD.down;
  return { nodes, roots, lines, width, height, CARD };
};
