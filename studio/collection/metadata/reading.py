"""The boundary: any picture's bytes in, what they say of its making out. Nothing in a file gets past it.

Asks one reader per tool, in an order in which no tool is taken for another. Knows no settings of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image

from studio.collection.metadata import (
    a1111,
    comfyui,
    drawthings,
    fooocus,
    foreign,
    invokeai,
    letters,
    novelai,
    own,
    sidecar,
    stealth,
    swarmui,
)
from studio.collection.metadata.foreign import ForeignMetadata
from studio.collection.metadata.texts import read_texts

Reader = Callable[[Mapping[str, str]], ForeignMetadata | None]
READERS: tuple[Reader, ...] = (
    own.read,
    swarmui.read,
    fooocus.read,
    invokeai.read,
    novelai.read,
    drawthings.read,
    a1111.read,
    comfyui.read,
)
_MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What odd values in a file make a reader raise; the next one is asked."""
_log = logging.getLogger(__name__)


_NOT_UTF8 = "Some letters of {name} could not be read: it is not UTF-8 throughout."
_MISREAD = (
    "The encoding of {name} is not known. It was read as Western European text (Windows-1252), and its "
    "letters are wrong. Save it as UTF-8 and import its picture again."
)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A text file that lay beside a picture."""

    name: str
    text: str

    @property
    def misread(self) -> bool:
        """It was taken for text of Windows-1252, and is none."""
        return letters.is_misread(self.text)

    @property
    def fault(self) -> str | None:
        """What is wrong with its letters, in words."""
        words = _MISREAD if self.misread else _NOT_UTF8 if letters.LOST in self.text else None
        return words and words.format(name=self.name)


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found: understood, as it stands in the file, and what could not be read."""

    metadata: ForeignMetadata | None
    raw: tuple[tuple[str, str], ...]
    faults: tuple[str, ...]

    @property
    def summary(self) -> dict[str, str]:
        """What is kept in the row: the `tool` that made the picture, and its `prompt` for the search."""
        said = self.metadata
        if said is None:
            return {}
        return {"tool": said.tool, **({"prompt": said.prompt} if said.prompt else {})}


def read(data: bytes, beside: Sidecar | None = None, pixels: Image.Image | None = None) -> Findings:
    """Read a picture file; its sidecar is asked where the file says nothing, its `pixels` last.

    Never raises for what is in them.
    """
    texts = read_texts(data)
    faults = list(texts.faults)
    metadata = _first(texts.named, faults)
    if metadata is None and beside is not None:
        metadata = _guarded(lambda _: sidecar.read(beside.name, beside.text), {}, faults)
        if metadata is not None and beside.fault:
            faults.append(beside.fault)
    if metadata is None and pixels is not None:
        hidden = stealth.read(pixels)
        metadata = _first(hidden, faults)
        texts.named.update({f"hidden {name}": text for name, text in hidden.items()})
    named = {**texts.named, **({beside.name: beside.text} if beside else {})}
    raw = tuple((foreign.words(name, 100), foreign.words(text, 200_000)) for name, text in named.items())
    return Findings(metadata, raw, tuple(foreign.words(fault, 300) for fault in faults))


def _first(texts: Mapping[str, str], faults: list[str]) -> ForeignMetadata | None:
    found = (_guarded(reader, texts, faults) for reader in READERS) if texts else iter(())
    return next((said for said in found if said is not None and not said.empty), None)


def _guarded(reader: Reader, texts: Mapping[str, str], faults: list[str]) -> ForeignMetadata | None:
    try:
        return reader(texts)
    except _MALFORMED as error:
        _log.info("Metadata that %s cannot read: %r", reader, error)
        faults.append("Some settings in the file are damaged and were not read.")
        return None
