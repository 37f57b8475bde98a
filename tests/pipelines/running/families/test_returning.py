"""Refinements come back at their source's size, whatever the family, and leave pixels alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image, ImageOps

from pipelines.errors import Cancelled, GenerationFailed, RequestError
from pipelines.events import Notice, WorkOrder
from pipelines.families.route import Route
from pipelines.planning.complete import complete
from pipelines.planning.plan import plan
from pipelines.request import REFINEMENTS, Mode, Role
from pipelines.returning.geometry import covering, stretched
from pipelines.running import finishing, references
from pipelines.running.contract import RoleImage
from pipelines.running.families import call
from tests.pipelines.conftest import Outcome
from tests.pipelines.returning.scene import scene, wide_profile
from tests.pipelines.running.families.conftest import MAKERS, Tiny

WIDTH, HEIGHT = 300, 200
REFINING = [
    (name, Mode(mode))
    for name, (entry, _) in MAKERS.items()
    for mode in yaml.safe_load(entry.format(folder="x"))[0]["modes"]
    if Mode(mode) in REFINEMENTS
]
SPOT = (120, 70, 150, 90)
LARGE_MASK = {"image_id": "large mask", "role": "mask"}


class Desk:
    """A source of 300×200 px and masks for it, and the models to refine it with."""

    def __init__(self, tiny: Tiny, folder: Path) -> None:
        self.tiny = tiny
        self.source = scene(WIDTH, HEIGHT)
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[SPOT[1] : SPOT[3], SPOT[0] : SPOT[2]] = 255
        one = np.zeros_like(mask)
        one[100, 100] = 255
        pictures = {
            "source": self.source,
            "spot": mask,
            "one pixel": one,
            "black": np.zeros_like(mask),
            "white": np.full_like(mask, 255),
            "soft": np.asarray(Image.fromarray(mask).resize((30, 20)).resize((WIDTH, HEIGHT))),
            "small": mask[::2, ::2],
        }
        self.files = dict(tiny.pictures.files)
        for name, pixels in pictures.items():
            Image.fromarray(pixels).save(folder / f"{name}.png")
            self.files[name] = str(folder / f"{name}.png")
            tiny.pictures.sizes[name] = (pixels.shape[1], pixels.shape[0])

    def large(self) -> np.ndarray:
        """A source of 3000×2000 px, as "large", and a mask that changes a spot of it."""
        source = scene(3000, 2000)
        mask = np.zeros(source.shape[:2], np.uint8)
        mask[900:1100, 1400:1500] = 255
        for name, picture in (("large", source), ("large mask", mask)):
            path = Path(self.files["source"]).with_name(f"{name}.png")
            if not path.exists():
                Image.fromarray(picture).save(path, compress_level=1)
            self.files[name] = str(path)
            self.tiny.pictures.sizes[name] = (3000, 2000)
        return source

    def refine(
        self,
        model: str,
        mode: Mode,
        mask: str = "spot",
        originals: dict[str, str] | None = None,
        **changes: Any,
    ) -> Outcome:
        given = [{"image_id": "source"}]
        if self.tiny.catalog.route(model, mode).mask_arg:
            given.append({"image_id": mask, "role": "mask"})
        asked = {"result_size": None, "keep": None, "references": given, **changes}
        request = self.tiny.ask(model, mode, **asked)
        outcome = Outcome(request)
        order = WorkOrder("job", request, self.files, originals=originals or {})
        self.tiny.runner.run(order, outcome.events.append, lambda: False)
        return outcome


@pytest.fixture(scope="module")
def desk(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tiny, tmp_path_factory.mktemp("desk"))


def pixels(outcome: Outcome) -> np.ndarray:
    ready = outcome.images[0]
    return np.frombuffer(ready.rgb, np.uint8).reshape(ready.height, ready.width, 3)


@pytest.mark.parametrize(("model", "mode"), REFINING)
def test_a_refinement_has_its_sources_size_and_leaves_pixels_alone(
    desk: Desk, model: str, mode: Mode
) -> None:
    outcome = desk.refine(model, mode)
    made, refined = pixels(outcome), outcome.images[0].refined
    assert made.shape == desk.source.shape
    assert refined is not None
    assert 0 <= refined.measures["changed"] <= 1
    if mode is Mode.INPAINT:
        outside = np.ones((HEIGHT, WIDTH), bool)
        outside[SPOT[1] : SPOT[3], SPOT[0] : SPOT[2]] = False
        assert np.array_equal(made[outside], desk.source[outside])
        assert not np.array_equal(made, desk.source)


@pytest.mark.parametrize("model", [model for model, mode in REFINING if mode is Mode.INPAINT])
def test_inpainting_a_large_source_leaves_every_other_byte(desk: Desk, model: str) -> None:
    large = desk.large()
    outcome = desk.refine(model, Mode.INPAINT, references=[{"image_id": "large"}, LARGE_MASK])
    made = pixels(outcome)
    outside = np.ones(large.shape[:2], bool)
    outside[900:1100, 1400:1500] = False
    assert np.array_equal(made[outside], large[outside])
    assert not np.array_equal(made, large)
    refined = outcome.images[0].refined
    assert refined is not None
    left, top, right, bottom = refined.box  # the model saw the spot and what is around it, not all of it
    assert left <= 1400 < 1500 <= right <= left + 1000
    assert top <= 900 < 1100 <= bottom <= top + 1000


@pytest.mark.parametrize("kind", ["L", "P", "I;16", "RGBA", "LA", "1"])
def test_sources_of_every_kind_are_kept_as_they_are_shown(desk: Desk, tmp_path: Path, kind: str) -> None:
    picture = Image.fromarray(desk.source)
    if kind == "I;16":
        deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(tmp_path / "odd.png")
    else:
        odd = picture.convert(kind) if kind != "P" else picture.quantize(32)
        if "A" in kind:
            odd.putalpha(Image.linear_gradient("L").resize(odd.size))
        odd.save(tmp_path / "odd.png")
    desk.files["odd"] = str(tmp_path / "odd.png")
    desk.tiny.pictures.sizes["odd"] = picture.size
    shown = np.asarray(references.read(tmp_path / "odd.png", 1))
    outcome = desk.refine("tiny-kontext", Mode.SMART_EDIT, references=[{"image_id": "odd"}])
    made, refined = pixels(outcome), outcome.images[0].refined
    assert refined is not None
    with Image.open(io.BytesIO(refined.change)) as change:
        kept = np.asarray(change) == 0
    assert np.array_equal(made[kept], shown[kept])


@pytest.mark.parametrize(("model", "mode"), [("tiny-kontext", "smart_edit"), ("tiny-sdxl", "inpaint")])
def test_transparency_and_colours_of_the_sources_file_come_back(
    desk: Desk, tmp_path: Path, model: str, mode: str
) -> None:
    own = np.dstack([desk.source, np.full((HEIGHT, WIDTH), 255, np.uint8)])
    own[:, :60, 3] = np.linspace(0, 255, 60).astype(np.uint8)
    profile = wide_profile()
    stored = Image.fromarray(own)
    stored.info["icc_profile"] = profile
    stored.save(tmp_path / "own.png", icc_profile=profile)
    Image.alpha_composite(Image.new("RGBA", stored.size, "white"), stored).convert("RGB").save(
        tmp_path / "seen.png"
    )
    desk.files["own"] = str(tmp_path / "seen.png")
    desk.tiny.pictures.sizes["own"] = stored.size
    given = [{"image_id": "own"}]
    if mode == "inpaint":
        given.append({"image_id": "spot", "role": "mask"})
    originals = {"own": str(tmp_path / "own.png")}
    outcome = desk.refine(model, Mode(mode), references=given, originals=originals)
    ready = outcome.images[0]
    assert ready.profile == profile
    assert ready.refined is not None
    with Image.open(io.BytesIO(ready.refined.change)) as change:
        kept = np.asarray(change) == 0
    alpha = np.frombuffer(ready.alpha, np.uint8).reshape(HEIGHT, WIDTH)
    assert np.array_equal(pixels(outcome)[kept], own[kept][:, :3])
    assert np.array_equal(alpha[kept], own[kept][:, 3])
    assert kept.any() or mode == "smart_edit"


def test_numbers_that_run_over_are_no_refinement(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = call.DiffusersCall.denoise
    monkeypatch.setattr(
        call.DiffusersCall, "denoise", lambda self, seed, on_step: real(self, seed, on_step) * float("nan")
    )
    request = desk.tiny.ask(
        "tiny-kontext", "smart_edit", references=[{"image_id": "source"}], result_size=None, keep=None
    )
    told = Outcome(request)
    order = WorkOrder("job", request, desk.files)
    with pytest.raises(GenerationFailed, match="no picture came out"):
        desk.tiny.runner.run(order, told.events.append, lambda: False)
    assert not told.images


def test_a_source_deleted_meanwhile_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.files["gone"] = str(tmp_path / "gone.png")
    desk.tiny.pictures.sizes["gone"] = (WIDTH, HEIGHT)
    with pytest.raises(RequestError, match="Reference 1 can't be read"):
        desk.refine("tiny-kontext", Mode.SMART_EDIT, references=[{"image_id": "gone"}])


def test_a_request_of_before_this_existed_is_made_as_it_was(desk: Desk) -> None:
    old = desk.tiny.ask("tiny-kontext", "smart_edit", references=[{"image_id": "source"}])
    old = old.model_copy(update={"result_size": None, "keep": None})
    again = complete(old, desk.tiny.catalog, desk.tiny.pictures.sizes, lambda: 1, again=True).request
    assert again.result_size is None
    assert again.keep is None
    outcome = Outcome(again)
    order = WorkOrder("job", again, desk.files)
    desk.tiny.runner.run(order, outcome.events.append, lambda: False)
    assert pixels(outcome).shape == (again.height, again.width, 3)
    assert outcome.images[0].refined is None


@pytest.mark.parametrize("mask", ["one pixel", "black", "white", "soft", "small"])
def test_any_mask_leaves_what_it_does_not_paint(desk: Desk, mask: str) -> None:
    made = pixels(desk.refine("tiny-sdxl", Mode.INPAINT, mask))
    grey = Image.open(desk.files[mask]).convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    black = np.asarray(grey) == 0
    assert made.shape == desk.source.shape
    assert np.array_equal(made[black], desk.source[black])


def test_without_keeping_the_models_picture_comes_at_the_sources_size(desk: Desk) -> None:
    outcome = desk.refine("tiny-kontext", Mode.SMART_EDIT, keep={"enabled": False})
    made, refined = pixels(outcome), outcome.images[0].refined
    assert made.shape == desk.source.shape
    assert refined is not None
    assert refined.measures["changed"] == 1.0
    assert refined.redrawn


def test_a_size_of_its_own_and_the_models_own(desk: Desk) -> None:
    asked = {"width": 600, "height": 400}
    made = pixels(desk.refine("tiny-kontext", Mode.SMART_EDIT, result_size=asked))
    assert made.shape == (400, 600, 3)
    own = desk.refine("tiny-kontext", Mode.SMART_EDIT, result_size="model")
    assert pixels(own).shape == (own.request.height, own.request.width, 3)


def test_the_sizes_are_told_before_generating(desk: Desk) -> None:
    done = desk.tiny.complete(
        "tiny-kontext", "smart_edit", references=[{"image_id": "source"}], result_size=None, keep=None
    )
    size = f"{done.request.width}×{done.request.height}"
    assert f"300×200, as the reference · the model works at {size}" in done.notices
    assert done.request.result_size == "source"
    assert done.request.keep is not None
    assert done.request.keep.enabled


def test_another_shape_than_the_source_is_cropped_out_of_it(desk: Desk) -> None:
    given = [{"image_id": "source"}]
    asked = {"references": given, "width": 64, "height": 64, "keep": None}
    done = desk.tiny.complete("tiny-kontext", "smart_edit", **asked, result_size=None)
    assert (done.request.result_size, done.request.fit) == ("source", "crop")
    assert any("33% of it is cropped away" in notice for notice in done.notices)
    assert any(notice.startswith("200×200 · the model works at 64×64") for notice in done.notices)
    outcome = desk.refine("tiny-kontext", Mode.SMART_EDIT, width=64, height=64)
    made, refined = pixels(outcome), outcome.images[0].refined
    assert made.shape == (200, 200, 3)
    assert refined is not None
    with Image.open(io.BytesIO(refined.change)) as change:
        kept = np.asarray(change) == 0
    assert np.array_equal(made[kept], desk.source[:, 50:250][kept])
    other = desk.tiny.complete(
        "tiny-kontext", "smart_edit", **asked, result_size={"width": 300, "height": 90}
    )
    assert other.request.result_size == "model"


def test_new_pictures_keep_the_models_size(desk: Desk) -> None:
    done = desk.tiny.complete("tiny-sdxl", "text_to_image", result_size="source", keep={"enabled": True})
    assert done.request.result_size is None
    assert done.request.keep is None
    assert any("refines no source" in notice for notice in done.notices)


def test_a_cancel_during_the_return_is_heard(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = False

    def at_the_return(*args: Any) -> Any:
        nonlocal cancelled
        cancelled = True
        return real(*args)

    real = finishing._views
    monkeypatch.setattr(finishing, "_views", at_the_return)
    request = desk.tiny.ask(
        "tiny-kontext", "smart_edit", references=[{"image_id": "source"}], result_size=None, keep=None
    )
    order, told = WorkOrder("job", request, desk.files), Outcome(request)
    with pytest.raises(Cancelled):
        desk.tiny.runner.run(order, told.events.append, lambda: cancelled)
    assert not told.images
    assert not told.of(Notice) or all("Memory" not in n.text for n in told.of(Notice))


# --- the geometry a route declares, against what its pipeline does ---------------------------------

MARKERS = ((0.2, 0.3), (0.8, 0.3), (0.5, 0.5), (0.2, 0.7), (0.8, 0.7))
"""Centres of white discs, as shares of the sides."""
EDITING = [(model, mode) for model, mode in REFINING if mode is Mode.SMART_EDIT]


def marked(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    picture = np.zeros((height, width), np.uint8)
    for across, down in MARKERS:
        near = (x - across * width) ** 2 + (y - down * height) ** 2 < (0.05 * min(width, height)) ** 2
        picture[near] = 255
    return Image.fromarray(picture).convert("RGB")


def centres(picture: np.ndarray, route: Route, source: tuple[int, int]) -> list[tuple[float, float]]:
    """How far the discs lie from where they are expected in a preprocessed picture (h, w) in [-1, 1]."""
    height, width = picture.shape
    make = stretched if route.shows == "whole" else covering
    geometry = make(source, (width, height))
    y, x = np.mgrid[0:height, 0:width] + 0.5
    found = []
    for across, down in MARKERS:
        box = geometry.seen_from(across * source[0], down * source[1], *([1e9] * 2), size=(width, height))
        reach = 0.1 * min(width, height)
        weight = np.where((x - box.left) ** 2 + (y - box.top) ** 2 < reach**2, (picture + 1) / 2, 0)
        assert weight.sum() > 0, f"no marker near ({box.left:.1f}, {box.top:.1f}) of {width}×{height}"
        found.append(
            ((x * weight).sum() / weight.sum() - box.left, (y * weight).sum() / weight.sum() - box.top)
        )
    return found


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (250, 250), (1000, 700)])
@pytest.mark.parametrize(("model", "mode"), EDITING)
def test_markers_land_where_the_route_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, model: str, mode: Mode, size: tuple[int, int]
) -> None:
    desk.tiny.pictures.sizes["marked"] = size
    request = desk.tiny.ask(model, mode, references=[{"image_id": "marked"}], num_inference_steps=1)
    route = desk.tiny.catalog.route(model, mode)
    picture = marked(*size)
    loaded = desk.tiny.load(model)
    seen: list[np.ndarray] = []
    encode = loaded.vae.encode  # type: ignore[attr-defined]

    def looked_at(given: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(given[0, 0].float().reshape(-1, *given.shape[-2:])[0].cpu().numpy())
        return encode(given, *args, **kwargs)

    planned = plan(request, route)
    call: Any = loaded.prepare(planned, [RoleImage(picture, Role.SOURCE, 1.0, 1)], lambda event: None)
    monkeypatch.setattr(loaded.vae, "encode", looked_at)  # type: ignore[attr-defined]
    call.denoise(3, lambda *step: None)
    assert seen, "the pipeline encoded no reference"
    for x, y in centres(seen[0], route, size):
        assert max(abs(x), abs(y)) < 0.03 * max(seen[0].shape), (model, seen[0].shape)


def test_a_cover_is_what_pillow_cuts() -> None:
    for size, model in (((300, 200), (64, 64)), ((200, 300), (64, 96)), ((1000, 700), (96, 64))):
        picture = marked(*size)
        place = finishing.Canvas(picture, covering(size, model))
        want = np.asarray(ImageOps.fit(picture, model, Image.Resampling.LANCZOS)).astype(int)
        assert np.abs(np.asarray(place.view(picture)).astype(int) - want).max() <= 2
