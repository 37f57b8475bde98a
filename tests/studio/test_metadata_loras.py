"""LoRAs in what a file says: written as other tools do, read back, and found again in the models folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.request import GenerationRequest, Lora
from studio.collection.metadata import a1111, own
from studio.collection.metadata.foreign import ForeignLora as Named
from studio.collection.metadata.foreign import ForeignMetadata
from studio.collection.metadata.infotext import infotext
from studio.exchange import reuse
from tests.pipelines.disk.test_identify import LORA_XL, write
from tests.studio.test_metadata import likeness

INK = {"id": "styles-ink", "name": "Ink, fine", "weight": 0.75, "sha256": "0123456789abcdef" * 4}


def said(**provenance: Any) -> Any:
    request = GenerationRequest(model="tiny", prompt="red hair", loras=(Lora(id="styles-ink", weight=0.75),))
    return likeness(request=request, provenance=provenance)


def catalog(folder: Path) -> Catalog:
    """Of one model, with two LoRAs in its models folder."""
    path = folder / "models.yaml"
    path.write_text(
        "models:\n  - {id: xl, label: XL, family: sdxl, source: x, licence: none, modes: [text_to_image]}\n"
    )
    write(folder / "models" / "Styles" / "Ink_fine.safetensors", LORA_XL)
    write(folder / "models" / "oil.safetensors", LORA_XL)
    return load_catalog(path, folder / "models")


def test_a_lora_is_called_up_in_the_prompt_and_known_by_its_hash() -> None:
    text = infotext(said(loras=[INK]), 64, 64)
    assert text.startswith("red hair <lora:Ink_ fine:0.75>\n")
    assert 'Lora hashes: "Ink_ fine: 0123456789ab"' in text
    read = a1111.parse(text)
    assert read is not None
    assert (read.prompt, read.loras) == ("red hair", (Named("Ink_ fine", 0.75),))


def test_our_own_record_names_the_file_where_it_is_told() -> None:
    for provenance, name in (
        ({"loras": [INK]}, "Ink, fine"),
        ({}, "styles-ink"),
        ({"loras": 7}, "styles-ink"),
    ):
        read = own.read({"likeness": said(**provenance).text()})
        assert read is not None
        assert read.loras == (Named(name, 0.75),)
    assert "<lora" not in infotext(said(loras=[{"name": None, "weight": "x"}, 3][1:]), 64, 64)


def test_known_loras_become_the_requests_own_and_the_rest_is_listed(tmp_path: Path) -> None:
    names = (Named("Ink fine", 0.5), Named("oil.safetensors"), Named("lost", 0.25), Named("oil", 9.0))
    settings, left = reuse.of_foreign(ForeignMetadata(tool="x", loras=names), catalog(tmp_path))
    assert settings == {
        "loras": [{"id": "styles-ink_fine-4940e6f1", "weight": 0.5}, {"id": "oil", "weight": 1.0}],
    }
    assert [(one.name, one.value) for one in left] == [("LoRA", "lost (0.25)"), ("LoRA", "oil (9)")]
