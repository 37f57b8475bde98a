"""What models of real size take on a computer without a card, through the queue and the worker process.

`python -m benchmarks.real_sizes` makes Stable Diffusion 1.5, SDXL and FLUX.2-klein-4B with seeded random
weights (25 GB of disk, kept in `--folder` for the next run), then draws two steps with each alone, and in
turns until it has switched five times. Printed for each picture: seconds, the memory that the plan foresaw
and what the worker took at most beyond what it has without a model, what it keeps afterwards, and how much
the computer put into its swap. `--size tiny` shows that the benchmark runs; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks import random_models
from benchmarks.growth import Growth
from benchmarks.overhead import worker_threads
from pipelines.catalog.catalog import load_catalog
from pipelines.catalog.measured import measure
from pipelines.memory import planner
from pipelines.memory.plan import MemoryChoice
from pipelines.request import GenerationRequest, Mode
from studio.main import open_studio
from studio.records import JobStatus
from studio.service import StudioService
from studio.settings import Settings

SIDE = {"sd15": 512, "sdxl": 256, "klein": 256}
TINY_SIDE = 64
STEPS = 2
SWITCHES = 5
ENTRY = """\
  - {{id: {name}, label: {name}, family: {family}, source: '{folder}', licence: none, resolution: {side},
     modes: [text_to_image], options: {options}}}
"""
_GB = 1e9


@dataclass(frozen=True)
class Took:
    """One picture: seconds; bytes foreseen, taken at most and kept afterwards, beyond an empty worker's."""

    model: str
    seconds: float
    planned: int
    most: int
    kept: int
    swapped: int

    def __str__(self) -> str:
        beside = f"{self.most / self.planned:.2f} of it" if self.planned else "nothing foreseen"
        return (
            f"{self.model:6} {self.seconds:7.1f} s   foreseen {self.planned / _GB:6.2f} GB, "
            f"most {self.most / _GB:6.2f} ({beside}), kept {self.kept / _GB:6.2f}, "
            f"swapped {self.swapped / _GB:.2f}"
        )


def catalogue(names: Sequence[str], size: str, folder: Path) -> Path:
    """A models.yaml of them; weights that are not there yet are made."""
    import torch

    entries: list[str] = []
    for name in names:
        place = random_models.make(name, size, folder / f"{name}-{size}", "cpu", torch.bfloat16)
        family, options = random_models.FAMILY[name]
        side = SIDE[name] if size == "full" else TINY_SIDE
        entries.append(ENTRY.format(name=name, family=family, folder=place, side=side, options=options))
    path = folder / f"real-sizes-{size}.yaml"
    path.write_text("models:\n" + "".join(entries), encoding="utf-8")
    return path


def foreseen(service: StudioService, models: Path, name: str) -> int:
    """Bytes that the model's plan counts on this computer."""
    catalog = load_catalog(models)
    spec = catalog.get(name)
    size, here = measure(catalog, spec, spec.modes), service.snapshot().worker.hardware
    assert size is not None
    assert here is not None
    return planner.plan(size, here, MemoryChoice.AUTO).need


def drawn(service: StudioService, worker: psutil.Process, planned: int, name: str, side: int) -> Took:
    """One picture with the model, loaded where it is not yet; its memory with the empty worker's in it."""
    swap, began = psutil.swap_memory().used, time.perf_counter()
    with Growth(worker.pid) as growth:
        request = GenerationRequest(
            mode=Mode.TEXT_TO_IMAGE, model=name, prompt="a portrait", seed=1, width=side, height=side,
            num_inference_steps=STEPS,
        )  # fmt: skip
        job = service.submit(request)
        snapshot = service.snapshot()
        while service.job(job.id).finished_at is None:
            snapshot = service.watch(snapshot.version, 60.0)
    ended = service.job(job.id)
    assert ended.status is JobStatus.DONE, ended.error
    seconds, kept = time.perf_counter() - began, worker.memory_info().rss
    return Took(
        name, seconds, planned, growth.before + growth.most, kept, max(0, psutil.swap_memory().used - swap)
    )


@contextmanager
def opened(models: Path) -> Generator[tuple[StudioService, psutil.Process]]:
    """A studio on a new data folder, and its worker, which is ready."""
    with (
        tempfile.TemporaryDirectory() as data,
        open_studio(Settings(data_dir=Path(data), models=models, device="cpu")) as service,
    ):
        worker_threads(service)
        children = psutil.Process().children()
        [worker] = [each for each in children if "spawn_main" in " ".join(each.cmdline())]
        yield service, worker


def empty_worker(folder: Path) -> int:
    """Bytes of a worker that finds no model to load."""
    models = folder / "none.yaml"
    away = ENTRY.format(name="away", family="sdxl", folder=folder / "nowhere", side=64, options="{}")
    models.write_text(f"models:\n{away}", encoding="utf-8")
    with opened(models) as (_, worker):
        return worker.memory_info().rss


def alone(name: str, size: str, folder: Path, empty: int) -> Took:
    """The second picture of a studio that has this model alone: what it took beyond an empty worker."""
    models = catalogue([name], size, folder)
    with opened(models) as (service, worker):
        side, planned = sides(size)[name], foreseen(service, models, name)
        took = [drawn(service, worker, planned, name, side) for _ in range(2)]
    most = max(each.most for each in took)
    return replace(took[-1], most=most - empty, kept=took[-1].kept - empty)


def switched(names: Sequence[str], size: str, switches: int, folder: Path, empty: int) -> list[Took]:
    """Draw with each in turn until it has switched so many times."""
    models = catalogue(names, size, folder)
    with opened(models) as (service, worker):
        planned = {name: foreseen(service, models, name) for name in names}
        turns = [names[number % len(names)] for number in range(switches + 1)]
        made = [drawn(service, worker, planned[name], name, sides(size)[name]) for name in turns]
    return [replace(each, most=each.most - empty, kept=each.kept - empty) for each in made]


def sides(size: str) -> dict[str, int]:
    """Pixels by model."""
    return SIDE if size == "full" else dict.fromkeys(SIDE, TINY_SIDE)


def run(names: Sequence[str], size: str, switches: int, folder: Path) -> None:
    """Each alone, then in turns; prints what each picture took."""
    catalogue(names, size, folder)
    empty = empty_worker(folder)
    print(f"a worker without a model: {empty / _GB:.2f} GB\neach alone, the second of two pictures:")
    for name in names:
        print(alone(name, size, folder, empty), flush=True)
    print("in turns, in one worker, which keeps what has room:")
    for took in switched(names, size, switches, folder, empty):
        print(took)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--models", nargs="+", choices=list(random_models.FAMILY), default=list(random_models.FAMILY)
    )
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--switches", type=int, default=SWITCHES)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "likeness-real-sizes")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    run(arguments.models, arguments.size, arguments.switches, arguments.folder)


if __name__ == "__main__":
    main()
