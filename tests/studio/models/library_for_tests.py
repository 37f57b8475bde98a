"""A catalogue with models of every kind, and waiting for what happens to them."""

from __future__ import annotations

import time
from collections.abc import Callable

from studio.models.library import ModelLibrary
from studio.models.records import ModelCard
from tests.studio.models.test_fetch import REPO

YAML = f"""\
models:
  - {{id: big, label: Big, family: stable-diffusion, source: {REPO}, modes: [text_to_image], download_gb: 4,
     licence: {{name: Ink Licence, url: "https://ink.example/terms", commercial: no, version: "1.1"}}}}
  - {{id: big-too, label: Big Too, family: stable-diffusion, source: {REPO}, modes: [text_to_image, img2img],
     licence: {{name: Ink Licence, commercial: no, version: "1.1"}}}}
  - {{id: here, label: Here, family: stable-diffusion, source: here, modes: [text_to_image], licence: MIT}}
  - {{id: nowhere, label: Nowhere, family: stable-diffusion, source: someone/nothing, modes: [text_to_image],
     licence: {{name: Other Licence, commercial: no}}}}
  - {{id: fixed, label: Fixed, family: stable-diffusion, source: someone/fixed, revision: "{"a" * 40}",
     modes: [text_to_image], licence: MIT}}
"""


def until(library: ModelLibrary, done: Callable[[ModelCard], bool], model_id: str = "big") -> ModelCard:
    deadline = time.monotonic() + 90
    while not done(card := library.card(model_id)):
        assert time.monotonic() < deadline, card.download
        time.sleep(0.02)
    return card


def ended(card: ModelCard) -> bool:
    return card.download is not None and not card.download.is_active
