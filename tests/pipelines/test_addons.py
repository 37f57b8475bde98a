"""Which add-on goes with which model; files are headers alone, since nothing more is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines import addons
from pipelines.catalog import Catalog, load_catalog
from pipelines.errors import RequestError
from pipelines.planning import Completed, complete
from pipelines.request import ControlKind, GenerationRequest, Mode
from tests.pipelines.test_single_file import KNOWN, LORA_XL, SD1, write
from tests.tiny_models import MODELS_YAML

UNKNOWN_LORA = {"transformer.somewhere.lora_A.weight": [2, 16]}


@pytest.fixture
def catalog(tmp_path: Path, tiny_model_dir: Path, tiny_plain_dir: Path) -> Catalog:
    """Two models for Stable Diffusion 1.x, one of which takes no add-ons, and add-ons of all kinds."""
    yaml = MODELS_YAML.format(source=tiny_model_dir, plain=tiny_plain_dir)
    path = tmp_path / "models.yaml"
    path.write_text(yaml.replace("label: Tiny Plain", "label: Tiny Plain\n    add_ons: false"), "utf-8")
    folder = tmp_path / "models"
    write(folder / "Ink.safetensors", KNOWN["lora sd1"][0], {"modelspec.trigger_phrase": "inkwork"})
    write(folder / "Wide.safetensors", LORA_XL)
    write(folder / "Riddle.safetensors", UNKNOWN_LORA)
    write(folder / "Eyes.safetensors", KNOWN["ip-adapter"][0])
    return load_catalog(path, folder)


def asked(catalog: Catalog, **fields: Any) -> Completed:
    request = GenerationRequest.model_validate({"prompt": "a face", "model": "tiny", **fields})
    return complete(request, catalog, {}, lambda: 99)


def refusal(catalog: Catalog, *loras: str, **fields: Any) -> str:
    with pytest.raises(RequestError) as caught:
        asked(catalog, loras=[{"id": lora} for lora in loras], **fields)
    assert caught.value.field == "loras"
    return caught.value.detail


def test_a_model_is_offered_what_was_made_for_it_or_does_not_say(catalog: Catalog) -> None:
    assert [each.id for each in addons.offered(catalog, catalog.get("tiny"))] == ["eyes", "ink", "riddle"]
    assert addons.offered(catalog, catalog.get("tiny-plain")) == ()


def test_loras_stay_in_the_request_as_they_were_asked_for(catalog: Catalog) -> None:
    wanted = [{"id": "ink", "weight": -0.5}, {"id": "riddle"}]
    completed = asked(catalog, loras=wanted)
    assert [(lora.id, lora.weight) for lora in completed.request.loras] == [("ink", -0.5), ("riddle", 1.0)]
    assert completed.notices == ("Riddle does not say which model it was made for; it is tried.",)
    assert completed.request.prompt == "a face"
    assert asked(catalog, **completed.request.model_dump()).request == completed.request


def test_a_model_that_takes_none_leaves_them_out_and_says_so(catalog: Catalog) -> None:
    completed = asked(catalog, loras=[{"id": "ink"}], model="tiny-plain")
    assert completed.request.loras == ()
    assert completed.notices == ("Tiny Plain takes no LoRAs in Text to Image; it is left out.",)


def test_what_cannot_be_hung_in_is_refused_before(catalog: Catalog) -> None:
    assert "Wide was made for SDXL, and Tiny Portrait is a Stable Diffusion 1.x" in refusal(catalog, "wide")
    assert "Eyes is an IP-Adapter, not a LoRA" in refusal(catalog, "eyes")
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


def test_a_model_of_its_own_kind_takes_no_add_ons() -> None:
    bundled = load_catalog(Path("models.yaml")).get("portrait-mini")
    assert addons.base(bundled) is None
