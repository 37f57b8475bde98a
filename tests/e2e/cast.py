"""Characters for browser tests and screenshots: drawings of them, and how they are made over REST."""

from __future__ import annotations

import secrets
from pathlib import Path

from PIL import Image

from tests.e2e.harness import ROOT, StudioProcess

DRAWINGS = ROOT / "tests" / "studio" / "characters" / "drawings"


def drawing(folder: Path, name: str) -> Path:
    """One of the drawings as a PNG that nobody has uploaded before: a pixel in its corner is another."""
    path = folder / f"{name}.png"
    with Image.open(DRAWINGS / f"{name}.webp") as picture:
        changed = picture.convert("RGB")
        changed.putpixel((0, 0), tuple(secrets.token_bytes(3)))
        changed.save(path)
    return path


def character(studio: StudioProcess, name: str, picture: Path | None = None, **locked: str) -> str:
    """A character made over REST: its id. `locked`: fields of its blueprint."""
    made = studio.api("POST", "/characters", json={"name": name}).json()
    fields = {field: {"value": value, "locked": True} for field, value in locked.items()}
    draft = {"revision": 0, "fields": fields}
    assert studio.api("PUT", f"/characters/{made['id']}/blueprint", json=draft).status_code == 200
    if picture is not None:
        image = studio.upload(picture)["id"]
        studio.api("POST", f"/characters/{made['id']}/versions", json={"image_id": image})
    return made["id"]
