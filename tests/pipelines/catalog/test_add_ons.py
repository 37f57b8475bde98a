"""Which add-on goes with which model; files are headers alone, since nothing more is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog import add_ons
from pipelines.catalog.catalog import Catalog, load_catalog
from pipelines.errors import RequestError
from pipelines.planning import prompt_words
from pipelines.planning.complete import Completion, complete
from pipelines.request import ControlKind, GenerationRequest, Mode
from tests.pipelines.disk.test_identify import KNOWN, LORA_XL, SD1, SDXL, write
from tests.tiny_models import MODELS_YAML

UNKNOWN_LORA = {"transformer.somewhere.lora_A.weight": [2, 16]}


@pytest.fixture
def catalog(tmp_path: Path, tiny_model_dir: Path, tiny_plain_dir: Path) -> Catalog:
    """Two models for Stable Diffusion 1.x, one of which takes no add-ons, and add-ons of all kinds."""
    yaml = MODELS_YAML.format(source=tiny_model_dir, plain=tiny_plain_dir)
    path = tmp_path / "models.yaml"
    path.write_text(yaml.replace("label: Tiny Plain", "label: Tiny Plain\n    add_ons: false"), "utf-8")
    folder = tmp_path / "models"
    write(folder / "ink.safetensors", KNOWN["lora sd1"][0], {"modelspec.trigger_phrase": "inkwork"})
    write(folder / "wide.safetensors", LORA_XL)
    write(folder / "riddle.safetensors", UNKNOWN_LORA)
    write(folder / "eyes.safetensors", KNOWN["ip-adapter"][0])
    return load_catalog(path, folder)


def asked(catalog: Catalog, **fields: Any) -> Completion:
    request = GenerationRequest.model_validate({"prompt": "a face", "model": "tiny", **fields})
    return complete(request, catalog, {}, lambda: 99)


def refusal(catalog: Catalog, *loras: str, **fields: Any) -> str:
    with pytest.raises(RequestError) as caught:
        asked(catalog, loras=[{"id": lora} for lora in loras], **fields)
    assert caught.value.field == "loras"
    return caught.value.detail


def test_a_model_is_offered_what_was_made_for_it_or_does_not_say(catalog: Catalog) -> None:
    assert [each.id for each in add_ons.offered(catalog, catalog.get("tiny"))] == ["eyes", "ink", "riddle"]
    assert add_ons.offered(catalog, catalog.get("tiny-plain")) == ()


def test_a_file_that_is_named_as_all_are_goes_by_its_folders_name(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    write(folder / "Firm Lines" / "diffusion_pytorch_model.fp16.safetensors", KNOWN["controlnet"][0])
    write(folder / "model.safetensors", KNOWN["image encoder"][0])
    catalog.look_through()
    names = {each.name for each in catalog.dropped.add_ons}
    assert names == {"eyes", "Firm Lines", "ink", "riddle", "wide", "model"}


def test_loras_stay_in_the_request_as_they_were_asked_for(catalog: Catalog) -> None:
    wanted = [{"id": "ink", "weight": -0.5}, {"id": "riddle"}]
    completed = asked(catalog, loras=wanted)
    assert [(lora.id, lora.weight) for lora in completed.request.loras] == [("ink", -0.5), ("riddle", 1.0)]
    assert completed.notices == ("riddle does not say which model it was made for; it is tried.",)
    assert completed.request.prompt == "a face"
    assert asked(catalog, **completed.request.model_dump()).request == completed.request


def test_a_model_that_takes_none_leaves_them_out_and_says_so(catalog: Catalog) -> None:
    completed = asked(catalog, loras=[{"id": "ink"}], model="tiny-plain")
    assert completed.request.loras == ()
    assert completed.notices == ("Tiny Plain takes no LoRAs in Text to Image; it is left out.",)


def test_what_cannot_be_hung_in_is_refused_before(catalog: Catalog) -> None:
    assert "wide was made for SDXL, and Tiny Portrait is a Stable Diffusion 1.x" in refusal(catalog, "wide")
    assert "eyes is an IP-Adapter, not a LoRA" in refusal(catalog, "eyes")
    assert "'gone' is not in the models folder" in refusal(catalog, "gone")
    assert "twice" in refusal(catalog, "ink", "ink")
    with pytest.raises(ValueError, match="at most 4"):
        GenerationRequest.model_validate({"loras": [{"id": str(n)} for n in range(5)]})
    with pytest.raises(ValueError, match="less than or equal to 2"):
        GenerationRequest.model_validate({"loras": [{"id": "ink", "weight": 2.1}]})


def test_a_checkpoint_beside_a_controlnet_follows_structure(tmp_path: Path, tiny_models_yaml: Path) -> None:
    folder = tmp_path / "models"
    write(folder / "Portraits.safetensors", SD1)
    spec = load_catalog(tiny_models_yaml, folder).get("file-portraits")
    assert Mode.CONTROLNET not in spec.modes
    write(folder / "lines-canny.safetensors", KNOWN["controlnet"][0])
    catalog = load_catalog(tiny_models_yaml, folder)
    assert Mode.CONTROLNET in catalog.get("file-portraits").modes
    assert catalog.route("file-portraits", Mode.CONTROLNET).control_kinds == (ControlKind.CANNY,)
    assert catalog.unavailable_reason("file-portraits", Mode.CONTROLNET) is None


PARTS = """\
models:
  - id: xl
    label: XL
    family: sdxl
    source: nobody/nothing
    licence: none
    modes: [text_to_image, controlnet, character_reference, style_reference]
    options:
      controlnets: {canny: hub://nobody/union}
      image_encoder: hub://nobody/adapters/image_encoder
      ip_adapters: {character: hub://nobody/adapters/face.safetensors, style: hub://nobody/adapters/a.safetensors}
      ip_scales: {character: 0.6}
"""
PLUS = {"image_proj.proj_in.weight": [768, 1280], "ip_adapter.1.to_k_ip.weight": [640, 2048]}
SUMMARY = {"image_proj.proj.weight": [8192, 1280], "ip_adapter.1.to_k_ip.weight": [640, 2048]}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Catalog:
    """A dropped SDXL checkpoint beside an entry of its kind, whose parts are not on this machine."""
    (tmp_path / "models.yaml").write_text(PARTS, "utf-8")
    write(tmp_path / "models" / "Big.safetensors", SDXL)
    return load_catalog(tmp_path / "models.yaml", tmp_path / "models")


def test_a_checkpoint_does_what_the_parts_of_an_entry_of_its_kind_allow(checkpoint: Catalog) -> None:
    big = checkpoint.get("file-big")
    assert {Mode.CONTROLNET, Mode.CHARACTER_REFERENCE, Mode.STYLE_REFERENCE, Mode.INPAINT} <= set(big.modes)
    assert big.options["ip_scales"] == {"character": 0.6}
    assert checkpoint.unavailable_reason("file-big", Mode.TEXT_TO_IMAGE) is None
    said = str(checkpoint.unavailable_reason("file-big", Mode.CHARACTER_REFERENCE))
    assert said.startswith("Character Reference needs nobody/adapters/image_encoder, which is not on this")
    assert said.endswith("Download it on the Models page.")
    obstacle = checkpoint.obstacle("file-big", Mode.CHARACTER_REFERENCE)
    assert obstacle is not None
    assert said == f"{obstacle.reason} {obstacle.advice}"
    assert obstacle.advice == "Download it on the Models page."


def test_adapter_and_encoder_of_the_folder_take_the_place_of_parts_that_are_not_here(
    checkpoint: Catalog, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    write(folder / "plus.safetensors", PLUS)
    write(folder / "plus-face.safetensors", PLUS)
    checkpoint.look_through()
    assert checkpoint.unavailable_reason("file-big", Mode.STYLE_REFERENCE) is not None
    write(folder / "vit" / "model.safetensors", KNOWN["image encoder"][0])
    checkpoint.look_through()
    options = checkpoint.get("file-big").options
    assert options["ip_adapters"] == {
        "character": str(folder / "plus-face.safetensors"),
        "style": str(folder / "plus.safetensors"),
    }
    assert options["image_encoder"] == str(folder / "vit" / "model.safetensors")
    assert checkpoint.unavailable_reason("file-big", Mode.STYLE_REFERENCE) is None
    assert checkpoint.unavailable_reason("file-big", Mode.CONTROLNET) is not None


def test_an_adapter_without_its_image_encoder_is_refused_before(checkpoint: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    for name, shapes in {"plus": PLUS, "vit": KNOWN["image encoder"][0], "other": SUMMARY}.items():
        write(folder / f"{name}.safetensors", shapes)
    checkpoint.look_through()
    fields = {"model": "file-big", "mode": "style_reference", "ip_adapter": "other"}
    request = GenerationRequest.model_validate({**fields, "references": [{"image_id": "face"}]})

    def completed() -> Completion:
        return complete(request, checkpoint, {"face": (64, 64)}, lambda: 9)

    with pytest.raises(RequestError, match=r"looks at pictures through .*CLIP ViT-bigG.*as well") as refused:
        completed()
    assert refused.value.field == "ip_adapter"
    sees = {"vision_model.embeddings.class_embedding": [1664], "visual_projection.weight": [1280, 1664]}
    write(folder / "wide.safetensors", sees)
    checkpoint.look_through()
    assert completed().request.ip_adapter == "other"
    files = add_ons.paths(checkpoint, checkpoint.get("file-big"), completed().request)
    assert {key: path.name for key, path in files.items()} == {
        "other": "other.safetensors",
        "image encoder": "wide.safetensors",
    }


def test_what_files_take_in_memory_is_told_by_what_they_do(catalog: Catalog) -> None:
    files = {name: catalog.add_on(name).path for name in ("ink", "eyes")}
    ink, eyes = add_ons.beside({**files, "gone": Path("nowhere.safetensors")})
    assert (ink.name, eyes.name) == ("lora ink", "adapter eyes")
    assert ink.fixed == 8 * 768 + 320 * 8
    assert ink.is_denoiser
    assert eyes.is_adapter


def test_a_vae_goes_with_all_models_that_share_its_latents(catalog: Catalog, tmp_path: Path) -> None:
    write(tmp_path / "models" / "soft.safetensors", KNOWN["vae"][0])
    write(tmp_path / "models" / "flux.safetensors", KNOWN["vae flux1"][0])
    catalog.look_through()
    assert "soft" in {each.id for each in add_ons.offered(catalog, catalog.get("tiny"))}
    assert "flux" not in {each.id for each in add_ons.offered(catalog, catalog.get("tiny"))}
    assert asked(catalog, vae="soft").notices
    with pytest.raises(RequestError, match=r"VAE flux was made for FLUX\.1"):
        asked(catalog, vae="flux")


def test_a_model_of_its_own_kind_takes_no_add_ons() -> None:
    bundled = load_catalog(Path("models.yaml")).get("portrait-mini")
    assert add_ons.base(bundled) is None


def test_tags_of_a_prompt_are_told_by_the_names_of_their_files(catalog: Catalog) -> None:
    tags = prompt_words.tags("a <lora:INK:0.8> face <lora:wide:1> <lora:../ink:0.5> <lora:INK:0.8>")
    called = add_ons.called(catalog, catalog.get("tiny"), tags)
    assert [(each.tag, each.name, each.weight) for each in called] == [
        ("<lora:INK:0.8>", "ink", 0.8),
        ("<lora:wide:1>", None, 1.0),
        ("<lora:../ink:0.5>", "ink", 0.5),  # of a name only the last part counts
    ]
