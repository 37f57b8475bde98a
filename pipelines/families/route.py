"""A model declares its own knobs: one `Route` per mode of a family.

Pure data. The page shows controls from it, `planning` checks requests against it, the family's file
builds the call from it, and a test holds it against `inspect.signature` of the installed class.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pipelines.families.limits import ALWAYS, Limits
from pipelines.families.step_cache import LEAST_STEPS, StepCache
from pipelines.families.wording import Wording
from pipelines.request import DEFAULT_STRENGTH, ControlKind, GenerationRequest, Role

_OPEN = GenerationRequest()
STUDIO_DEFAULTS: Mapping[str, float | int] = {
    "guidance_scale": _OPEN.guidance_scale,
    "num_inference_steps": _OPEN.num_inference_steps,
    "strength": DEFAULT_STRENGTH,
    "finish": 1,
    "scale": 4,
}
"""Where neither the model nor the artist says anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one family does one mode."""

    pipeline: str
    """Class name in `diffusers`; of an enlarger, how its network is laid out."""
    pipeline_with: tuple[tuple[Role, str], ...] = ()
    """Another class where a reference of a role is given; the first role present counts."""
    reference_arg: str | None = None
    """Argument of the pipeline call that takes the references; None: takes none."""
    mask_arg: str | None = None
    """Argument that takes the mask; a route with one needs a mask."""
    roles: tuple[Role, ...] = ()
    """Roles this route can tell apart; the first is the default."""
    min_references: int = 0
    max_references: int = 0
    role_limits: tuple[tuple[Role, int], ...] = ()
    """Most references of one role, where that is fewer than `max_references`."""
    reference_weights: bool = False
    """A reference's weight has an effect; without it the page shows none."""
    guidance_arg: str | None = "guidance_scale"
    """None: guidance has no effect and its knob is hidden."""
    negative_prompt: bool = True
    strength: bool = False
    strength_role: Role = Role.SOURCE
    """Strength acts only where a reference of this role is given."""
    strength_rounding: Literal["floor", "ceil"] | None = None
    control_kinds: tuple[str, ...] = ()
    control_timing: bool = True
    """When the control begins and ends can be said."""
    loras: bool = True
    """LoRAs of the models folder can be loaded into its networks."""
    vae: bool = False
    """A VAE of the models folder can decode instead of the model's own."""
    ip_adapter: bool = False
    """An IP-Adapter of the models folder can act instead of the model's own."""
    control_networks: bool = False
    """A ControlNet of the models folder can act instead of the model's own."""
    weights: bool = False
    """Words can be weighed, `(red:1.4)`, and a prompt may be longer than the encoder."""
    size_multiple: int = 8
    size_source: Literal["request", "reference"] = "request"
    """Whose size the picture takes when the artist picks none."""
    shows: Literal["middle", "whole"] = "middle"
    """What of its source the model's picture shows: the largest middle part of its shape, or all of it,
    stretched. A test holds it against what the pipeline does."""
    shapes: tuple[str, ...] = ()
    """Aspect ratios the model was made for; none: all."""
    crops: bool = True
    """Painting in a mask, the model is shown what lies around it, as large as it can; False: all there is."""
    no_use_for: tuple[str, ...] = ()
    """Settings that the class takes and the model makes nothing of: not shown on the page."""
    min_reference_px: int = 16
    wording: Wording | None = None
    """How roles are told to a model that knows them from words alone; None: it needs no words for them."""
    draws: bool = True
    """Words, steps, shapes and seeds have an effect; an enlarger knows none of them."""
    enlarges: bool = False
    """The picture is its source, some times larger."""
    extends: bool = False
    """The picture is its source with more canvas around it, which is the mask."""
    patches: bool = False
    """Parts of its source are redrawn, each at the model's full size; the rest stays."""
    step_callback: bool = True
    step_cache: StepCache | None = None
    """What a quick draft leaves out; None: the class has no step cache that works."""
    defaults: tuple[tuple[str, float | int], ...] = ()
    """Values that differ from the studio's own (3.5 guidance, 20 steps), by field name."""
    guidance_range: tuple[float, float] = (1.0, 20.0)
    steps_range: tuple[int, int] = (1, 150)

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Every class the route may run, the usual one first."""
        return (self.pipeline, *(name for _, name in self.pipeline_with))

    def pipeline_for(self, roles: Collection[Role]) -> str:
        """The class that runs where references have these roles."""
        return next((name for role, name in self.pipeline_with if role in roles), self.pipeline)

    @property
    def refines(self) -> bool:
        """The picture is its source, changed. So a mask may stand beside its references: only there it is."""
        plain = self.mask_arg is None and not (self.enlarges or self.extends or self.patches)
        return plain and self.roles[:1] == (Role.SOURCE,)

    @property
    def known_roles(self) -> tuple[Role, ...]:
        """Roles a reference may have; those the model tells apart come first."""
        return (*self.roles, Role.MASK) if self.refines else self.roles

    @property
    def required_roles(self) -> tuple[Role, ...]:
        """Roles of which at least one reference must be given."""
        first = self.roles[:1] if self.min_references else ()
        return (*first, Role.MASK) if self.mask_arg and not self.extends else first

    def role_limit(self, role: Role) -> int:
        """Most references of `role`; 0 where the route cannot tell it apart."""
        if role not in self.known_roles:
            return 0
        if role is Role.MASK:
            return 1
        return dict(self.role_limits).get(role, self.max_references)

    def with_defaults(self, defaults: Mapping[str, float | int]) -> Route:
        """This route with some defaults replaced."""
        return replace(self, defaults=tuple({**self.default, **defaults}.items()))

    @property
    def limits(self) -> Limits:
        """The route for REST and the page: ranges, roles, settings in use."""
        return Limits(
            fields=tuple(sorted(self.fields)),
            roles=self.known_roles,
            role_limits={role: self.role_limit(role) for role in self.known_roles},
            min_references=self.min_references,
            max_references=self.max_references,
            reference_weights=self.reference_weights,
            guidance_scale=self.guidance_range,
            num_inference_steps=self.steps_range,
            control_timing=self.control_timing,
            control_networks=self.control_networks,
            control_kinds=tuple(map(ControlKind, self.control_kinds)),
            size_multiple=self.size_multiple,
            size_source=self.size_source,
            shapes=self.shapes,
        )

    @property
    def knobs(self) -> dict[str, float | int]:
        """What the page's knobs start with: the defaults, filled up with the studio's own."""
        values = {**STUDIO_DEFAULTS, **self.default}
        return {name: value for name, value in values.items() if name in self.fields}

    @property
    def drafts(self) -> bool:
        """Quick drafts can be asked for: there is a step cache, and a whole picture of enough steps."""
        whole = not (self.enlarges or self.patches)
        steps = {**STUDIO_DEFAULTS, **self.default}["num_inference_steps"]
        return self.step_cache is not None and whole and steps >= LEAST_STEPS

    @property
    def default(self) -> dict[str, float | int]:
        """`defaults` as a dictionary."""
        return dict(self.defaults)

    @property
    def fields(self) -> frozenset[str]:
        """Names of the request's knobs this route uses; the page shows these and no others."""
        used = {"finish", "fix_face", *ALWAYS} if self.draws else set[str]()
        if self.enlarges:
            used = (used | {"scale"}) - {"aspect_ratio", "finish", "fix_face"}
            used |= {"upscaler"} if self.draws else set()
        if self.guidance_arg:
            used.add("guidance_scale")
        if self.negative_prompt:
            used.add("negative_prompt")
        if self.strength:
            used.add("strength")
        if self.control_kinds:
            used.add("control")
        if self.max_references:
            used.add("references")
        if self.patches:
            used -= {"aspect_ratio", "finish"}
        if self.roles[:1] == (Role.SOURCE,) and not (self.enlarges or self.patches):
            used.add("result_size")
            used.update(() if self.mask_arg else ("keep",))
            used.add("extend" if self.extends else "fit")
        if self.extends:
            used.discard("result_size")
        own = {
            "loras": self.loras,
            "vae": self.vae,
            "ip_adapter": self.ip_adapter,
            "quick_draft": self.drafts,
        }
        used.update(name for name, takes in own.items() if takes)
        return frozenset(used - set(self.no_use_for))
