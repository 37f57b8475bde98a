"""Make the bundled portrait model: `python -m training all --preset cpu`.

Stages, in order: corpus, render, autoencoder, latents, critic, unet, encoder, adapters, controlnet, export,
evaluate. Each resumes from its checkpoint under `--work` and does nothing when it is done already. More by
name only: `adopt` (take up the model in `--out`, to go on from it), `decoder` (the decoder alone goes on),
`measure` (the measures that need no attribute reader), `fidelity` (the distance from real pictures alone),
`pages` (the first seeds of every mode, enlarged), `sheet` (the contact sheet), `enlarger` (the enlarger
beside the model in `--out`, its pairs first) and `evaluate-enlarger`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from training import export as exporting
from training import (
    render,
    train_adapters,
    train_autoencoder,
    train_controlnet,
    train_critic,
    train_encoder,
    train_enlarger,
    train_unet,
)
from training.adopt import adopt
from training.card import TRAINED, write_card
from training.enlarger_pairs import make_pairs
from training.latents import encode
from training.parallel import launch
from training.presets import PRESETS, Preset, rehearsal

ORDER = (
    "corpus", "render", "autoencoder", "latents", "critic", "unet", "encoder", "adapters", "controlnet",
    "export", "evaluate",
)  # fmt: skip
BY_NAME = ("adopt", "decoder", "measure", "fidelity", "pages", "sheet", "enlarger", "evaluate-enlarger")
LONG = ("critic", *TRAINED, "enlarger")
OTHER_PEOPLE = 100  # added to the seed: the enlarger's portraits are not the corpus's
HERE = Path(__file__).parent
DOCS = HERE.parent / "docs" / "bundled-model"
DEFAULT_OUT = HERE.parent / "pipelines" / "bundled" / "portrait-mini"


def _figures(script: str, target: Path, *options: str) -> None:
    """Run a script of training/figures with Node unless `target` is there (`npm install` there first)."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    figures = HERE / "figures"
    if not (figures / "node_modules").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=figures, check=True)
    command = ["node", script, *options, "--out", str(target.resolve())]
    subprocess.run(command, cwd=figures, check=True)


def _characters(styles: tuple[str, ...], count: int, seed: int) -> tuple[str, ...]:
    return ("--identities", str(count), "--seed", str(seed), "--styles", ",".join(styles))


def corpus(preset: Preset, work: Path) -> None:
    """Emit the SVG corpus."""
    for name, styles, count in (
        ("corpus", preset.styles, preset.corpus_identities),
        ("guests", preset.guests, preset.guest_identities),
        ("strangers", preset.strangers, preset.stranger_identities),
    ):
        options = _characters(styles, count, preset.seed)
        _figures("corpus.mjs", work / f"{name}.jsonl.gz", *options)


def render_all(preset: Preset, work: Path) -> None:
    """Render what `corpus` has emitted, packed with gzip or xz."""
    for packed in sorted(work.glob("*.jsonl.*z")):
        name = packed.name.partition(".")[0]
        render.render(packed, work / name, preset.px, os.cpu_count() or 1)


def enlarger(preset: Preset, work: Path, device: str, model: Path) -> None:
    """Render the enlarger's own portraits and drawings, pair them, train on them and export."""
    from training.evaluate_enlarger import export_enlarger

    p, folder, seed = preset.enlarger, work / "enlarger", preset.seed + OTHER_PEOPLE
    portraits = (*_characters(preset.styles, p.portraits, seed), "--first-only")
    _figures("corpus.mjs", folder / "portraits.jsonl.gz", *portraits)
    drawings = ("--count", str(p.drawings), "--seed", str(seed))
    _figures("drawings.mjs", folder / "drawings.jsonl.gz", *drawings)
    launch(make_pairs, preset.workers, preset, folder, model)
    launch(train_enlarger.train, preset.workers, preset, folder, device)
    export_enlarger(folder, enlarger_folder(model))


def enlarger_folder(model: Path) -> Path:
    """Where the enlarger lies: beside the model."""
    return model.with_name("enlarger")


def _evaluate_enlarger(preset: Preset, work: Path, model: Path) -> None:
    from training.evaluate_enlarger import enlarger_sheet, evaluate_enlarger

    evaluate_enlarger(preset, work / "enlarger", enlarger_folder(model))
    enlarger_sheet(work / "enlarger", enlarger_folder(model), DOCS / "enlarger.webp")


def _evaluate(preset: Preset, work: Path, device: str, out: Path, read: bool = True) -> None:
    from training.evaluate import main as evaluate

    evaluate(preset, work, device, out, read)
    write_card(preset, work, out)


def _fidelity(preset: Preset, work: Path, device: str, out: Path) -> None:
    from training.fidelity import measure
    from training.pipes import Pipes
    from training.reader import RealRenders, train

    reader, real = train(preset, work, device), RealRenders(preset, work, held=True, seed=101)
    measure(preset, Pipes(out, device), real, reader, out)
    write_card(preset, work, out)


def _pages(preset: Preset, work: Path, out: Path) -> None:
    from training.fidelity import pages
    from training.pipes import Pipes
    from training.reader import RealRenders

    real = RealRenders(preset, work, held=True, seed=101)
    pages(Pipes(out), real, work / "pages", enlarger_folder(out) / "enlarger.safetensors")


def _sheet(preset: Preset, work: Path, out: Path) -> None:
    from training.sheet import contact_sheet, refinement_chain

    contact_sheet(preset, work, out, DOCS / "contact-sheet.webp", enlarger_folder(out))
    refinement_chain(preset, work, out, DOCS / "refinement-chain.webp", enlarger_folder(out))


def stages(preset: Preset, work: Path, device: str, out: Path) -> dict[str, Callable[[], object]]:
    """Every stage by name, ready to call."""
    return {
        "corpus": lambda: corpus(preset, work),
        "render": lambda: render_all(preset, work),
        "autoencoder": lambda: launch(train_autoencoder.train, preset.workers, preset, work, device),
        "latents": lambda: launch(encode, preset.workers, preset, work, device),
        "critic": lambda: launch(train_critic.train, preset.workers, preset, work, device),
        "unet": lambda: launch(train_unet.train, preset.workers, preset, work, device),
        "encoder": lambda: launch(train_encoder.train, preset.workers, preset, work, device),
        "adapters": lambda: launch(train_adapters.train, preset.workers, preset, work, device),
        "controlnet": lambda: launch(train_controlnet.train, preset.workers, preset, work, device),
        "export": lambda: exporting.from_checkpoints(preset, work, out),
        "evaluate": lambda: _evaluate(preset, work, device, out),
        "adopt": lambda: adopt(preset, out, work),
        "decoder": lambda: launch(train_autoencoder.train_decoder, preset.workers, preset, work, device),
        "measure": lambda: _evaluate(preset, work, device, out, read=False),
        "fidelity": lambda: _fidelity(preset, work, device, out),
        "pages": lambda: _pages(preset, work, out),
        "sheet": lambda: _sheet(preset, work, out),
        "enlarger": lambda: enlarger(preset, work, device, out),
        "evaluate-enlarger": lambda: _evaluate_enlarger(preset, work, out),
    }


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line asks for; `preset` is the preset as its options leave it."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("stage", nargs="+", choices=("all", *ORDER, *BY_NAME))
    parser.add_argument("--preset", choices=sorted(PRESETS), default="cpu")
    parser.add_argument(
        "--work", type=Path, default=Path(".training"), help="folder for data and checkpoints"
    )
    parser.add_argument("--device", help="torch device (the preset's own if left out)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder the model is exported to")
    parser.add_argument(
        "--minutes", type=float, help="train this stage for so long, not the preset's minutes"
    )
    parser.add_argument(
        "--bf16", action="store_true", help="compute in bfloat16: faster where the processor can"
    )
    parser.add_argument("--pictures", type=int, help="the Fréchet distance rests on so many pictures")
    parser.add_argument("--rehearse", action="store_true", help="two steps of everything, with little data")
    args = parser.parse_args(words)
    if args.minutes is not None and (len(args.stage) > 1 or _schedule(args.stage[0]) not in LONG):
        parser.error(f"--minutes needs one of the stages decoder, {', '.join(LONG)}")
    args.preset = _preset(args)
    return args


def _schedule(stage: str) -> str:
    """The name of the stage whose schedule this one keeps to."""
    return "autoencoder" if stage == "decoder" else stage


def _preset(args: argparse.Namespace) -> Preset:
    preset = PRESETS[args.preset]
    if args.rehearse:
        preset = rehearsal(preset)
    if args.pictures is not None:
        preset = replace(preset, pictures=args.pictures)
    if args.bf16:
        preset = replace(preset, bf16=True)
    if args.minutes is not None:
        name = _schedule(args.stage[0])
        preset = replace(preset, **{name: replace(getattr(preset, name), minutes=args.minutes)})
    return preset


def main() -> None:
    """Run the stages that are named, or all of them in order."""
    args = arguments()
    table = stages(args.preset, args.work, args.device or args.preset.device, args.out)
    for name in ORDER if args.stage == ["all"] else args.stage:
        start = time.monotonic()
        print(f"== {name}", flush=True)
        table[name]()
        print(f"   {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
