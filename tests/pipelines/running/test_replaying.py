from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from peft import LoraConfig

from pipelines.memory.plan import MemoryPlan, Placement
from pipelines.running import replaying
from pipelines.running.contract import LoadSettings

SETTINGS = LoadSettings(None, frozenset(), "cpu", torch.float32)
WORDS = torch.linspace(-1, 1, 2 * 77 * 32).reshape(2, 77, 32)


class Parts:
    """As a pipeline has them."""

    def __init__(self, unet: Any = None, controlnet: Any = None) -> None:
        self.unet, self.controlnet = unet, controlnet


class Counted:
    """A network of a pipeline, and how often its own code ran."""

    def __init__(self, network: Any, name: str = "unet") -> None:
        self.network, self.parts, self.times = network.eval(), Parts(**{name: network}), 0
        network.register_forward_pre_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.times += 1

    @torch.no_grad()
    def picture(
        self, *, steps: int = 3, side: int = 8, settings: LoadSettings = SETTINGS, **more: Any
    ) -> int:
        """How often it ran in so many steps, all of which are as it makes them anew."""
        ran = 0
        channels = self.network.config.in_channels
        for at in range(steps):
            drawn = torch.Generator().manual_seed(at)
            sample = torch.randn(2, channels, side, side, generator=drawn)
            given = {"encoder_hidden_states": WORDS, "return_dict": False, **more}
            with replaying.replayed(self.parts, settings):
                before = self.times
                answer = self.network(sample, torch.tensor(900 - at), **given)
                ran += self.times - before
            plain = self.network(sample, torch.tensor(900 - at), **given)
            assert all(map(torch.equal, flat(answer), flat(plain)))
        return ran


def flat(value: Any) -> list[torch.Tensor]:
    return [value] if isinstance(value, torch.Tensor) else [each for inner in value for each in flat(inner)]


@pytest.fixture
def unet(tiny_plain_dir: Path) -> Counted:
    return Counted(UNet2DConditionModel.from_pretrained(tiny_plain_dir, subfolder="unet"))


def test_a_step_is_replayed_after_it_was_seen_twice(unet: Counted) -> None:
    assert unet.picture(steps=5) == 2
    assert unet.picture(steps=5) == 0


def test_another_size_is_another_step(unet: Counted) -> None:
    unet.picture()
    assert unet.picture(side=16) == 2
    assert unet.picture() == 0


def test_a_lora_and_its_weight_are_another_step(unet: Counted) -> None:
    unet.picture()
    unet.network.add_adapter(LoraConfig(r=2, target_modules=["to_q"], init_lora_weights=False))
    assert unet.picture() == 2
    unet.network.set_adapters(["default"], [0.5])
    assert unet.picture() == 2
    assert unet.picture() == 0


def test_weights_that_were_written_into_are_another_step(unet: Counted) -> None:
    unet.picture()
    with torch.no_grad():
        unet.network.conv_out.weight.mul_(2)
    assert unet.picture() == 2


def test_a_number_of_an_attention_processor_is_another_step(unet: Counted) -> None:
    class Scaled:
        """Attention with a scale for each reference, as IP-Adapters have it."""

        def __init__(self, plain: Any) -> None:
            self.plain, self.scale = plain, [1.0]

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self.plain(*args, **kwargs) * self.scale[0]

    processors = {name: Scaled(plain) for name, plain in unet.network.attn_processors.items()}
    unet.network.set_attn_processor({**processors})  # it empties what it is given
    assert unet.picture() == 2
    for processor in processors.values():
        processor.scale = [0.5]
    assert unet.picture() == 2


def test_the_lists_of_a_controlnet_come_back_as_they_are(unet: Counted) -> None:
    network: Any = ControlNetModel.from_unet(unet.network)
    counted = Counted(network, "controlnet")
    lines = torch.ones(2, 3, 64, 64)
    assert counted.picture(controlnet_cond=lines) == 2
    assert counted.picture(controlnet_cond=lines) == 0


def test_outside_of_a_picture_nothing_is_replayed(unet: Counted) -> None:
    unet.picture()
    before = unet.times
    with torch.no_grad():
        unet.network(torch.ones(2, 8, 8, 8), torch.tensor(1), encoder_hidden_states=WORDS, return_dict=False)
    assert unet.times == before + 1


@pytest.mark.parametrize(
    "settings",
    [
        LoadSettings(None, frozenset(), "cpu", torch.float32, warm_up=True),
        LoadSettings(None, frozenset(), "cpu", torch.float32, MemoryPlan(placement=Placement.MODEL_OFFLOAD)),
        LoadSettings(None, frozenset(), "cuda", torch.float32),
    ],
)
def test_what_is_compiled_or_moved_is_let_be(unet: Counted, settings: LoadSettings) -> None:
    assert unet.picture(settings=settings) == 3


@pytest.mark.parametrize("bound", ["MOST_INPUT", "MOST_WEIGHTS"])
def test_what_is_large_is_let_be(unet: Counted, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(replaying, bound, 100)
    assert unet.picture() == 3


def test_a_pass_that_gives_other_numbers_the_second_time_is_not_replayed(unet: Counted) -> None:
    turns = iter(range(1, 9))
    plain = unet.network.conv_out.forward
    unet.network.conv_out.forward = lambda hidden: plain(hidden) * next(turns)
    given = {"encoder_hidden_states": WORDS, "return_dict": False}
    with torch.no_grad(), replaying.replayed(unet.parts, SETTINGS):
        answers = [unet.network(torch.ones(2, 8, 8, 8), torch.tensor(1), **given)[0] for _ in range(4)]
    assert unet.times == 4
    assert torch.allclose(answers[3], answers[0] * 4)


def test_the_traces_unused_for_longest_leave(unet: Counted) -> None:
    sides = [8 * at for at in range(1, replaying.MOST_TRACES + 2)]
    for side in sides:
        unet.picture(side=side)
    assert unet.picture(side=sides[-1]) == 0
    assert unet.picture(side=sides[0]) == 2
