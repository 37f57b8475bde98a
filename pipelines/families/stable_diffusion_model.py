"""A Stable Diffusion model in memory: one set of weights, a stock diffusers pipeline for each mode.

All pipelines share their components. Each has a scheduler of its own, and the IP-Adapter lives in a
UNet module of its own (with the same tensors), because it would change every pipeline it is loaded in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import diffusers
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from PIL import Image
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from pipelines import control_images, loading, preview, references
from pipelines.catalog import ModelSpec
from pipelines.encodings import Recent, Words, picture_key
from pipelines.errors import GenerationFailed
from pipelines.events import ControlImage, Event, Notice
from pipelines.families.base import LoadSettings, OnStep, RoleImage
from pipelines.families.stable_diffusion import Options
from pipelines.planning import Plan
from pipelines.request import ControlKind, Mode, Role

Emit = Callable[[Event], None]
Arguments = dict[str, Any]


class Stock(NamedTuple):
    """A pipeline of diffusers and the listener on its scheduler."""

    pipeline: Any
    guess: preview.CleanGuess


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> StableDiffusion:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        return StableDiffusion(spec, options, settings)


class StableDiffusion:
    """See `pipelines.families.base.LoadedModel`."""

    def __init__(self, spec: ModelSpec, options: Options, settings: LoadSettings) -> None:
        self._options = options
        self._settings = settings
        self.modes = settings.modes
        base = loading.load_pipeline(
            StableDiffusionPipeline, spec, settings, safety_checker=None, requires_safety_checker=False,
            feature_extractor=None, image_encoder=None,
        )  # fmt: skip
        self._components = base.components
        if not settings.offload:
            base.to(settings.device)
        self.vae = base.vae
        self.edit_unet = base.unet
        self.unet = _plain(base.unet, self.vae.config.latent_channels)
        self._words = Words(base.tokenizer, base.text_encoder, settings.device)
        self._colours = preview.read(settings.folder, self.vae.config.latent_channels)
        self._load_controlnets(spec)
        self._load_adapters(spec)
        self._stock: dict[tuple[str, int, int], Stock] = {}
        self.fingerprint = (
            loading.fingerprint(settings.folder) if settings.folder else loading.hub_commit(spec)
        )

    def prepare(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> Call:
        """Encode words and references. Emits notices and control images."""
        stock, arguments = self._ROUTES[plan.mode](self, plan, images, emit)
        arguments |= self._encode_words(plan, emit)
        arguments |= {
            "guidance_scale": plan.guidance_scale,
            "num_inference_steps": plan.steps,
            "output_type": "latent",
        }
        return Call(self, stock, arguments)

    def colours(self) -> preview.LatentColours:
        """How latents look; measured on first use where the model's folder does not say."""
        if self._colours is None:
            self._colours = preview.measure(self.vae)
        return self._colours

    def stock(self, name: str, unet: Any, controlnet: Any = None) -> Stock:
        """The pipeline of diffusers class `name`, made once."""
        key = (name, id(unet), id(controlnet))
        if key not in self._stock:
            pipeline = self._make_pipeline(name, unet, controlnet)
            self._stock[key] = Stock(pipeline, preview.CleanGuess(pipeline.scheduler))
        return self._stock[key]

    def _make_pipeline(self, name: str, unet: Any, controlnet: Any) -> Any:
        parts = {
            **self._components,
            "unet": unet,
            "scheduler": loading.copy_scheduler(self._components["scheduler"]),
            "requires_safety_checker": False,
        }
        if controlnet is not None:
            parts["controlnet"] = controlnet
        if unet is self._adapted:
            parts |= {"image_encoder": self._image_encoder, "feature_extractor": self._feature_extractor}
        pipeline = getattr(diffusers, name)(**parts)
        pipeline.set_progress_bar_config(disable=True)
        if self._settings.offload:
            pipeline.enable_model_cpu_offload(device=self._settings.device)
        return pipeline

    # --- one method per mode: the pipeline and the arguments only this mode has ---------------
    def _text_to_image(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        return self.stock(plan.pipeline, self.unet), {"width": plan.width, "height": plan.height}

    def _smart_edit(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        arguments = {
            "image": _fitted(_only(images, Role.SOURCE), plan, emit),
            "image_guidance_scale": self._options.image_guidance_scale,
        }
        return self.stock(plan.pipeline, self.edit_unet), arguments

    def _img2img(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        source = _fitted(_only(images, Role.SOURCE), plan, emit)
        return self.stock(plan.pipeline, self.unet), {"image": source, "strength": plan.strength}

    def _references(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        stock = self.stock(plan.pipeline, self._adapted)
        self._hang_in(stock.pipeline, tuple(image.role for image in images))
        stock.pipeline.set_ip_adapter_scale(self._scales(images))
        embeds = [
            self._encode_picture(stock.pipeline, image, plan.guidance_scale > 1, emit) for image in images
        ]
        arguments = {"ip_adapter_image_embeds": embeds, "width": plan.width, "height": plan.height}
        return stock, arguments

    def _controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        assert plan.control is not None
        structure = _fitted(_only(images, Role.STRUCTURE), plan, emit)
        lines = control_images.make(plan.control.kind, structure)
        emit(ControlImage(control_images.as_png(lines), plan.control.kind.value))
        if lines.getextrema() == ((0, 0),) * 3:
            emit(Notice("The structure reference shows no edges, so it can't guide the picture."))
        stock = self.stock(plan.pipeline, self.unet, self.controlnets[plan.control.kind])
        arguments = {
            "width": plan.width,
            "height": plan.height,
            "controlnet_conditioning_scale": plan.control.weight,
            "control_guidance_start": plan.control.start,
            "control_guidance_end": plan.control.end,
        }
        if plan.strength is None:
            return stock, {**arguments, "image": lines}
        source = _fitted(_only(images, Role.SOURCE), plan, emit)
        return stock, {**arguments, "image": source, "control_image": lines, "strength": plan.strength}

    _ROUTES = {  # noqa: RUF012 - a constant table
        Mode.TEXT_TO_IMAGE: _text_to_image,
        Mode.SMART_EDIT: _smart_edit,
        Mode.IMG2IMG: _img2img,
        Mode.CHARACTER_REFERENCE: _references,
        Mode.STYLE_REFERENCE: _references,
        Mode.CONTROLNET: _controlnet,
    }

    # --- words ---------------------------------------------------------------------------------
    def _encode_words(self, plan: Plan, emit: Emit) -> Arguments:
        guided = plan.guidance_scale > 1
        texts = (plan.prompt, plan.negative_prompt) if guided else (plan.prompt,)
        for text in texts:
            if notice := self._words.notice(text):
                emit(Notice(notice))
        encoded = [self._words.encode(text) for text in texts]
        return dict(zip(("prompt_embeds", "negative_prompt_embeds"), encoded, strict=False))

    # --- ControlNet ----------------------------------------------------------------------------
    def _load_controlnets(self, spec: ModelSpec) -> None:
        """One network per location: two kinds of edges may share one."""
        loaded: dict[str, Any] = {}
        self.controlnets: dict[ControlKind, Any] = {}
        if Mode.CONTROLNET not in self.modes:
            return
        for kind, location in self._options.controlnets.items():
            if location not in loaded:
                network = loading.load_part(
                    ControlNetModel, location, spec, self._settings,
                    dtype=self._settings.dtype, use_safetensors=True,
                )  # fmt: skip
                loaded[location] = self._placed(network)
            self.controlnets[kind] = loaded[location]

    # --- IP-Adapter ----------------------------------------------------------------------------
    def _load_adapters(self, spec: ModelSpec) -> None:
        self._adapters: dict[Role, Any] = {}
        self._hung_in: tuple[Role, ...] = ()
        self._pictures: Recent[tuple[torch.Tensor, torch.Tensor]] = Recent(32)
        self._adapted: Any = None
        encoder = self._options.image_encoder
        if encoder is None or not self.modes & {Mode.CHARACTER_REFERENCE, Mode.STYLE_REFERENCE}:
            return
        settings = self._settings
        network = loading.load_part(
            CLIPVisionModelWithProjection, encoder, spec, settings, dtype=settings.dtype, use_safetensors=True
        )
        self._image_encoder = self._placed(network)
        self._feature_extractor = self._load_feature_extractor(spec)
        for role, location in self._options.ip_adapters.items():
            self._adapters[role] = _adapter_state(loading.load_tensors(location, spec, settings))
        self._adapted = loading.sibling_unet(self.unet)

    def _load_feature_extractor(self, spec: ModelSpec) -> Any:
        """The model's own, or CLIP's usual one at the size the encoder reads."""
        if self._options.feature_extractor is not None:
            return loading.load_part(
                CLIPImageProcessor, self._options.feature_extractor, spec, self._settings
            )
        side = self._image_encoder.config.image_size
        return CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})

    def _hang_in(self, pipeline: Any, roles: tuple[Role, ...]) -> None:
        """One adapter slot per reference, in order, so that each has a weight of its own."""
        if roles == self._hung_in:
            return
        states = [self._adapters[role] for role in roles]
        pipeline.load_ip_adapter(
            states, subfolder="", weight_name=[""] * len(states), image_encoder_folder=None
        )
        self._hung_in = roles

    def _scales(self, images: Sequence[RoleImage]) -> list[float]:
        """A scale per reference; the references of one role share the strength of their strongest."""
        return [
            self._options.ip_scales.get(image.role, 1.0) * _share(image, images)  # pyright: ignore[reportArgumentType, reportCallIssue]
            for image in images
        ]

    def _encode_picture(self, pipeline: Any, image: RoleImage, guided: bool, emit: Emit) -> torch.Tensor:
        """Shape (2 or 1, 1, ...): without the picture (where guided), then with it."""
        if notice := references.square_notice(image.image, image.number):
            emit(Notice(notice))
        whole = "latents" in self._adapters[image.role]["image_proj"]

        def encode() -> tuple[torch.Tensor, torch.Tensor]:
            with torch.no_grad():
                return pipeline.encode_image(image.image, self._settings.device, 1, whole)

        positive, negative = self._pictures.get((picture_key(image.image), whole), encode)
        return torch.stack([negative, positive] if guided else [positive])

    def _placed(self, network: Any) -> Any:
        network.requires_grad_(False).eval()
        return network if self._settings.offload else network.to(self._settings.device)


class Call:
    """See `pipelines.families.base.Call`."""

    def __init__(self, model: StableDiffusion, stock: Stock, arguments: Arguments) -> None:
        self._model = model
        self._pipeline, self._guess = stock
        self._arguments = arguments

    @property
    def arguments(self) -> Arguments:
        """What the pipeline is called with, but for noise and callback."""
        return dict(self._arguments)

    def denoise(self, seed: int, on_step: OnStep) -> torch.Tensor:
        """Latents (1, channels, h, w) of one picture."""

        def callback(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            on_step(step, pipeline.num_timesteps, _first(self._guess.latest, tensors["latents"]))
            return {}

        generator = [torch.Generator("cpu").manual_seed(seed)]
        try:
            result = self._pipeline(
                **self._arguments, generator=generator, callback_on_step_end=callback, return_dict=False
            )
        finally:
            # A raise out of the callback skips diffusers' own clean-up and would leave hooks behind.
            self._pipeline.maybe_free_model_hooks()
        return result[0]

    def decode(self, latents: torch.Tensor) -> Image.Image:
        """The RGB picture of `latents`. Raises GenerationFailed where the numbers are not finite."""
        vae = self._model.vae
        with torch.no_grad():
            pixels = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
        if not torch.isfinite(pixels).all():
            raise GenerationFailed(
                "The model's numbers ran over and no picture came out. Try a lower guidance."
            )
        return self._pipeline.image_processor.postprocess(pixels.float(), output_type="pil")[0]

    def preview(self, latents: torch.Tensor) -> bytes:
        """A small JPEG of `latents`, made without the full decoder."""
        return self._model.colours().jpeg(latents, self._pipeline.vae_scale_factor)


def _plain(unet: Any, latent_channels: int) -> Any:
    """The UNet that reads noise alone: an edit network without its source channels, or `unet` itself."""
    if unet.config.in_channels == latent_channels:
        return unet
    return loading.sibling_unet(unet, latent_channels)


def _adapter_state(tensors: dict[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """The two groups of an IP-Adapter file, as diffusers takes them."""
    groups: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, tensor in tensors.items():
        group, name = key.split(".", 1)
        groups[group][name] = tensor
    return groups


def _only(images: Sequence[RoleImage], role: Role) -> RoleImage:
    return next(image for image in images if image.role is role)


def _fitted(image: RoleImage, plan: Plan, emit: Emit) -> Image.Image:
    fitted, notice = references.fit(image.image, plan.width, plan.height, image.number)
    if notice:
        emit(Notice(notice))
    return fitted


def _share(image: RoleImage, images: Sequence[RoleImage]) -> float:
    weights = [other.weight for other in images if other.role is image.role]
    return image.weight * max(weights) / sum(weights) if sum(weights) else 0.0


def _first(guess: torch.Tensor | None, latents: torch.Tensor) -> torch.Tensor:
    return latents if guess is None else guess
