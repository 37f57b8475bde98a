// Designs of which the model only learns to edit pictures (peep, big smile, dylan), and one it never sees (mini), in the
// shared words of the corpus. They are never asked for by name, so none is redrawn in another style.
import * as design from '@dicebear/collection';

const mouthed = (eyes, mouth) => ({ eyes: [eyes], mouth: [mouth] });
const mood = (name) => ({ mood: [name] });
const faced = (name) => ({ face: [name] });

const peep = {
  design: design.openPeeps,
  haircut: { short: [['short4']], bob: [['bangs']], mohawk: [['mohawk']], bald: [['noHair1']], hat: [['hatHip']] },
  expression: {
    happy: faced('smile'), laughing: faced('smileLOL'), sad: faced('solemn'), angry: faced('veryAngry'),
    surprised: faced('awe'), serious: faced('serious'),
  },
  clothes: { 't-shirt': 'crew' }, beards: ['full'], glasses: true,
  options: (a, [head], beard) => ({
    head: [head], headContrastColor: [a.hairHex], skinColor: [a.skinHex], clothingColor: [a.clothesHex],
    facialHair: [beard ?? 'full'], facialHairProbability: beard ? 100 : 0, accessories: ['glasses2'],
    accessoriesProbability: a.glasses ? 100 : 0, maskProbability: 0,
  }),
};

const bigSmile = {
  design: design.bigSmile,
  haircut: {
    short: [['shortHair']], curly: [['curlyShortHair']], bob: [['bowlCutHair'], ['bangs']], long: [['straightHair']],
    wavy: [['wavyBob']], bun: [['bunHair']],
  },
  expression: {
    happy: mouthed('normal', 'teethSmile'), laughing: mouthed('cheery', 'openedSmile'), sad: mouthed('sad', 'openSad'),
    angry: mouthed('angry', 'unimpressed'), serious: mouthed('normal', 'unimpressed'), winking: mouthed('winking', 'teethSmile'),
  },
  clothes: {}, beards: [], glasses: true,
  options: (a, [hair]) => ({
    hair: [hair], hairColor: [a.hairHex], skinColor: [a.skinHex], accessories: ['glasses'],
    accessoriesProbability: a.glasses ? 100 : 0,
  }),
};

const dylan = {
  design: design.dylan,
  haircut: {
    short: [['plain'], ['parting']], spiky: [['spiky']], curly: [['shortCurls'], ['longCurls']], bob: [['roundBob'], ['bangs']],
    long: [['shaggy']], wavy: [['wavy'], ['fluffy']], bun: [['buns']],
  },
  expression: {
    happy: mood('happy'), laughing: mood('superHappy'), sad: mood('sad'), angry: mood('angry'), serious: mood('neutral'),
  },
  clothes: {}, beards: ['default'], glasses: false,
  options: (a, [hair], beard) => ({
    hair: [hair], hairColor: [a.hairHex], skinColor: [a.skinHex], facialHair: [beard ?? 'default'],
    facialHairProbability: beard ? 100 : 0, backgroundColor: ['transparent'],
  }),
};

const mini = {
  design: design.miniavs,
  haircut: {
    short: [['classic01'], ['classic02']], curly: [['curly']], long: [['long']], bun: [['ponyTail']], bald: [['balndess']],
  },
  expression: { happy: { eyes: ['happy'] }, serious: { eyes: ['normal'] } },
  clothes: { 't-shirt': 'tShirt', shirt: 'golf' }, beards: ['freddy'], glasses: true,
  options: (a, [hair], beard) => ({
    hair: [hair], hairColor: [a.hairHex], skinColor: [a.skinHex], body: [a.clothesOption], bodyColor: [a.clothesHex],
    mustache: [beard ?? 'freddy'], mustacheProbability: beard ? 100 : 0, glasses: ['normal'],
    glassesProbability: a.glasses ? 100 : 0, blushesProbability: 0, head: ['normal'], mouth: ['default'],
  }),
};

export const GUESTS = { peep, 'big smile': bigSmile, dylan, mini };
