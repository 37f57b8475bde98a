"""Types of what REST answers, for the checker of the page's scripts: written from OpenAPI.

`python -m tests.page.schemas` writes `static/core/schemas.d.ts` anew; a test says where it is stale.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

from fastapi import FastAPI

from studio.api import add_api
from studio.records import QueueSnapshot
from studio.ui.page_files import STATIC

TYPES = STATIC / "core" / "schemas.d.ts"
_HEAD = """\
// What REST answers and takes, as types. Written from OpenAPI by `python -m tests.page.schemas`:
// change the models in Python. Every field of an answer is there; of what is sent, those with a
// default may be left out.
"""
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_SEED = "number | string"
"""A seed may be longer than a number of JavaScript can be; then it is read as text."""


def schemas_script() -> str:
    """The text of `schemas.d.ts`."""
    return "\n".join([_HEAD, *(_declared(name, schema) for name, schema in sorted(_schemas().items()))])


def _schemas() -> dict[str, Any]:
    app = FastAPI()
    add_api(app, MagicMock(), MagicMock(), MagicMock())  # the calls alone; none is made
    snapshot = QueueSnapshot.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = {**snapshot.pop("$defs"), **app.openapi()["components"]["schemas"], "QueueSnapshot": snapshot}
    return {_name(name): schema for name, schema in parts.items() if not name.startswith("Body_")}


def _name(name: str) -> str:
    """`studio__characters__records__Version` is a CharactersVersion."""
    path = name.split("__")
    return path[0] if len(path) == 1 else path[1].capitalize() + path[-1]


def _declared(name: str, schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        return f"export type {name} = {_type(schema)};\n"
    fields = "".join(f"  {line}\n" for line in _fields(schema["properties"]))
    return f"export interface {name} {{\n{fields}}}\n"


def _fields(properties: dict[str, Any]) -> Iterator[str]:
    for name, schema in properties.items():
        words = _SEED if name == "seed" else _type(schema)
        nullable = " | null" if name == "seed" and "null" in _type(schema) else ""
        yield f"{name}: {words}{nullable};"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(each) for each in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return _array(schema)
    if schema.get("type") == "object":
        return f"Record<string, {_values(schema.get('additionalProperties', True))}>"
    return _PLAIN.get(str(schema.get("type")), "unknown")


def _array(schema: dict[str, Any]) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(map(_type, schema['prefixItems']))}]"
    item = _type(schema.get("items", {}))
    return f"({item})[]" if re.search(r"[|]", item) else f"{item}[]"


def _values(schema: dict[str, Any] | bool) -> str:
    return _type(schema) if isinstance(schema, dict) else "unknown"


if __name__ == "__main__":
    TYPES.write_text(schemas_script(), encoding="utf-8", newline="\n")
