"""What every family shares once loaded: one set of components, a stock diffusers pipeline for each class.

A family's model says how words are encoded and how its latents become pixels, and changes the modes it
does in its own way. All pipelines share their components; each has a scheduler of its own, because
schedulers remember the run they are in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from pipelines.events import ControlImage, Event, Notice, TileProgress
from pipelines.families.options import ControlOptions, StockOptions
from pipelines.planning.plan import Plan
from pipelines.request import REFINEMENTS, ControlKind, Mode, Role
from pipelines.running import control_images, finishing, loading, placement, preview, recalling
from pipelines.running.contract import Emit, LoadSettings, RoleImage
from pipelines.running.families.call import Arguments, DiffusersCall, Stock, accepts
from pipelines.running.families.guidance_spans import GuidanceSpan
from pipelines.running.families.role_images import fitted, only
from pipelines.running.loras import ActiveLora, Loras
from pipelines.running.single_file_parts import SingleFileParts, load_vae
from pipelines.running.soft_masks import SoftMask
from pipelines.running.source_pixels import MaskCompositor, SourceCompositor
from pipelines.spec import ModelSpec

RECOMPILED = "A LoRA changes the model, so what was warmed up is compiled again; this picture waits for it."


class StockModel:
    """See `pipelines.running.contract.LoadedModel`. `base`: a pipeline with all parts the modes share."""

    def __init__(self, spec: ModelSpec, options: StockOptions, settings: LoadSettings, base: Any) -> None:
        self.modes = settings.modes
        self.fingerprint = loading.identity(spec, settings)
        self.settings = settings
        self._options = options
        self._fuse_loras(spec, base)
        placement.settle(base, settings)
        self.components: dict[str, Any] = base.components
        recalling.remember_networks(self.components.values(), settings.remembered)
        self.components["scheduler"] = _chosen_scheduler(options, base.scheduler)
        self.scheduler = type(self.components["scheduler"]).__name__
        self.vae = self._own_vae = base.vae
        self._loras = Loras(spec.label, settings)
        self._configured = {key: value for key, value in base.config.items() if not key.startswith("_")}
        self._colours = preview.read(settings.folder, self.latent_channels)
        self._stock: dict[tuple[Any, ...], Stock] = {}
        self.brought = SingleFileParts(spec.label, self._forget)
        networks = options.controlnets if isinstance(options, ControlOptions) else {}
        self.network_files = {kind: Path(at) for kind, at in networks.items() if Path(at).is_absolute()}
        self.controlnets: dict[ControlKind, Any] = {}

    # --- what a family says --------------------------------------------------------------------
    @property
    def latent_channels(self) -> int:
        """Channels of `spatial` latents."""
        return self.vae.config.latent_channels

    def words(
        self, plan: Plan, stock: Stock, images: Sequence[RoleImage], arguments: Arguments, emit: Emit
    ) -> Arguments:
        """The encoded prompt as arguments; `arguments`: what is known of the call so far."""
        raise NotImplementedError

    def spatial(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """Latents as a step leaves them → (n, channels, h, w), as `pixels` takes them."""
        return latents

    def spread(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """Latents as a step leaves them → (n, channels, h, w), as noise is added to them."""
        return self.spatial(latents, plan)

    def packed(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """`spread`, the other way round."""
        return latents

    def encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1] → latents (1, channels, h, w) as `spread` has them."""
        raise NotImplementedError

    def shifted_latents(self, pixels: torch.Tensor) -> torch.Tensor:
        """`encoded` of autoencoders whose latents are scaled and shifted."""
        config = self.vae.config
        return (self.vae.encode(pixels).latent_dist.mode() - config.shift_factor) * config.scaling_factor

    def finished(self, latents: torch.Tensor, plan: Plan) -> torch.Tensor:
        """Latents as the pipeline returns them → (n, channels, h, w)."""
        return self.spatial(latents, plan)

    def pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) → (n, 3, H, W) in [-1, 1]."""
        scaled = latents.to(self.vae.dtype) / self.vae.config.scaling_factor
        return self.vae.decode(scaled, return_dict=False)[0]

    def shifted_pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """`pixels` of autoencoders whose latents are scaled and shifted."""
        config = self.vae.config
        scaled = latents.to(self.vae.dtype) / config.scaling_factor + config.shift_factor
        return self.vae.decode(scaled, return_dict=False)[0]

    # --- the call ------------------------------------------------------------------------------
    def prepare(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> DiffusersCall:
        """Encode words and references. Emits notices and control images."""
        self._use_vae(plan)
        shown = [image for image in images if image.role is not Role.MASK or plan.route.mask_arg]
        stock, arguments = self._by_mode()[plan.mode](plan, shown, emit)
        self._apply_loras(plan, stock.pipeline, emit)
        if accepts(stock.pipeline, "width"):
            arguments |= {"width": plan.width, "height": plan.height}
        arguments |= self.guidance(plan, stock)
        arguments |= self.words(plan, stock, shown, arguments, emit)
        arguments |= {"num_inference_steps": plan.steps, "output_type": "latent"}
        soft = self.soft_mask(plan, images)
        finish = self._finish(plan, images, emit, gradual=soft is not None)
        return DiffusersCall(self, stock, plan, arguments, finish, soft, self.guidance_span(plan))

    def soft_mask(self, plan: Plan, images: Sequence[RoleImage]) -> SoftMask | None:
        """What holds back the parts of a source painted over that its mask frees late; None without one."""
        masked = any(image.role is Role.MASK for image in images)
        if plan.mode is not Mode.IMG2IMG or not masked or not plan.route.step_callback:
            return None
        place = finishing.canvas(plan, images)
        assert place.mask is not None
        seen: Any = VaeImageProcessor().preprocess(place.view(place.source))  # type: ignore[no-untyped-call]
        with torch.no_grad():
            clean = self.encoded(seen.to(self.settings.device, self.vae.dtype))
        spread, packed = partial(self.spread, plan=plan), partial(self.packed, plan=plan)
        return SoftMask(clean.to(self.settings.dtype), place.view(place.mask), spread, packed)

    def guidance(self, plan: Plan, stock: Stock) -> Arguments:
        """How firmly the words are followed, as arguments."""
        return {plan.route.guidance_arg: plan.guidance_scale} if plan.route.guidance_arg else {}

    def guidance_span(self, plan: Plan) -> GuidanceSpan | None:
        """The part of the steps in which guidance acts; None for all of them."""
        return None

    def _apply_loras(self, plan: Plan, pipeline: Any, emit: Emit) -> None:
        """Only the plan's LoRAs act, in the networks of the pipeline that is about to run."""
        wanted = [ActiveLora(plan.files[lora.id], lora.weight) for lora in plan.loras]
        if self._loras.apply(pipeline, wanted):
            emit(Notice(RECOMPILED))

    def stock(self, name: str, **parts: Any) -> Stock:
        """The pipeline of diffusers class `name` with the shared components and `parts`, made once."""
        key = (name, id(self.vae), *sorted((part, id(value)) for part, value in parts.items()))
        if key not in self._stock:
            pipeline = self._make_pipeline(name, parts)
            self._stock[key] = Stock(pipeline, preview.CleanGuess(pipeline.scheduler))
        return self._stock[key]

    def _use_vae(self, plan: Plan) -> None:
        """Encode and decode with the plan's VAE: one of the models folder, or the model's own."""
        vae = self._own_vae
        if plan.vae is not None:
            path = plan.files[plan.vae]
            vae = self.brought.get("VAE", path, "vae", lambda: self.placed(load_vae(path, self._own_vae)))
        if vae is not self.vae:
            self.vae = self.components["vae"] = vae
            self._colours = preview.read(self.settings.folder, self.latent_channels) if not plan.vae else None

    def _forget(self, part: Any) -> None:
        """Let go of every pipeline that holds `part`."""
        for key, stock in [*self._stock.items()]:
            if any(part is component for component in stock.pipeline.components.values()):
                del self._stock[key]

    def colours(self) -> preview.LatentColours:
        """How latents look; measured on first use where the model's folder does not say."""
        if self._colours is None:
            vae = self.vae
            self._colours = preview.measure(
                lambda latents: self.pixels(latents.to(vae.device, vae.dtype)), self.latent_channels
            )
        return self._colours

    def twin(self, unet: Any, in_channels: int | None = None) -> Any:
        """Another UNet module with the same tensors, kept as the plan keeps the model."""
        return placement.mirror_hooks(loading.sibling_unet(unet, in_channels), self.settings)

    def placed(self, network: Any) -> Any:
        """A further network, ready to run where the model runs."""
        return recalling.remember(placement.place(network, self.settings), self.settings.remembered)

    def _make_pipeline(self, name: str, parts: Arguments) -> Any:
        cls = self.class_named(name)
        given = {
            **self._configured,
            **self.components,
            "scheduler": loading.copy_scheduler(self.components["scheduler"]),
            **parts,
        }
        known = inspect.signature(cls.__init__).parameters
        pipeline = cls(**{key: value for key, value in given.items() if key in known})
        pipeline.set_progress_bar_config(disable=True)
        placement.enable_offload(pipeline, self.settings)
        recalling.remember_readings(pipeline, self.settings.remembered)
        return pipeline

    def class_named(self, name: str) -> Any:
        """The class of pipelines called `name`."""
        return getattr(diffusers, name)

    def load_controlnets(
        self, spec: ModelSpec, options: ControlOptions, cls: Any, config: Mapping[str, object] | None = None
    ) -> dict[ControlKind, Any]:
        """One network per location: two kinds of edges may share one. `config`: shape of a single file's."""
        loaded: dict[str, Any] = {}
        named = options.controlnets.items() if Mode.CONTROLNET in self.modes else ()
        own = {kind: at for kind, at in named if kind not in self.network_files}
        for location in own.values():
            if location not in loaded:
                loaded[location] = self.placed(self._controlnet(spec, cls, location, config))
        return {kind: loaded[location] for kind, location in own.items()}

    def network(self, plan: Plan, load: Callable[[Path], Any]) -> Any:
        """The plan's ControlNet: one of the models folder as `load` makes it, or the model's own."""
        assert plan.control is not None
        if plan.control.network is None and plan.control.kind in self.controlnets:
            return self.controlnets[plan.control.kind]
        named = plan.control.network
        path = plan.files[named] if named else self.network_files[plan.control.kind]
        return self.brought.get("ControlNet", path, "control", lambda: self.placed(load(path)))

    def _controlnet(
        self, spec: ModelSpec, cls: Any, location: str, config: Mapping[str, object] | None
    ) -> Any:
        settings = self.settings
        if not location.endswith(".safetensors"):
            return loading.load_part(
                cls, location, spec, settings, dtype=settings.dtype, use_safetensors=True
            )
        network = cls(**(config or {}))
        network.load_state_dict(loading.load_tensors(location, spec, settings))
        return network.to(settings.dtype)

    def _fuse_loras(self, spec: ModelSpec, base: Any) -> None:
        """Add the entry's LoRAs to the weights for good: they are part of what the entry is."""
        for location, weight in self._options.loras.items():
            base.load_lora_weights(loading.load_tensors(location, spec, self.settings))
            base.fuse_lora(lora_scale=weight)
            base.unload_lora_weights()

    # --- one method per mode: the pipeline and the arguments only this mode has ----------------
    def _by_mode(self) -> dict[Mode, Callable[[Plan, Sequence[RoleImage], Emit], tuple[Stock, Arguments]]]:
        return {
            Mode.TEXT_TO_IMAGE: self.text_to_image,
            Mode.SMART_EDIT: self.edit,
            Mode.IMG2IMG: self.img2img,
            Mode.CHARACTER_REFERENCE: self.edit,
            Mode.STYLE_REFERENCE: self.edit,
            Mode.CONTROLNET: self.controlnet,
            Mode.INPAINT: self.inpaint,
        }

    def text_to_image(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """From words alone."""
        return self.stock(plan.pipeline), {}

    def edit(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Models that look at whole pictures: all references, in the artist's order."""
        assert plan.route.reference_arg is not None
        return self.stock(plan.pipeline), {plan.route.reference_arg: [image.image for image in images]}

    def img2img(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """From the source, as far as strength lets it change."""
        source = fitted(only(images, Role.SOURCE), plan, emit)
        return self.stock(plan.pipeline), {"image": source, "strength": plan.strength}

    def inpaint(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """The source, changed only where the mask is white."""
        return self.stock(plan.pipeline), self.masked(plan, images, emit)

    def controlnet(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> tuple[Stock, Arguments]:
        """Along the outlines of the structure reference."""
        raise NotImplementedError

    def _finish(
        self, plan: Plan, images: Sequence[RoleImage], emit: Emit, *, gradual: bool = False
    ) -> finishing.Finisher:
        """What makes the finished picture of the model's. `gradual`: greys of its mask were drawn as such."""
        if plan.mode in REFINEMENTS and plan.result_size is not None:
            place = finishing.canvas(plan, images)
            return finishing.finisher(
                plan, place, self.seen, lambda at, of: emit(TileProgress(at, of)), gradual=gradual
            )
        compositor = self.compositor(plan, images)
        return finishing.under(compositor) if compositor else finishing.alone

    def seen(self, picture: Image.Image) -> Image.Image:
        """An RGB picture of a size the model makes, as the autoencoder gives it back."""
        processor: Any = VaeImageProcessor()

        def look() -> Image.Image:
            with torch.no_grad():
                pixels = processor.preprocess(picture).to(self.settings.device, self.vae.dtype)
                return processor.postprocess(self.given_back(pixels).float(), output_type="pil")[0]

        return recalling.recalled(self.settings.remembered, "seen", (self.vae,), picture, look)

    def given_back(self, pixels: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) in [-1, 1], encoded and decoded."""
        return self.vae.decode(self.vae.encode(pixels).latent_dist.mode(), return_dict=False)[0]

    def compositor(self, plan: Plan, images: Sequence[RoleImage]) -> SourceCompositor | None:
        """What stays of a source; None where nothing has to."""
        if plan.route.mask_arg is None:
            return None
        source, mask = (fitted(only(images, role), plan, ignore) for role in (Role.SOURCE, Role.MASK))
        return MaskCompositor(source, mask.convert("L"))

    # --- pieces of those -----------------------------------------------------------------------
    def masked(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> Arguments:
        """Source, mask and strength of an inpaint call."""
        assert plan.route.mask_arg is not None
        if plan.result_size is None:
            source = fitted(only(images, Role.SOURCE), plan, emit)
            mask = fitted(only(images, Role.MASK), plan, emit).convert("L")
        else:
            place = finishing.canvas(plan, images)
            assert place.mask is not None
            source, mask = place.view(place.source), place.view(place.mask)
        return {"image": source, plan.route.mask_arg: mask, "strength": plan.strength}

    def lines(self, plan: Plan, images: Sequence[RoleImage], emit: Emit) -> Image.Image:
        """The control image of the structure reference, shown to the artist."""
        assert plan.control is not None
        structure = fitted(only(images, Role.STRUCTURE), plan, emit)
        lines = self._drawn(plan.control.kind, structure)
        emit(ControlImage(control_images.as_png(lines), plan.control.kind.value))
        if lines.getextrema() == ((0, 0),) * 3:
            emit(Notice("The structure reference shows no edges, so it can't guide the picture."))
        return lines

    def _drawn(self, kind: ControlKind, structure: Image.Image) -> Image.Image:
        def draw() -> Image.Image:
            return control_images.make(kind, structure)

        return recalling.recalled(self.settings.remembered, "lines", (), (kind.value, structure), draw)

    def control_strength(self, plan: Plan) -> Arguments:
        """How firmly and how long the lines are held."""
        assert plan.control is not None
        return {
            "controlnet_conditioning_scale": plan.control.weight,
            "control_guidance_start": plan.control.start,
            "control_guidance_end": plan.control.end,
        }


def _chosen_scheduler(options: StockOptions, own: Any) -> Any:
    if options.scheduler is None:
        return own
    return getattr(diffusers, options.scheduler).from_config(own.config, **options.scheduler_options)


def ignore(event: Event) -> None:
    """What was said once need not be said again."""
