from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from peft import LoraConfig
from transformers import CLIPTextModel

from pipelines.running import placement, recalling
from pipelines.running.network_state import number, state
from pipelines.running.remembered import ResultCache

PIXELS = torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)
IDS = torch.arange(77)[None] % 20


class Watched:
    """A network that remembers, and how often it had to compute."""

    def __init__(self, network: Any, inside: Any, store: ResultCache) -> None:
        self.network, self.times = network, 0
        inside.register_forward_pre_hook(self._count)
        recalling.remember(network, store)

    def _count(self, *_: Any) -> None:
        self.times += 1

    def computes(self, call: Callable[[Any], Any]) -> bool:
        before = self.times
        with torch.no_grad():
            call(self.network)
        return self.times > before


@pytest.fixture
def store() -> ResultCache:
    return ResultCache()


@pytest.fixture
def vae(tiny_plain_dir: Path, store: ResultCache) -> Watched:
    network: Any = AutoencoderKL.from_pretrained(tiny_plain_dir, subfolder="vae")
    return Watched(network.eval(), network.encoder, store)


@pytest.fixture
def words(tiny_plain_dir: Path, store: ResultCache) -> Watched:
    network: Any = CLIPTextModel.from_pretrained(tiny_plain_dir, subfolder="text_encoder")
    return Watched(network.eval(), network.get_input_embeddings(), store)


def encode(vae: Any) -> Any:
    return vae.encode(PIXELS)


def read(words: Any) -> Any:
    return words(IDS)


def test_an_autoencoder_encodes_the_same_once_and_draws_anew_each_time(vae: Watched) -> None:
    assert vae.computes(encode)
    assert not vae.computes(encode)
    assert vae.computes(lambda vae: vae.encode(PIXELS.flip(-1)))
    assert vae.computes(lambda vae: vae.encode(PIXELS[..., :32, :]))
    with torch.no_grad():
        one, other = (
            encode(vae.network).latent_dist.sample(torch.Generator().manual_seed(n)) for n in (1, 2)
        )
    assert not torch.equal(one, other)


def test_an_encoder_gives_the_layers_that_pipelines_read(words: Watched) -> None:
    def layers(words: Any) -> Any:
        return words(IDS, output_hidden_states=True)

    with torch.no_grad():
        cold, warm = layers(words.network), layers(words.network)
    assert not words.computes(layers)
    for at in (-1, -2):
        assert torch.equal(cold.hidden_states[at], warm.hidden_states[at])
    assert torch.equal(cold[0], warm[0])
    assert torch.equal(cold.pooler_output, warm.pooler_output)
    assert words.computes(lambda words: words(IDS, output_hidden_states=False))
    assert words.computes(lambda words: words(IDS, attention_mask=torch.ones_like(IDS)))


def written(network: Any) -> None:
    with torch.no_grad():
        next(network.parameters()).mul_(1.5)


def replaced(network: Any) -> None:
    module = network.quant_conv
    module.weight = torch.nn.Parameter(module.weight.detach().clone())


STATES: dict[str, Callable[[Any], Any]] = {
    "written into": written,
    "a new parameter": replaced,
    "other numbers": lambda vae: vae.to(torch.float64).to(torch.float32).to(torch.bfloat16).to(torch.float64),
    "tiles": lambda vae: vae.enable_tiling(),
    "slices": lambda vae: vae.enable_slicing(),
    "training": lambda vae: vae.train(),
    "a buffer": lambda vae: vae.register_buffer("more", torch.ones(1)),
    "8 bits": lambda vae: placement.store_in_8_bits(vae, torch.float32),
}


@pytest.mark.parametrize("change", STATES.values(), ids=STATES.keys())
def test_a_network_in_another_state_computes_anew(vae: Watched, change: Callable[[Any], Any]) -> None:
    vae.computes(encode)
    before = state(vae.network)
    change(vae.network)
    assert state(vae.network) != before
    pixels = PIXELS.to(torch.float64) if vae.network.dtype is torch.float64 else PIXELS
    assert vae.computes(lambda vae: vae.encode(pixels))
    assert not vae.computes(lambda vae: vae.encode(pixels))


def test_a_network_that_was_elsewhere_meanwhile_is_the_same(vae: Watched) -> None:
    vae.network.register_buffer("more", torch.ones(3))
    vae.computes(encode)
    for module in vae.network.modules():  # as a network comes back from another device
        for parameter in module._parameters.values():
            if parameter is not None:
                parameter.data = parameter.data.clone()
        module._buffers.update({name: buffer.clone() for name, buffer in module._buffers.items()})
    assert not vae.computes(encode)


def test_loras_and_their_weights_are_part_of_the_state(words: Watched) -> None:
    network = words.network
    words.computes(read)
    for name in ("ink", "oil"):
        network.add_adapter(LoraConfig(target_modules=["q_proj"], init_lora_weights=False), adapter_name=name)
    assert words.computes(read)
    network.set_adapter("ink")
    assert words.computes(read)
    for module in network.modules():
        if hasattr(module, "set_scale"):
            module.set_scale("ink", 0.3)
    assert words.computes(read)
    network.set_adapter("oil")
    assert not words.computes(read)  # as it was first
    network.disable_adapters()
    assert words.computes(read)
    network.enable_adapters()
    for name in ("ink", "oil"):
        network.delete_adapter(name)


def test_another_network_with_the_same_weights_computes_for_itself(
    vae: Watched, tiny_plain_dir: Path, store: ResultCache
) -> None:
    vae.computes(encode)
    network: Any = AutoencoderKL.from_pretrained(tiny_plain_dir, subfolder="vae")
    other = Watched(network.eval(), network.encoder, store)
    assert number(other.network) != number(vae.network)
    assert other.computes(encode)


def test_what_is_to_be_learnt_from_is_computed(vae: Watched) -> None:
    vae.computes(encode)
    before = vae.times
    vae.network.encode(PIXELS)
    assert vae.times == before + 1


def test_what_a_network_computed_goes_with_it(vae: Watched, words: Watched, store: ResultCache) -> None:
    vae.computes(encode)
    words.computes(read)
    assert len(store) == 2
    del vae.network
    gc.collect()
    assert len(store) == 1


def test_a_network_that_remembers_passes_for_its_kind(vae: Watched) -> None:
    network: Any = vae.network
    assert isinstance(network, AutoencoderKL)
    assert (type(network).__name__, type(network).__module__) == (
        AutoencoderKL.__name__,
        AutoencoderKL.__module__,
    )
    other: Any = type(network).from_config(network.config).eval()  # as a VAE of the models folder is made
    with torch.no_grad():
        assert other.encode(PIXELS).latent_dist.mean.shape == network.encode(PIXELS).latent_dist.mean.shape
