"""Every call of REST with odd ids, queries and bodies: nothing may answer 500.

`python -m tests.studio.fuzz_rest http://127.0.0.1:7860 3000 0` tries that many against a running studio (one
with a collection of its own: it may change anything), seeded, and prints what became of them.
"""

from __future__ import annotations

import collections
import json
import random
import re
import sys
from collections.abc import Iterator
from typing import Any

import httpx

NOT_TRIED = {("get", "/api/v1/events"), ("post", "/api/v1/imports"), ("get", "/api/v1/openapi.json")}
"""A stream that does not end, and a call that reads folders of this machine."""

LISTS = {
    "image_id": "images?limit=10",
    "job_id": "jobs?limit=10",
    "character_id": "characters",
    "design_id": "designs",
    "model_id": "models",
}
"""Where ids that exist are found, by the name calls have for them."""

_TEXTS = (
    "",
    " ",
    "a",
    "\0",
    "a\0b",
    "../../etc/passwd",
    "..%2f..",
    "é" * 3,
    "\ud800",
    "\U0001f600",
    "\u202e",
    "x" * 5000,
    "'; DROP TABLE images; --",
    "%",
    "_%_",
    "NaN",
    "null",
    "-1",
    "0",
    "1e999",
    "9" * 30,
    '"',
    "*",
    "AND OR NOT (",
    "\r\nX: y",
)
_NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, 10**30, -(2**63) - 1, 0.5, 1e308, float("nan"), float("inf"), -0.0)


def odd_text(rng: random.Random) -> str:
    """Something nobody thought of."""
    return rng.choice(_TEXTS)


def odd_value(rng: random.Random, depth: int = 0) -> Any:
    """JSON of any kind, the numbers JSON has no words for among it."""
    match rng.randrange(9 if depth < 3 else 6):
        case 0 | 1:
            return odd_text(rng)
        case 2 | 3:
            return rng.choice(_NUMBERS)
        case 4:
            return rng.choice((True, False))
        case 5:
            return None
        case 6:
            return [odd_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        case 7:
            return {odd_text(rng): odd_value(rng, depth + 1) for _ in range(rng.randrange(3))}
        case _:
            return [[[[]]]] * 50


class Caller:
    """Makes calls out of the studio's own description of them."""

    def __init__(self, document: dict[str, Any], ids: dict[str, list[str]]) -> None:
        self.schemas = document.get("components", {}).get("schemas", {})
        self.ids = ids
        self.calls = [
            (method, path, call)
            for path, methods in document["paths"].items()
            for method, call in methods.items()
            if (method, path) not in NOT_TRIED
        ]

    def arguments(self, rng: random.Random, method: str, path: str, call: dict[str, Any]) -> dict[str, Any]:
        """What httpx needs for one odd call."""
        url = re.sub(r"\{([^}]+)\}", lambda found: self._part(rng, found[1]), path)
        query = [
            (each["name"], str(self._value(rng, each.get("schema", {}))))
            for each in call.get("parameters", ())
            if each["in"] == "query" and rng.random() < 0.7
        ]
        made: dict[str, Any] = {"method": method.upper(), "url": url, "params": query}
        content = call.get("requestBody", {}).get("content", {})
        if "application/json" in content or (content and rng.random() < 0.1):
            schema = content.get("application/json", {}).get("schema", {})
            made |= {"content": self._body(rng, schema), "headers": {"Content-Type": "application/json"}}
        elif content:
            made["files"] = {rng.choice(("file", "x")): (_name(rng), rng.randbytes(rng.randrange(100)))}
        return made

    def _part(self, rng: random.Random, name: str) -> str:
        if self.ids.get(name) and rng.random() < 0.75:
            return rng.choice(self.ids[name])
        return "".join(f"%{byte:02x}" for byte in odd_text(rng).encode("utf-8", "surrogatepass")) or "x"

    def _body(self, rng: random.Random, schema: dict[str, Any]) -> bytes:
        text = json.dumps(self._value(rng, schema))
        data = text.encode("utf-8", "surrogatepass")
        return data[: rng.randrange(len(data) + 1)] if rng.random() < 0.05 else data

    def _value(self, rng: random.Random, schema: dict[str, Any], depth: int = 0) -> Any:
        """Mostly what the schema wants, with something odd in it."""
        if rng.random() < 0.15 or depth > 6:
            return odd_value(rng)
        schema = self._resolved(rng, schema)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        match schema.get("type"):
            case "object":
                fields = schema.get("properties", {})
                required = schema.get("required", ())
                chosen = {
                    name: self._value(rng, part, depth + 1)
                    for name, part in fields.items()
                    if name in required or rng.random() < 0.4
                }
                return chosen if fields else {odd_text(rng): odd_value(rng)}
            case "array":
                items = schema.get("items", {})
                return [self._value(rng, items, depth + 1) for _ in range(rng.randrange(4))]
            case "string":
                known = rng.choice(list(self.ids.values()) or [[]])
                return rng.choice(known) if known and rng.random() < 0.5 else odd_text(rng)
            case "integer" | "number":
                low, high = schema.get("minimum", 0), schema.get("maximum", 100)
                return rng.choice((low, high, rng.randint(int(low), int(high)), *_NUMBERS))
            case "boolean":
                return rng.choice((True, False))
        return odd_value(rng)

    def _resolved(self, rng: random.Random, schema: dict[str, Any]) -> dict[str, Any]:
        for _ in range(5):
            if "$ref" in schema:
                schema = self.schemas[schema["$ref"].rpartition("/")[2]]
            elif "anyOf" in schema:
                schema = rng.choice(schema["anyOf"])
            elif "prefixItems" in schema:
                schema = {"type": "array", "items": rng.choice(schema["prefixItems"])}
        return schema


def _name(rng: random.Random) -> str:
    return odd_text(rng).encode("utf-8", "replace").decode() or "x.png"


def ids_of(found: Any) -> Iterator[str]:
    """All ids in an answer."""
    if isinstance(found, dict):
        if isinstance(found.get("id"), str):
            yield found["id"]
        found = list(found.values())
    if isinstance(found, list):
        for each in found:
            yield from ids_of(each)


def tried(client: httpx.Client, count: int, seed: int = 0) -> Iterator[tuple[dict[str, Any], int, str]]:
    """Each call with its status and, where that is 500 or more, the answer."""
    caller = Caller(client.get("/api/v1/openapi.json").json(), {})
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        if number % 100 == 0:
            caller.ids = {
                name: list(ids_of(client.get(f"/api/v1/{path}").json())) for name, path in LISTS.items()
            }
        method, path, call = rng.choice(caller.calls)
        made = caller.arguments(rng, method, path, call)
        try:
            answer = client.request(**made)
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError):
            continue  # not to be sent at all
        yield made, answer.status_code, answer.text if answer.status_code >= 500 else ""


def main(base: str, count: int, seed: int) -> int:
    """Try `count` calls and say what became of them; 1 where one answered 500."""
    outcomes = collections.Counter[int]()
    bad = {}
    with httpx.Client(base_url=base, timeout=60, trust_env=False) as client:
        for made, status, text in tried(client, count, seed):
            outcomes[status] += 1
            if status >= 500:
                bad.setdefault(
                    (made["method"], re.sub(r"/[0-9a-f]{12,}|%[0-9a-f%]+", "/*", made["url"])), (made, text)
                )
    for made, text in bad.values():
        sys.stdout.write(f"{str(made)[:600]}\n    {text[:200]}\n")
    sys.stdout.write(f"{dict(sorted(outcomes.items()))}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
