// Emit drawings of other kinds than the portraits, as seeded SVGs: robots, doodles, emoji, patterns. One JSON line each.
//   node drawings.mjs --count 800 --seed 1 --out drawings.jsonl.gz
import * as designs from '@dicebear/collection';
import { createAvatar } from '@dicebear/core';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';

const { values: args } = parseArgs({
  options: {
    count: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'drawings.jsonl.gz' },
  },
});
const NAMES = ['bigEars', 'bigSmile', 'bottts', 'croodles', 'dylan', 'funEmoji', 'icons', 'lorelei', 'miniavs', 'notionists', 'openPeeps', 'rings', 'shapes', 'thumbs'];
const GROUNDS = ['ffffff', 'f4efe4', 'd8e6f2', 'f2d7d9', '2b2d42', '8aa37b', 'e9c46a', '6d597a'];

const gzip = createGzip({ level: 6 });
const done = once(gzip.pipe(createWriteStream(args.out)), 'finish');
for (let i = 0; i < Number(args.count); i += 1) {
  const design = NAMES[i % NAMES.length];
  const ground = GROUNDS[Math.floor(i / NAMES.length) % GROUNDS.length];
  const scale = [100, 140, 200][i % 3]; // closer, too: broad shapes as well as small ones
  const options = { seed: `${args.seed}-${i}`, backgroundColor: [ground], scale };
  if (!gzip.write(`${JSON.stringify({ design, svg: createAvatar(designs[design], options).toString() })}\n`)) await once(gzip, 'drain');
}
gzip.end();
await done;
