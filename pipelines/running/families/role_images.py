"""The references of a call by their roles, at the size of its picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from pipelines.events import Notice
from pipelines.planning.plan import Plan
from pipelines.request import Role
from pipelines.running import references
from pipelines.running.contract import Emit, RoleImage


def only(images: Sequence[RoleImage], role: Role) -> RoleImage:
    """The one reference of `role`."""
    return next(image for image in images if image.role is role)


def fitted(image: RoleImage, plan: Plan, emit: Emit) -> Image.Image:
    """A reference at the size of the picture; says what is cropped away."""
    picture, notice = references.fit(image.image, plan.width, plan.height, image.number)
    if notice:
        emit(Notice(notice))
    return picture


def share(image: RoleImage, images: Sequence[RoleImage]) -> float:
    """What a reference weighs where those of one role share the strength of their strongest."""
    weights = [other.weight for other in images if other.role is image.role]
    return image.weight * max(weights) / sum(weights) if sum(weights) else 0.0
