"""A Stable Diffusion model in memory: one set of weights, a stock diffusers pipeline for each mode.

The IP-Adapter lives in a UNet module of its own (with the same tensors), because it would change every
pipeline it is loaded in. An edit checkpoint's UNet makes pictures from noise alone without its source
channels. Stable Diffusion XL builds on this.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

from pipelines.events import Notice
from pipelines.families.options import ADAPTED
from pipelines.families.stable_diffusion import Options
from pipelines.planning.plan import Plan
from pipelines.request import Mode, Role
from pipelines.running import loading, references
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.encodings import ClipPrompts
from pipelines.running.families import image_encoders
from pipelines.running.families.call import Arguments, Stock, accepts
from pipelines.running.families.guidance_spans import GuidanceSpan
from pipelines.running.families.role_images import fitted, only, share
from pipelines.running.families.stock import StockModel, ignore
from pipelines.running.single_file_parts import adapter_state, load_controlnet, read
from pipelines.running.source_pixels import SourceCompositor, UnchangedCompositor
from pipelines.running.weighing import PromptWeighter, weighed
from pipelines.spec import ModelSpec


def load(spec: ModelSpec, options: Options, settings: LoadSettings) -> StableDiffusion:
    """Read all parts the entry names. Raises ModelUnavailable."""
    with loading.explained(spec, settings):
        return StableDiffusion(spec, options, settings)


class StableDiffusion(StockModel):
    """See `pipelines.running.contract.LoadedModel`."""

    pipeline_class: ClassVar[Any] = StableDiffusionPipeline
    controlnet_class: ClassVar[Any] = ControlNetModel
    absent: ClassVar[Arguments] = {
        "safety_checker": None,
        "requires_safety_checker": False,
        "feature_extractor": None,
        "image_encoder": None,
    }
    """Parts that are left out of the pipelines."""

    def __init__(self, spec: ModelSpec, options: Options, settings: LoadSettings) -> None:
        given = dict(self.absent)
        if options.vae is not None:
            given["vae"] = loading.load_part(
                self.vae_class(), options.vae, spec, settings, dtype=settings.dtype, use_safetensors=True
            )
        base = loading.load_pipeline(self.pipeline_class, spec, settings, **given)
        super().__init__(spec, options, settings, base)
        self.options = options
        self.edit_unet = base.unet
        self.unet = self._plain(base.unet)
        self._inpaint_unet = self._four_channels(self.unet)
        self._words = ClipPrompts(base.tokenizer, base.text_encoder, settings.device)
        self.controlnets = self.load_controlnets(spec, options, self.controlnet_class)
        self._load_adapters(spec)

    def _plain(self, unet: Any) -> Any:
        """The UNet that reads noise alone: an edit network without its source channels, or `unet` itself."""
        channels = self.vae.config.latent_channels
        return unet if unet.config.in_channels in (channels, 9) else self.twin(unet, channels)

    def _four_channels(self, unet: Any) -> Any:
        """`unet`, or a twin that says it reads four channels: diffusers' inpainting refuses other numbers.

        Nothing but that check depends on the number; sources are blended in whatever latents there are.
        """
        if unet.config.in_channels in (4, 9):
            return unet
        twin = self.twin(unet)
        twin.register_to_config(in_channels=4)
        return twin

    @staticmethod
    def vae_class() -> Any:
        """The autoencoder an entry may name instead of the model's own."""
        from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

        return AutoencoderKL

    # --- modes that this family does in its own way ----------------------------------------------
    def text_to_image(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """From words alone."""
        return self.stock(plan.pipeline, unet=self.unet), {}

    def edit(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Words change the source; other references act through IP-Adapters."""
        if plan.mode is not Mode.SMART_EDIT:
            return self._adapted_call(plan, images, emit)
        arguments = {
            "image": fitted(only(images, Role.SOURCE), plan, emit),
            "image_guidance_scale": self.options.image_guidance_scale,
        }
        return self.stock(plan.pipeline, unet=self.edit_unet), arguments

    def img2img(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """From the source, as far as strength lets it change; other pictures say who it is."""
        source = fitted(only(images, Role.SOURCE), plan, emit)
        given = {"image": source, "strength": plan.strength}
        persons = [image for image in images if image.role is Role.CHARACTER]
        if persons and self._adapters:
            stock, seen = self._adapted_call(plan, persons, emit)
            return stock, {**seen, **given}
        if persons:
            emit(Notice("The other reference is not used: the model's IP-Adapter is not on this machine."))
        return self.stock(plan.pipeline, unet=self.unet), given

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1] → latents (1, channels, h, w)."""
        return self.vae.encode(pixels).latent_dist.mode() * self.vae.config.scaling_factor

    def inpaint(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """The source, changed only where the mask is white."""
        return self.stock(plan.pipeline, unet=self._inpaint_unet), self.masked(plan, images, emit)

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Along the outlines of the structure reference, from noise or from a source."""
        assert plan.control is not None
        lines = self.lines(plan, images, emit)
        stock = self.stock(plan.pipeline, unet=self.unet, controlnet=self.lines_network(plan))
        arguments = self.control_strength(plan)
        if plan.strength is None:
            return stock, {**arguments, "image": lines}
        source = fitted(only(images, Role.SOURCE), plan, emit)
        return stock, {**arguments, "image": source, "control_image": lines, "strength": plan.strength}

    def lines_network(self, plan: Plan) -> Any:
        """The plan's ControlNet, made for the plain UNet where it is one of the models folder."""
        return self.network(plan, lambda path: load_controlnet(path, self.unet))

    def compositor(self, plan: Plan, images: Sequence[RoleImage]) -> SourceCompositor | None:
        """What a mask covers; in edits what hardly changed, where the entry says so."""
        if plan.mode is not Mode.SMART_EDIT or not self.options.keep_unchanged:
            return super().compositor(plan, images)
        source = fitted(only(images, Role.SOURCE), plan, ignore)
        return UnchangedCompositor(source, self.seen(source))

    # --- guidance and words ----------------------------------------------------------------------
    def guidance(self, plan: Plan, stock: Stock) -> Arguments:
        """Guidance, and how far contrast is kept under it, where the entry says so and the pipeline can."""
        arguments = super().guidance(plan, stock)
        if self.options.guidance_rescale and accepts(stock.pipeline, "guidance_rescale"):
            arguments["guidance_rescale"] = self.options.guidance_rescale
        return arguments

    def guidance_span(self, plan: Plan) -> GuidanceSpan | None:
        """As the entry says, in pictures from noise: one from a source may begin below it."""
        from_noise = plan.strength is None and plan.mode is not Mode.SMART_EDIT
        above = self.options.guidance_above
        return GuidanceSpan(above) if above and from_noise and plan.route.step_callback else None

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """Prompt embeddings; the negative ones only where guidance uses them."""
        guided = plan.guidance_scale > 1
        texts = (plan.composed_prompt, plan.negative_prompt) if guided else (plan.composed_prompt,)
        names = ("prompt_embeds", "negative_prompt_embeds")
        if plan.weighed:
            weigher = self.weigher(stock.pipeline.tokenizer, stock.pipeline.text_encoder)
            tell_cut(weigher, texts, emit)
            return dict(zip(names, weighed(weigher, texts), strict=False))
        tell_cut(self._words, texts, emit)
        encoded = [self._words.encode(text) for text in texts]
        return dict(zip(names, encoded, strict=False))

    def weigher(self, tokenizer: Any, encoder: Any, *, penultimate: bool = False) -> PromptWeighter:
        """What weighs words for one of the model's encoders."""
        return PromptWeighter(tokenizer, encoder, self.settings.device, penultimate=penultimate)

    # --- IP-Adapter ----------------------------------------------------------------------------
    def _load_adapters(self, spec: ModelSpec) -> None:
        self._adapters: dict[Role, Any] = {}
        self._attached: tuple[list[Role], list[Any]] = [], []
        self._adapted: Any = None
        if self.options.image_encoder is None or not self.modes & {*ADAPTED}:
            return
        self._image_encoder = image_encoders.own(self, spec, self.options)
        for role, location in self.options.ip_adapters.items():
            self._adapters[role] = adapter_state(loading.load_tensors(location, spec, self.settings))
        self._adapted = self.twin(self.unet)

    def _adapted_call(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        other = image_encoders.brought(self, plan)
        looking = {plan.route.roles[0]: self._with_encoder(plan, other)} if other else {}
        stock = self._with_encoder(plan, self._image_encoder)
        adapters = {**self._adapters, **self._brought_adapter(plan, other or self._image_encoder)}
        self._attach_adapters(stock.pipeline, [(image.role, adapters[image.role]) for image in images])
        stock.pipeline.set_ip_adapter_scale(self.scales(images))
        guided = plan.guidance_scale > 1
        embeds = [
            self._encode_picture(
                looking.get(image.role, stock), image, _reads_whole(adapters[image.role]), guided, emit
            )
            for image in images
        ]
        return stock, {"ip_adapter_image_embeds": embeds}

    def _with_encoder(self, plan: Plan, encoder: Arguments) -> Stock:
        """The pipeline that looks at pictures through `encoder`."""
        return self.stock(plan.pipeline, unet=self._adapted, **encoder)

    def _brought_adapter(self, plan: Plan, encoder: Arguments) -> dict[Role, Any]:
        """The IP-Adapter of the models folder that acts for the mode's own role, if the plan names one."""
        if plan.ip_adapter is None:
            return {}
        path = plan.files[plan.ip_adapter]
        state = self.brought.get(
            "IP-Adapter", path, "ip_adapter", lambda: self._fitting_adapter(path, encoder)
        )
        return {plan.route.roles[0]: state}

    def _fitting_adapter(self, path: Path, encoder: Arguments) -> Any:
        """An IP-Adapter file's tensors. Raises ValueError for one made for another image encoder."""
        state = adapter_state(read(path))
        config, words = encoder["image_encoder"].config, self.unet.config.cross_attention_dim
        name, width = (
            ("proj_in", config.hidden_size) if _reads_whole(state) else ("proj", config.projection_dim)
        )
        if state["image_proj"][f"{name}.weight"].shape[1] != width:
            raise ValueError(f"it reads pictures from an encoder of another width than {width}")
        if any(
            t.shape[1] != words for key, t in state["ip_adapter"].items() if key.endswith("to_k_ip.weight")
        ):
            raise ValueError(f"it speaks beside words of another width than {words}")
        return state

    def _attach_adapters(self, pipeline: Any, adapters: Sequence[tuple[Role, Any]]) -> None:
        """One adapter slot per reference, in order, so that each has a weight of its own."""
        states = [state for _, state in adapters]
        roles = [role for role, _ in adapters]
        before, attached = self._attached
        if roles == before and all(one is other for one, other in zip(states, attached, strict=True)):
            return
        self._attached = [], []
        pipeline.load_ip_adapter(
            states, subfolder="", weight_name=[""] * len(states), image_encoder_folder=None
        )
        self._attached = roles, states

    def scales(self, images: Sequence[RoleImage]) -> list[Any]:
        """A scale per reference; the references of one role share the strength of their strongest."""
        scales = {Role(role): scale for role, scale in self.options.ip_scales.items()}
        return [scales.get(image.role, 1.0) * share(image, images) for image in images]

    def _encode_picture(
        self, looking: Stock, image: RoleImage, whole: bool, guided: bool, emit: Emit
    ) -> torch.Tensor:
        """Shape (2 or 1, 1, ...): without the picture (where guided), then with it."""
        if notice := references.square_notice(image.image, image.number):
            emit(Notice(notice))
        with torch.no_grad():
            positive, negative = looking.pipeline.encode_image(image.image, self.settings.device, 1, whole)
        return torch.stack([negative, positive] if guided else [positive])


def tell_cut(words: ClipPrompts | PromptWeighter, texts: Sequence[str], emit: Emit) -> None:
    """Say which words do not fit the model."""
    for text in texts:
        if notice := words.notice(text):
            emit(Notice(notice))


def _reads_whole(adapter: Any) -> bool:
    """Whether an IP-Adapter looks at all of a picture's patches ("plus"), or at one summary of it."""
    return "latents" in adapter["image_proj"]
