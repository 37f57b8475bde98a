"""Make the model's own small CLIP tokenizer: byte-level BPE that knows the words of the portrait world.

Every word of the training captions becomes one token; any other word still spells itself out in pieces.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

from transformers import CLIPTokenizer

from training import attributes as a
from training.captions import caption, instruction
from training.scenes import BACKGROUNDS

MAX_LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"


def bytes_to_unicode() -> list[str]:
    """The 256 printable stand-ins for bytes that byte-level BPE uses, in byte order."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = iter(range(256, 512))
    return [chr(b) if b in keep else chr(next(extra)) for b in range(256)]


def words(samples: int = 6000, seed: int = 0) -> Counter[str]:
    """Count the words of sampled captions and instructions over random attributes."""
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    for _ in range(samples):
        one, two = (_random_portrait(rng) for _ in range(2))
        for text in (caption(one, rng), instruction(one, two, rng)):
            seen.update(re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]+", text.lower()))
    return seen


def _random_portrait(rng: random.Random) -> a.Portrait:
    pick = lambda table: rng.choice(list(table))  # noqa: E731
    return a.Portrait(
        pick(a.STYLES), pick(a.HAIRCUTS), pick(a.HAIR_COLORS), pick(a.SKINS), pick(a.CLOTHES),
        pick(a.CLOTHES_COLORS), pick(a.EXPRESSIONS), rng.random() < 0.5, rng.random() < 0.5,
        pick(BACKGROUNDS), pick(("none", *a.LIGHT_WORDS)),
    )  # fmt: skip


def learn_merges(counts: Counter[str]) -> list[tuple[str, str]]:
    """Merge the most frequent pair again and again until every counted word is one token."""
    spelled = {w: [*w[:-1], w[-1] + "</w>"] for w in counts if w.isascii()}
    merges: list[tuple[str, str]] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in spelled.items():
            for pair in pairwise(parts):
                pairs[pair] += counts[word]
        if not pairs:
            return merges
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        spelled = {w: _merge(parts, best) for w, parts in spelled.items()}


def _merge(parts: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def build(folder: Path) -> CLIPTokenizer:
    """Write `vocab.json` and `merges.txt` into `folder` and return the tokenizer (77 tokens at most).

    One that is there already stays as it is: a network knows its words by their numbers.
    """
    if (folder / "merges.txt").exists():
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    folder.mkdir(parents=True, exist_ok=True)
    merges = learn_merges(words())
    base = bytes_to_unicode()
    pieces = [*base, *(c + "</w>" for c in base), *dict.fromkeys(x + y for x, y in merges), START, END]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = CLIPTokenizer(
        vocab=vocab,
        merges=merges,
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=MAX_LENGTH,
    )
    tokenizer.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{x} {y}\n" for x, y in merges))
    return tokenizer
