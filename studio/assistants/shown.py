"""Records as an assistant reads them: what matters for the next step, and where to see more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.types import ContentBlock, ImageContent, ResourceLink, TextContent

Json = dict[str, Any]
_OF_PICTURE = (
    "id", "name", "label", "category", "mode", "model", "seed", "width", "height", "created_at", "starred",
    "tags",
)  # fmt: skip
_OF_JOB = ("id", "status", "phase", "step", "total_steps", "eta_seconds", "position", "images")


def resource(image_id: str) -> str:
    """The address of a picture among this server's resources."""
    return f"likeness://images/{image_id}"


def picture(record: Mapping[str, Any], url: str) -> Json:
    """A picture of the collection in short; `url`: of the studio."""
    request: Json = record.get("request") or {}
    parents: list[Json] = record.get("parents") or []
    provenance: Json = record.get("provenance") or {}
    returned: Json = provenance.get("returned") or {}
    found = {name: record[name] for name in _OF_PICTURE if record.get(name) is not None}
    more: Json = {
        "prompt": request.get("prompt") or record.get("prompt"),
        "made_from": [parent["image_id"] for parent in parents],
        "notes": record.get("notes"),
        "changed_share": returned.get("changed"),
        "file": f"{url}/api/v1/images/{record['id']}/file",
        "resource": resource(record["id"]),
    }
    return found | {name: value for name, value in more.items() if value not in (None, [])}


def job(record: Mapping[str, Any]) -> Json:
    """A job in short."""
    found = {name: record[name] for name in _OF_JOB if record.get(name) is not None}
    if record.get("error"):
        found["error"] = record["error"]["message"]
    if record.get("notices"):
        found["notices"] = record["notices"]
    return found


def link(record: Mapping[str, Any]) -> ResourceLink:
    """Where the whole picture is to be had."""
    name = record.get("name") or f"{record['label']}, {record['width']}×{record['height']}"
    return ResourceLink(type="resource_link", uri=resource(record["id"]), name=name, mime_type=record["mime"])


def blocks(words: str, pictures: list[tuple[str, str]], links: list[ResourceLink]) -> list[ContentBlock]:
    """An answer of words, pictures to be seen (base64, MIME type), and links to the whole ones."""
    seen = [ImageContent(type="image", data=data, mime_type=mime) for data, mime in pictures]
    return [TextContent(type="text", text=words), *seen, *links]
