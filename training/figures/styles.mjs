// What each drawing style can express, in the shared words of the corpus, as options of its DiceBear design.
// A style without an entry for a value simply cannot draw it (no angry face, no clothes ...).
import * as design from '@dicebear/collection';

const face = (eyebrows, eyes, mouth) => ({ eyebrows: [eyebrows], eyes: [eyes], mouth: [mouth] });
const v = (n) => `variant${String(n).padStart(2, '0')}`;

const toon = {
  design: design.toonHead,
  haircut: {
    short: [['undercut', null], ['sideComed', null]], spiky: [['spiky', null]], bun: [['bun', null]],
    long: [['sideComed', 'longStraight']], wavy: [['sideComed', 'longWavy']], bob: [['sideComed', 'neckHigh']],
  },
  expression: {
    happy: face('happy', 'happy', 'smile'), laughing: face('happy', 'bow', 'laugh'), sad: face('sad', 'humble', 'sad'),
    angry: face('angry', 'happy', 'angry'), surprised: face('raised', 'wide', 'agape'),
    serious: face('neutral', 'happy', 'sad'), winking: face('raised', 'wink', 'smile'),
  },
  clothes: { 't-shirt': 'tShirt', shirt: 'shirt', turtleneck: 'turtleNeck', jacket: 'openJacket', dress: 'dress' },
  beards: ['fullBeard'], glasses: false,
  options: (a, [hair, rear], beard) => ({
    hair: [hair], rearHair: rear ? [rear] : undefined, rearHairProbability: rear ? 100 : 0, hairColor: [a.hairHex],
    skinColor: [a.skinHex], clothes: [a.clothesOption], clothesColor: [a.clothesHex],
    beard: [beard ?? 'fullBeard'], beardProbability: beard ? 100 : 0,
  }),
};

const micah = {
  design: design.micah,
  haircut: { short: [['fonze']], wavy: [['full']], bob: [['pixie']], mohawk: [['mrT']], bald: [['mrClean']] },
  expression: {
    happy: face('up', 'eyes', 'smile'), laughing: face('up', 'smiling', 'laughing'), sad: face('up', 'eyes', 'frown'),
    angry: face('down', 'round', 'nervous'), surprised: face('up', 'round', 'surprised'), serious: face('down', 'eyes', 'pucker'),
  },
  clothes: { 't-shirt': 'open', shirt: 'collared', turtleneck: 'crew' },
  beards: ['beard'], glasses: true,
  options: (a, [hair], beard) => ({
    hair: [hair], hairColor: [a.hairHex], baseColor: [a.skinHex], shirt: [a.clothesOption], shirtColor: [a.clothesHex],
    facialHair: [beard ?? 'beard'], facialHairProbability: beard ? 100 : 0, facialHairColor: [a.hairHex],
    eyebrowsColor: ['1c1b1a'], eyeShadowColor: ['ffffff'], glasses: ['round'], glassesProbability: a.glasses ? 100 : 0,
    glassesColor: ['1c1b1a'], earringsProbability: 0,
  }),
};

const ink = {
  design: design.lorelei,
  haircut: {
    short: [[v(3)], [v(8)]], spiky: [[v(20)]], curly: [[v(24)]], bob: [[v(19)]], long: [[v(21)]], wavy: [[v(35)]],
    bun: [[v(14)]], mohawk: [[v(27)]], bald: [[v(25)]],
  },
  expression: {
    happy: face(v(10), v(4), 'happy05'), laughing: face(v(10), v(19), 'happy16'), sad: face(v(2), v(4), 'sad05'),
    angry: face(v(13), v(10), 'sad06'), surprised: face(v(6), v(9), 'sad02'), serious: face(v(4), v(4), 'sad04'),
    winking: face(v(10), v(1), 'happy02'),
  },
  clothes: {}, beards: ['variant01'], glasses: true,
  options: (a, [hair], beard) => ({
    hair: [hair], hairColor: [a.hairHex], skinColor: [a.skinHex], beard: [beard ?? 'variant01'],
    beardProbability: beard ? 100 : 0, glasses: [v(1)], glassesProbability: a.glasses ? 100 : 0,
    earringsProbability: 0, frecklesProbability: 0, hairAccessoriesProbability: 0,
  }),
};

const vector = {
  design: design.avataaars,
  haircut: {
    short: [['shortFlat'], ['theCaesar']], curly: [['fro']], bob: [['bob']], long: [['straight01']], wavy: [['curvy']],
    bun: [['bun']], bald: [[null]], hat: [['hat'], ['winterHat03']],
  },
  expression: {
    happy: face('defaultNatural', 'default', 'twinkle'), laughing: face('raisedExcitedNatural', 'happy', 'smile'),
    sad: face('sadConcernedNatural', 'default', 'sad'), angry: face('angryNatural', 'squint', 'grimace'),
    surprised: face('raisedExcited', 'surprised', 'disbelief'), serious: face('flatNatural', 'default', 'serious'),
    winking: face('upDownNatural', 'wink', 'twinkle'),
  },
  clothes: { 't-shirt': 'shirtCrewNeck', shirt: 'collarAndSweater', hoodie: 'hoodie', jacket: 'blazerAndShirt' },
  beards: ['beardMedium'], glasses: true,
  options: (a, [top], beard) => ({
    top: [top ?? 'shortFlat'], topProbability: top ? 100 : 0, hairColor: [a.hairHex], skinColor: [a.skinHex],
    clothing: [a.clothesOption], clothesColor: [a.clothesHex], hatColor: [a.clothesHex],
    facialHair: [beard ?? 'beardMedium'], facialHairProbability: beard ? 100 : 0, facialHairColor: [a.hairHex],
    accessories: ['prescription02'], accessoriesProbability: a.glasses ? 100 : 0, accessoriesColor: ['262e33'],
  }),
};

const paper = {
  design: design.personas,
  haircut: {
    short: [['shortCombover'], ['fade']], curly: [['curly']], bob: [['bobCut']], long: [['extraLong']], bun: [['bunUndercut']],
    mohawk: [['mohawk']], bald: [['bald']], hat: [['beanie']],
  },
  expression: {
    happy: { eyes: ['open'], mouth: ['smile'] }, laughing: { eyes: ['happy'], mouth: ['bigSmile'] },
    sad: { eyes: ['sleep'], mouth: ['frown'] }, surprised: { eyes: ['open'], mouth: ['surprise'] },
    serious: { eyes: ['open'], mouth: ['lips'] }, winking: { eyes: ['wink'], mouth: ['smile'] },
  },
  clothes: { 't-shirt': 'rounded', shirt: 'checkered' },
  beards: ['beardMustache'], glasses: true,
  options: (a, [hair], beard) => ({
    hair: [hair], hairColor: [a.hairHex], skinColor: [a.skinHex], body: [a.clothesOption], clothingColor: [a.clothesHex],
    facialHair: [beard ?? 'beardMustache'], facialHairProbability: beard ? 100 : 0, ...(a.glasses ? { eyes: ['glasses'] } : {}),
  }),
};

const storybook = {
  design: design.adventurer,
  haircut: {
    short: [['short01'], ['short04']], spiky: [['short16']], curly: [['short18']], bob: [['long24']], long: [['long20']],
    wavy: [['long09']], bun: [['long12']], bald: [['short19']],
  },
  expression: {
    happy: face(v(10), v(1), v(21)), laughing: face(v(10), v(19), v(25)), sad: face(v(5), v(15), v(1)),
    angry: face(v(1), v(10), v(14)), surprised: face(v(12), v(5), v(18)), serious: face(v(8), v(10), v(3)),
    winking: face(v(10), v(20), v(21)),
  },
  clothes: {}, beards: [], glasses: true,
  options: (a, [hair]) => ({
    hair: [hair], hairColor: [a.hairHex], skinColor: [a.skinHex], glasses: [v(2)], glassesProbability: a.glasses ? 100 : 0,
    earringsProbability: 0, featuresProbability: 0,
  }),
};

export const STYLES = { toon, 'bold line': micah, ink, 'flat vector': vector, 'paper cut': paper, storybook };

export const HAIR = {
  black: '201d1c', brown: '6b3f26', blonde: 'e3c06a', red: 'c4341f', gray: '8f9296', silver: 'dfe2ea', green: '3aa04a',
  blue: '3d6fd6', purple: '7a3fb5', pink: 'ef7fb0',
};
export const SKIN = { pale: 'fbe3d4', fair: 'f1c3a5', tan: 'd29a6a', brown: 'a0683f', dark: '5c3829' };
export const CLOTHES = {
  red: 'c22f2f', blue: '2f62c8', green: '2f9e4f', yellow: 'efc12f', purple: '7a3fb5', pink: 'ef6fae', orange: 'f0822a',
  black: '1d1d20', white: 'eeeeec', gray: '8a8d91',
};
