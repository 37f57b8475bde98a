"""Presets that one command line can name, and the rehearsal that runs all of one in minutes."""

from __future__ import annotations

import pytest

from training.__main__ import arguments
from training.presets import CPU, PRESETS, Preset, UnetPreset, rehearsal

TAUGHT = ("critic", "unet", "encoder", "adapters", "controlnet")


def shape(unet: UnetPreset) -> tuple[object, ...]:
    return (
        unet.channels, unet.layers, unet.attention, unet.groups, unet.text_width, unet.text_layers,
        unet.image_width, unet.image_layers,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_rehearsal_makes_the_same_networks_in_two_steps(name: str) -> None:
    preset = PRESETS[name]
    brief = rehearsal(preset)
    assert shape(brief.unet) == shape(preset.unet)
    assert (brief.px, brief.autoencoder.channels) == (preset.px, preset.autoencoder.channels)
    assert {getattr(brief, stage).steps for stage in (*TAUGHT, "autoencoder", "reader")} == {2}
    assert all(getattr(brief, stage).batch <= 16 for stage in TAUGHT)


def minutes(preset: Preset) -> float:
    return sum(getattr(preset, stage).minutes for stage in TAUGHT)


def test_the_short_preset_goes_on_from_the_processors_networks_and_leaves_time_for_data() -> None:
    short = PRESETS["gpu-short"]
    assert shape(short.unet) == shape(CPU.unet)
    assert (short.autoencoder.channels, short.autoencoder.latent_channels) == (
        CPU.autoencoder.channels,
        CPU.autoencoder.latent_channels,
    )
    assert minutes(short) + short.autoencoder.minutes <= 10


def test_the_command_line_shapes_the_preset() -> None:
    args = arguments(["latents", "unet", "--preset", "gpu", "--rehearse", "--pictures", "9", "--bf16"])
    assert args.stage == ["latents", "unet"]
    assert (args.preset.name, args.preset.unet.steps, args.preset.pictures) == ("gpu", 2, 9)
    assert arguments(["decoder", "--minutes", "3"]).preset.autoencoder.minutes == 3
    assert arguments(["unet", "--minutes", "3"]).preset.unet.minutes == 3


@pytest.mark.parametrize("words", [["unet", "adapters", "--minutes", "3"], ["export", "--minutes", "3"], []])
def test_minutes_are_for_one_stage_that_trains(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(words)
