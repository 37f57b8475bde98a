"""Models that diffusers has as blocks alone, in the shape of its pipelines.

A modular pipeline takes whatever it is called with and tells nobody of its steps. The adapter here has the
arguments, the step callback, the offloading and the LoRAs of the others; what it computes, diffusers' own
blocks do. Knows FLUX.3 Image Klein, the only model that there is in no other way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import diffusers
import torch
from diffusers.loaders import Flux3LoraLoaderMixin  # pyright: ignore[reportPrivateImportUsage]
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.transformers.transformer_flux3 import Flux3Transformer2DModel
from diffusers.modular_pipelines.flux3 import modular_blocks_flux3_distilled as distilled
from diffusers.modular_pipelines.flux3.before_denoise import Flux3SetTimestepsStep
from diffusers.modular_pipelines.flux3.denoise import Flux3DistilledDenoiseStep
from diffusers.modular_pipelines.flux3.encoders import (
    Flux3DistilledTextEncoderStep,
    Flux3ProcessImagesInputStep,
    Flux3VaeEncoderStep,
)
from diffusers.modular_pipelines.flux3.image_processor import Flux3ImageProcessor
from diffusers.modular_pipelines.flux3.modular_pipeline import Flux3DistilledModularPipeline
from diffusers.modular_pipelines.modular_pipeline import ModularPipelineBlocks, SequentialPipelineBlocks
from diffusers.modular_pipelines.modular_pipeline_utils import InputParam
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from PIL import Image
from transformers import AutoTokenizer, Qwen3VLForConditionalGeneration

from pipelines.disk import layout
from pipelines.families import flux3
from pipelines.running import loading, placement
from pipelines.running.contract import LoadSettings
from pipelines.spec import ModelSpec

Told = Callable[[int, int, Any, torch.Tensor], torch.Tensor]
"""(step from 0, of how many, timestep, latents) → the latents to go on with."""
PARTS: Mapping[str, Any] = {
    "text_encoder": Qwen3VLForConditionalGeneration,
    "transformer": Flux3Transformer2DModel,
    "vae": AutoencoderKLFlux2,
}
"""The networks of FLUX.3 Image Klein: folder of a part → its class."""
MOST_TOKENS = 8192
_BLOCKS_LOG = logging.getLogger("diffusers.modular_pipelines.modular_pipeline")


def pipeline_class(name: str) -> Any:
    """The class of pipelines called `name`: diffusers' own, or the adapter for one made of blocks."""
    return Flux3Klein if name == flux3.PIPELINE else getattr(diffusers, name)


def load(spec: ModelSpec, settings: LoadSettings) -> Flux3Klein:
    """FLUX.3 Image Klein with all its parts. Raises what the loaders raise for parts that are not there."""
    source, revision = str(settings.folder or spec.source), None if settings.folder else spec.revision
    index: Any = Flux3DistilledModularPipeline.load_config(source, revision=revision, local_files_only=True)
    quantised = getattr(placement.quantization(PARTS, settings), "quant_mapping", {})
    parts = {
        name: loading.load_part(
            cls,
            name,
            spec,
            settings,
            variant=spec.variant,
            dtype=settings.dtype,
            use_safetensors=True,
            quantization_config=quantised.get(name),
        )
        for name, cls in PARTS.items()
    }
    if not parts["transformer"].config.flow_map:
        raise ValueError("Its transformer is not the distilled one.")
    # by its folder: of a repository transformers also asks for a configuration, and tokenizers have none
    words = loading.file_at("tokenizer/tokenizer_config.json", spec, settings).parent
    scheduler = Flux3SetTimestepsStep().expected_components[0]
    own = "scheduler" in layout.components(index)
    return Flux3Klein(
        **parts,
        tokenizer=AutoTokenizer.from_pretrained(str(words), local_files_only=True),
        scheduler=loading.load_part(scheduler.type_hint, "scheduler", spec, settings)
        if own
        else scheduler.create(),
    )


class Flux3Klein(DiffusionPipeline, Flux3LoraLoaderMixin):
    """`Flux3DistilledModularPipeline` as any other pipeline, without its language model for prompts.

    Called with words or their `prompt_embeds`; gives latents (n, 4·channels, h/2, w/2) as its blocks do.
    """

    runs = flux3.PIPELINE
    """What records name: the class of diffusers that computes."""
    model_cpu_offload_seq = "text_encoder->transformer->vae"

    def __init__(self, vae: Any, text_encoder: Any, tokenizer: Any, transformer: Any, scheduler: Any) -> None:
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            transformer=transformer,
            scheduler=scheduler,
        )
        self.image_processor = Flux3ImageProcessor()
        self.num_timesteps = 0

    def encode_prompt(self, prompt: str, max_sequence_length: int = MOST_TOKENS) -> torch.Tensor:
        """(1, tokens, width), filled up to a multiple of 80 tokens; those beyond the length are left out."""
        return self._reader(prompt=prompt, max_sequence_length=max_sequence_length, output="prompt_embeds")

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | None = None,
        image: Sequence[Image.Image] | None = None,
        height: int = 1024,
        width: int = 1024,
        num_inference_steps: int = 16,
        generator: Sequence[torch.Generator] | None = None,
        prompt_embeds: torch.Tensor | None = None,
        max_sequence_length: int = MOST_TOKENS,
        output_type: str = "latent",
        return_dict: bool = False,
        callback_on_step_end: Callable[..., dict[str, Any]] | None = None,
    ) -> tuple[torch.Tensor]:
        """Latents, alone in a tuple. Raises ValueError for another `output_type` or `return_dict`."""
        if output_type != "latent" or return_dict:
            raise ValueError("It gives latents in a tuple, and nothing else.")
        if prompt_embeds is None:
            prompt_embeds = self.encode_prompt(prompt or "", max_sequence_length)

        def told(step: int, of: int, timestep: Any, latents: torch.Tensor) -> torch.Tensor:
            self.num_timesteps = of
            if callback_on_step_end is None:
                return latents
            return callback_on_step_end(self, step, timestep, {"latents": latents}).get("latents", latents)

        seen = {"image": list(image)} if image else {}
        with _no_word_of_errors():
            made = (self._editor if image else self._drawer)(
                **seen,
                prompt_embeds=prompt_embeds,
                height=height,
                width=width,
                num_inference_steps=num_inference_steps,
                generator=list(generator) if generator else None,
                told=told,
                output="latents",
            )
        return (made,)

    @cached_property
    def _reader(self) -> Any:
        return self._of_blocks({"text_encoder": Flux3DistilledTextEncoderStep()})

    @cached_property
    def _drawer(self) -> Any:
        return self._of_blocks(_telling(distilled.Flux3DistilledCoreDenoiseBlocks))

    @cached_property
    def _editor(self) -> Any:
        looking = {"preprocess": Flux3ProcessImagesInputStep(), "encode": Flux3VaeEncoderStep()}
        blocks = _telling(distilled.Flux3DistilledImageConditionedCoreDenoiseBlocks)
        return self._of_blocks({**looking, **blocks})

    def _of_blocks(self, blocks: Mapping[str, Any]) -> Any:
        """diffusers' modular pipeline of some blocks, with the parts of this one that they need."""
        made = Flux3DistilledModularPipeline(blocks=SequentialPipelineBlocks.from_blocks_dict(dict(blocks)))
        own = {**self.components, "tokenizer": Chat(self.tokenizer), "image_processor": self.image_processor}
        made.register_components(**{name: own[name] for name in made.component_names})
        return made


class Chat:
    """A tokenizer in the place of the processor that the blocks ask for: both write the same conversation.

    The processor also reads films, and needs torchvision for it.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def apply_chat_template(self, conversation: Any, **arguments: Any) -> Any:
        """The text of a conversation as the language model reads it."""
        return self.tokenizer.apply_chat_template(conversation, **arguments)


class _Telling(ModularPipelineBlocks):
    """The last block of every step: tells of it, and goes on with what it is given back."""

    @property
    def inputs(self) -> list[Any]:
        """`told`: see `Told`."""
        return [InputParam("told", required=True)]

    def __call__(self, components: Any, block_state: Any, i: int, t: Any) -> tuple[Any, Any]:
        """After step `i`, from 0, at the scheduler's timestep `t`."""
        block_state.latents = block_state.told(i, len(block_state.timesteps), t, block_state.latents)
        return components, block_state


class _Steps(Flux3DistilledDenoiseStep):
    block_classes = (*Flux3DistilledDenoiseStep.block_classes, _Telling)
    block_names = (*Flux3DistilledDenoiseStep.block_names, "told")


def _telling(blocks: Mapping[str, Any]) -> dict[str, Any]:
    """The same blocks with steps that are told of."""
    steps = _Steps()
    steps.set_progress_bar_config(disable=True)
    return {**blocks, "denoise": steps}


@contextmanager
def _no_word_of_errors() -> Generator[None]:
    """Blocks write a traceback each for whatever goes through them, also for a picture that is cancelled."""

    def quiet(record: logging.LogRecord) -> bool:
        return record.levelno != logging.ERROR

    _BLOCKS_LOG.addFilter(quiet)
    try:
        yield
    finally:
        _BLOCKS_LOG.removeFilter(quiet)
