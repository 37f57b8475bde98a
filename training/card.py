"""Write the model card: `card.md` filled with what the curves and `metrics.json` say. Nothing by hand."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

from safetensors import safe_open

from training.presets import Preset

TEMPLATE = Path(__file__).with_name("card.md")
HISTORY = "training.json"
NONE = "not measured"
TRAINED: dict[str, tuple[str, tuple[str, ...]]] = {
    "autoencoder": ("autoencoder", ("vae",)),
    "unet": ("network with source channels and text encoder, trained together", ("unet", "text_encoder")),
    "encoder": ("image encoder, taught to see by itself", ("image_encoder",)),
    "adapters": ("character and style adapters, taught by the frozen network", ("ip_adapter",)),
    "controlnet": ("ControlNet", ("controlnet",)),
}
"""The stages whose weights are exported: each one's title in the card, and the folders of its parts."""


def write_card(preset: Preset, work: Path, folder: Path) -> None:
    """Write `README.md` into the exported `folder`, next to its `metrics.json`."""
    metrics = json.loads((folder / "metrics.json").read_text())
    text = Template(TEMPLATE.read_text()).substitute(
        px=preset.px,
        cases=metrics["cases"],
        training="\n".join(_training_rows(preset, work, folder)),
        measured="\n".join(_measured_rows(metrics)),
    )
    (folder / "README.md").write_text(text)


def last_line(curve: Path) -> dict[str, Any]:
    """The last line of a stage's curve, with every key that any line has at its latest value."""
    latest: dict[str, Any] = {}
    for line in curve.read_text().splitlines():
        latest |= json.loads(line)
    return latest


def parameters(folder: Path) -> float:
    """Millions of parameters in the safetensors files under `folder`."""
    total = 0
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118 - not a mapping
                size = 1
                for side in file.get_slice(key).get_shape():
                    size *= side
                total += size
    return total / 1e6


def _training_rows(preset: Preset, work: Path, folder: Path) -> list[str]:
    rows = []
    for stage, (title, parts) in TRAINED.items():
        batch = getattr(preset, stage).batch
        size = sum(parameters(folder / part) for part in parts)
        if not (work / f"{stage}.jsonl").exists():
            rows.append(f"| {title} | {size:.1f} M | nothing yet | | changes nothing |")
            continue
        end = last_line(work / f"{stage}.jsonl")
        words = ", ".join(
            f"{k} {end[k]}" for k in ("psnr", "loss", "edit", "text", "taught", "unread") if k in end
        )
        seen = end["step"] * batch
        rows.append(f"| {title} | {size:.1f} M | {seen:,} pictures | {end['seconds'] / 60:.0f} | {words} |")
    return rows


Row = tuple[str, str, str]
"""What is measured, the figure, the aim."""


def _measured_rows(metrics: dict[str, Any]) -> list[str]:
    groups = (_asked_rows, _edit_rows, _reference_rows, _other_rows)
    return [
        f"| {name} | {value} | {aim} |"
        for name, value, aim in (row for group in groups for row in group(metrics))
    ]


def _asked_rows(metrics: dict[str, Any]) -> tuple[Row, ...]:
    """What was drawn of what was asked for."""
    return (
        ("attribute reader on held-out renders (each attribute)", _each(metrics, "reader"), "≥ 99 % each"),
        ("text to image: attributes as asked, mean", _share(metrics, "text_to_image", "mean"), "≥ 95 %"),
        ("text to image: each attribute", _each(metrics, "text_to_image", "each"), "≥ 85 % the worst"),
    )


def _edit_rows(metrics: dict[str, Any]) -> tuple[Row, ...]:
    """What an edit changed, and what it left."""
    return (
        ("edit: the asked change happened", _share(metrics, "smart_edit", "changed"), "≥ 95 %"),
        (
            "edit: the asked change, each kind",
            _each(metrics, "smart_edit", "each"),
            "≥ 98 % background and colours",
        ),
        ("edit: all other attributes kept", _share(metrics, "smart_edit", "kept"), "≥ 95 %"),
        (
            "edit: error outside the changed region",
            _number(metrics, "smart_edit", "psnr_outside", digits=1, unit=" dB"),
            "≥ 28 dB",
        ),
        (
            "the same three without keeping pixels: the stock pipeline alone",
            ", ".join(
                (
                    _share(metrics, "smart_edit", "alone", "changed"),
                    _share(metrics, "smart_edit", "alone", "kept"),
                    _number(metrics, "smart_edit", "alone", "psnr_outside", digits=1, unit=" dB"),
                )
            ),
            "–",
        ),
        (
            "edit: how far the changed pixels went to the true target (1: all the way)",
            _each(metrics, "smart_edit", "moved", percent=False),
            "1",
        ),
    )


def _reference_rows(metrics: dict[str, Any]) -> tuple[Row, ...]:
    """What the other modes took of their references."""
    return (
        ("character reference: person kept in a new scene", _share(metrics, "character", "kept"), "≥ 90 %"),
        ("character reference: the scene as asked", _share(metrics, "character", "scene"), "–"),
        ("style reference: style taken", _share(metrics, "style", "taken"), "≥ 95 %"),
        (
            "style reference: identity slipped in (chance)",
            f"{_share(metrics, 'style', 'identity')} ({_share(metrics, 'style', 'identity_chance')})",
            "≤ chance + 10 %",
        ),
        (
            "ControlNet: edge F1 with it / without it",
            f"{_number(metrics, 'controlnet', 'with')} / {_number(metrics, 'controlnet', 'without')}",
            "≥ 0.8, at least 2×",
        ),
        (
            "image to image: rank correlation of influence and likeness",
            _number(metrics, "image_to_image", "spearman"),
            "≥ 0.95",
        ),
    )


def _other_rows(metrics: dict[str, Any]) -> tuple[Row, ...]:
    """Pictures as a whole, and speed."""
    threads = _number(metrics, "speed", "threads", digits=0)
    return (
        (
            f"Fréchet distance from real pictures, over that between real ones, {_pictures(metrics)} a mode",
            _fidelity(metrics),
            "≤ 3",
        ),
        (
            "autoencoder reconstruction",
            _number(metrics, "autoencoder", "psnr", digits=1, unit=" dB"),
            "≥ 30 dB",
        ),
        (
            f"one picture, 20 steps with guidance, processor threads: {threads}",
            _number(metrics, "speed", "seconds", digits=1, unit=" s"),
            "≤ 6 s",
        ),
    )


def _share(metrics: dict[str, Any], *path: str) -> str:
    value = _at(metrics, path)
    return NONE if value is None else f"{value:.0%}"


def _number(metrics: dict[str, Any], *path: str, digits: int = 2, unit: str = "") -> str:
    value = _at(metrics, path)
    return NONE if value is None else f"{value:.{digits}f}{unit}"


def _pictures(metrics: dict[str, Any]) -> str:
    """How many pictures of a mode were compared."""
    counts = [int(each["pictures"]) for each in metrics.get("fidelity", {}).values()]
    if not counts:
        return "some pictures"
    least, most = min(counts), max(counts)
    return f"{most} pictures" if least == most else f"{least}–{most} pictures"


def _fidelity(metrics: dict[str, Any]) -> str:
    ratios = {mode: each["ratio"] for mode, each in metrics.get("fidelity", {}).items()}
    return ", ".join(f"{mode.replace('_', ' ')} {ratio:.1f}" for mode, ratio in ratios.items()) or NONE


def _at(metrics: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = metrics
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def _each(metrics: dict[str, Any], *path: str, percent: bool = True) -> str:
    values = _at(metrics, path)
    if not values:
        return NONE
    ordered = sorted(values.items(), key=lambda item: -item[1])
    return ", ".join(f"{k.replace('_', ' ')} {v:.0%}" if percent else f"{k} {v:.2f}" for k, v in ordered)
