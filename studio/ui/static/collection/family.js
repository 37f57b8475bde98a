// Where the pictures of a family stand: a tidy tree from the first portrait down every branch. Pure geometry: takes
// the family as REST tells it, gives places and lines. Draws nothing.

/** @import { Placed } from "../core/shapes.js" */
/** @import { FamilyEdge, FamilyTree } from "../core/schemas.js" */

const CARD = { width: 152, height: 208, across: 16, down: 40 };

/** @param {Placed} a @param {Placed} b */
const byTime = (a, b) =>
  !a.image || !b.image
    ? 0
    : a.image.created_at.localeCompare(b.image.created_at) || (a.image.batch_index ?? 0) - (b.image.batch_index ?? 0);

const UNPLACED = { edge: null, level: 0, column: 0, x: 0, y: 0 };

/** @param {FamilyEdge} edge */
const goneId = (edge) => `gone-${edge.parent_pixel_sha256}`;

/**
 * A stand-in for a picture that something was made from and that is not in the collection.
 * @param {FamilyEdge} edge
 * @returns {Placed}
 */
const ghost = (edge) => ({ id: goneId(edge), image: null, ...UNPLACED, children: [] });

/** Nodes by id, each with the edge it hangs on and its children in order of time. @param {FamilyTree} said */
function nodesOf({ nodes, edges }) {
  /** @type {Map<string, Placed>} */
  const found = new Map(nodes.map((node) => [node.image.id, { ...node, id: node.image.id, ...UNPLACED, children: [] }]));
  for (const edge of edges.filter((one) => one.primary)) {
    const child = found.get(edge.child_id);
    if (!child || child.edge) continue;
    const id = edge.parent_id ?? goneId(edge);
    const parent = found.get(id) ?? { ...ghost(edge), id };
    found.set(id, parent);
    child.edge = { ...edge, parent_id: id };
    parent.children.push(child);
  }
  found.forEach((node) => node.children.sort(byTime));
  return found;
}

/**
 * Give every node of a tree its place; `state.next` is the first free column.
 * @param {Placed} root
 * @param {{next: number, levels: number}} state
 */
function settle(root, state) {
  /** @type {[node: Placed, level: number, below: boolean][]} */
  const stack = [[root, 0, false]];
  for (let top = stack.pop(); top; top = stack.pop()) {
    const [node, level, below] = top;
    node.level = level;
    if (!below && node.children.length) {
      stack.push([node, level, true]);
      [...node.children].reverse().forEach((child) => stack.push([child, level + 1, false]));
      continue;
    }
    const [first, last] = [node.children[0], node.children.at(-1)];
    node.column = first && last ? (first.column + last.column) / 2 : state.next++;
    state.levels = Math.max(state.levels, level + 1);
  }
}

/** {nodes: Map, roots, lines: [{from, to, primary, edge}], width, height} in px. @param {FamilyTree} family */
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
  const lines = family.edges.flatMap((edge) => {
    const [from, to] = [nodes.get(edge.parent_id ?? goneId(edge)), nodes.get(edge.child_id)];
    return from && to ? [{ edge, primary: edge.primary, from, to }] : [];
  });
  const width = state.next * (CARD.width + CARD.across) - CARD.across;
  const height = state.levels * (CARD.height + CARD.down) - CARD.down;
  return { nodes, roots, lines, width, height };
};

/** @typedef {ReturnType<typeof familyTree>} Tree */

/** A curve from the foot of one card to the head of another. @param {Placed} from @param {Placed} to */
export function curve(from, to) {
  const [x1, y1, x2, y2] = [from.x + CARD.width / 2, from.y + CARD.height, to.x + CARD.width / 2, to.y];
  const middle = (y1 + y2) / 2;
  return `M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
}

/** From the top down each branch. @param {Placed[]} roots */
export function inOrder(roots) {
  /** @type {Placed[]} */
  const found = [];
  const stack = [...roots].reverse();
  for (let node = stack.pop(); node; node = stack.pop()) {
    found.push(node);
    stack.push(...[...node.children].reverse());
  }
  return found;
}

/** @param {Tree} tree @param {Placed} node */
export const parentOf = ({ nodes }, { edge }) => (edge?.parent_id ? nodes.get(edge.parent_id) : undefined);

/**
 * How a key walks: up to what it was made from, down to what was made from it, sideways on the same level.
 * @type {Record<string, (tree: Tree, node: Placed) => Placed | undefined>}
 */
const WALK = {
  ArrowUp: parentOf,
  ArrowDown: (_, node) => node.children[0],
  ArrowLeft: (tree, node) => beside(tree, node, -1),
  ArrowRight: (tree, node) => beside(tree, node, 1),
  Home: ({ roots }) => roots[0],
  End: ({ roots }) => inOrder(roots).at(-1),
};

/** @param {Tree} tree @param {Placed} node @param {number} by */
function beside({ nodes }, node, by) {
  const level = [...nodes.values()].filter((other) => other.level === node.level).sort((a, b) => a.x - b.x);
  return level[level.indexOf(node) + by];
}

/** The picture that a key leads to. @param {Tree} tree @param {Placed} node @param {string} key */
export const neighbour = (tree, node, key) => WALK[key]?.(tree, node);
