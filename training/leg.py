"""One leg of training on a card that is lent for minutes: `python -m training.leg --seconds 505`.

Goes on from the bundled weights and ends in time, whatever the machine's pace: the network trains in what the
stages around it leave. What can run beside the main chain runs in a second process: the attribute reader and
the image encoder while autoencoder and latents are made, the Fréchet distances of the weights before while
the network trains, and the ControlNet beside the adapters. `--rehearse --device cpu` runs all of it in a
minute, two steps a stage.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.__main__ import DEFAULT_OUT, stages
from training.presets import PRESETS, Preset, rehearsal

REFERENCES_SECONDS = 80.0
"""What adapters and ControlNet have, side by side, their start included."""
SHORTEST = 12.0


@dataclass(frozen=True)
class Leg:
    """What a leg is told; `began` and `seconds` say when all but the export must be done."""

    preset: Preset
    work: Path
    out: Path
    device: str
    seconds: float
    began: float

    def say(self, *words: object) -> None:
        """A line with the seconds since the beginning."""
        print(f"[{time.time() - self.began:6.1f}]", *words, flush=True)

    def left(self, reserve: float = 0.0) -> float:
        """Seconds until the end, less `reserve`; never so few that a stage learns nothing."""
        return max(SHORTEST, self.began + self.seconds - reserve - time.time())

    def run(self, name: str, seconds: float | None = None) -> None:
        """One stage, for so many seconds where it shall not keep to its preset."""
        preset = self.preset
        if seconds is not None:
            schedule = replace(getattr(preset, name), minutes=seconds / 60)
            preset = replace(preset, **{name: schedule})
        start = time.time()
        stages(preset, self.work, self.device, self.out)[name]()
        self.say(f"{name} took {time.time() - start:.1f} s", _last_line(self.work / f"{name}.jsonl"))
        self.done(name)

    def done(self, name: str) -> None:
        """Tell the other process."""
        (self.work / f"{name}.done").touch()

    def wait(self, name: str) -> None:
        """Until the other process has told that; raises RuntimeError where it has failed."""
        while not (self.work / f"{name}.done").exists():
            if (self.work / "failed").exists():
                raise RuntimeError(f"{name} will not be done: the other process failed")
            time.sleep(0.2)


def _last_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[-1] if path.exists() else ""


def main_chain(leg: Leg) -> None:
    """From the bundled weights to an exported model."""
    leg.run("adopt")
    leg.run("render")
    leg.run("autoencoder")
    leg.run("latents")
    leg.run("critic")
    leg.run("unet", leg.left(REFERENCES_SECONDS))
    leg.wait("encoder")
    leg.run("adapters", leg.left())
    leg.wait("controlnet")
    leg.run("export")


def side_chain(leg: Leg, before: Path) -> None:
    """What needs no waiting for: it runs beside the main chain on the same card."""
    from training.fidelity import measure
    from training.pipes import Pipes
    from training.reader import RealRenders, train

    leg.wait("render")
    reader = train(leg.preset, leg.work, leg.device)
    leg.say("the reader is trained")
    leg.wait("latents")
    leg.run("encoder")
    copy = leg.work / "before"
    shutil.copytree(before, copy)
    real = RealRenders(leg.preset, leg.work, held=True, seed=101)
    leg.say("before:", json.dumps(measure(leg.preset, Pipes(copy, leg.device), real, reader, copy)))
    leg.wait("unet")
    leg.run("controlnet", leg.left())


def _share_memory() -> None:
    """Loaders begin with what is in memory, where the system can do that."""
    if "fork" in multiprocessing.get_all_start_methods():
        multiprocessing.set_start_method("fork", force=True)


def _side(leg: Leg, before: Path) -> None:
    _share_memory()
    try:
        side_chain(leg, before)
    except BaseException:
        traceback.print_exc()
        (leg.work / "failed").touch()
        raise


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.leg", description=__doc__)
    parser.add_argument("--seconds", type=float, default=505.0, help="from now until the export begins")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="gpu-short")
    parser.add_argument("--work", type=Path, default=Path(".training"), help="with the corpora in it")
    parser.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rehearse", action="store_true")
    return parser.parse_args(words)


def main() -> None:
    """Run both chains; exits with 1 if one failed."""
    args = arguments()
    preset = PRESETS[args.preset]
    leg = Leg(
        rehearsal(preset) if args.rehearse else preset,
        args.work, args.out, args.device, args.seconds, time.time(),
    )  # fmt: skip
    leg.work.mkdir(parents=True, exist_ok=True)
    shutil.copytree(DEFAULT_OUT, leg.out)
    side = multiprocessing.get_context("spawn").Process(target=_side, args=(leg, DEFAULT_OUT))
    side.start()
    _share_memory()
    try:
        main_chain(leg)
        side.join()
    except BaseException:
        (leg.work / "failed").touch()
        side.join(30)
        raise
    finally:
        side.kill()
    sys.exit(0 if not (leg.work / "failed").exists() else 1)


if __name__ == "__main__":
    main()
