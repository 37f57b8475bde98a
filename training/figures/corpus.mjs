// Emit the corpus: one JSON line per figure with its attributes and its SVG, gzip-compressed, the same for the same seed.
//   node corpus.mjs --identities 3000 --seed 1 --styles toon,ink --out corpus.jsonl.gz
// Figures come in identities: record 0 is the character, the others are the same character with one attribute changed.
import { createAvatar } from '@dicebear/core';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { GUESTS } from './guests.mjs';
import { CLOTHES, HAIR, SKIN, STYLES as NAMED } from './styles.mjs';

const STYLES = { ...NAMED, ...GUESTS };

const { values: args } = parseArgs({
  options: {
    identities: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' },
    styles: { type: 'string', default: Object.keys(NAMED).join(',') }, out: { type: 'string', default: 'corpus.jsonl.gz' },
    'first-only': { type: 'boolean', default: false },
  },
});
const styleNames = args.styles.split(',');

function generator(seed) { // mulberry32
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const random = generator(Number(args.seed));
const pick = (list) => list[Math.floor(random() * list.length)];
const keys = Object.keys;

function character() {
  const style = pick(styleNames);
  const s = STYLES[style];
  const clothes = keys(s.clothes).length ? pick(keys(s.clothes)) : null;
  return {
    style, haircut: pick(keys(s.haircut)), cut: Math.floor(random() * 8), hair_color: pick(keys(HAIR)), skin: pick(keys(SKIN)),
    clothes, clothes_color: clothes ? pick(keys(CLOTHES)) : null, expression: pick(keys(s.expression)),
    glasses: s.glasses && random() < 0.35, beard: s.beards.length > 0 && random() < 0.25,
  };
}

const other = (list, current) => pick(list.filter((x) => x !== current));

const CHANGES = {
  expression: (a, s) => ({ expression: other(keys(s.expression), a.expression) }),
  hair_color: (a) => (a.haircut === 'bald' || a.haircut === 'hat' ? null : { hair_color: other(keys(HAIR), a.hair_color) }),
  clothes_color: (a) => (a.clothes ? { clothes_color: other(keys(CLOTHES), a.clothes_color) } : null),
  glasses: (a, s) => (s.glasses ? { glasses: !a.glasses } : null),
  beard: (a, s) => (s.beards.length ? { beard: !a.beard } : null),
  haircut: (a, s) => ({ haircut: other(keys(s.haircut), a.haircut), cut: 0 }),
  clothes: (a, s) => (keys(s.clothes).length > 1 ? { clothes: other(keys(s.clothes), a.clothes) } : null),
  skin: (a) => ({ skin: other(keys(SKIN), a.skin) }),
  style: (a) => restyle(a),
};

function restyle(a) { // only into styles that can draw the same haircut, face, glasses and beard
  const fits = styleNames.filter((name) => {
    const t = STYLES[name];
    return name !== a.style && NAMED[name] && NAMED[a.style] && t.haircut[a.haircut] && t.expression[a.expression] && (t.glasses || !a.glasses) && (t.beards.length || !a.beard);
  });
  if (!fits.length) return null;
  const style = pick(fits);
  const kinds = keys(STYLES[style].clothes);
  const clothes = kinds.length ? (kinds.includes(a.clothes) ? a.clothes : pick(kinds)) : null;
  return { style, clothes, clothes_color: clothes ? a.clothes_color ?? pick(keys(CLOTHES)) : null };
}

const PLAN = ['expression', 'expression', 'hair_color', 'clothes_color', 'glasses', ['beard', 'haircut', 'skin', 'clothes'], 'style'];

function variants(base) {
  const out = [];
  for (const step of PLAN) {
    const name = Array.isArray(step) ? pick(step) : step;
    const change = CHANGES[name](base, STYLES[base.style]) ?? CHANGES.haircut(base, STYLES[base.style]);
    out.push({ ...base, ...change });
  }
  return out;
}

function draw(a, seed) {
  const s = STYLES[a.style];
  const cuts = s.haircut[a.haircut];
  const hex = {
    ...a, hairHex: HAIR[a.hair_color], skinHex: SKIN[a.skin], clothesHex: CLOTHES[a.clothes_color] ?? '8a8d91',
    clothesOption: a.clothes ? s.clothes[a.clothes] : undefined,
  };
  const options = { ...s.expression[a.expression], ...s.options(hex, cuts[a.cut % cuts.length], a.beard ? s.beards[0] : null) };
  const defined = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value[0] === undefined)));
  return forResvg(createAvatar(s.design, { seed, ...defined }).toString());
}

// resvg reads every mask as a luminance mask where some designs mean alpha, and has no overlay blending inside
// a group: paint alpha masks white, and thin the highlight that overlay would have tinted.
function forResvg(svg) {
  return svg
    .replace(/<mask[^>]*mask-type:alpha[^>]*>[\s\S]*?<\/mask>/g, (m) => m.replace(/fill="(?!none)[^"]*"/g, 'fill="#fff"'))
    .replace(/style="mix-blend-mode:overlay" opacity="[^"]*"/g, 'opacity=".1"');
}

const gzip = createGzip({ level: 6 });
const done = once(gzip.pipe(createWriteStream(args.out)), 'finish');
for (let identity = 0; identity < Number(args.identities); identity += 1) {
  const base = character();
  for (const [variant, a] of [base, ...(args['first-only'] ? [] : variants(base))].entries()) {
    const line = JSON.stringify({ identity, variant, ...a, svg: draw(a, `${args.seed}-${identity}`) });
    if (!gzip.write(`${line}\n`)) await once(gzip, 'drain');
  }
}
gzip.end();
await done;
