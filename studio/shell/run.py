"""Carry out a command of the terminal; what it answers goes to stdout, what it says on the way to stderr."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from studio.settings import Settings, install_extra
from studio.shell import wishes
from studio.shell.client import REFUSED, Client, Json, ShellError
from studio.shell.files import Target, written
from studio.shell.following import failure, followed
from studio.shell.studios import reached

FAILED = 1
_MOST_JOBS = 200


def run(name: str, given: Namespace, settings: Settings, parser: ArgumentParser) -> int:
    """Exit code, see `options.CODES`."""
    try:
        if name == "completion":
            return _completion(given, parser)
        if name in ("generate", "edit", "enlarge", "sweep"):
            _target(given).check(getattr(given, "num_images", None) or 1)
        with reached(settings, given.url) as client:
            return _COMMANDS[name](given, client)
    except ShellError as error:
        print(error, file=sys.stderr)
        return error.code
    except BrokenPipeError:  # who reads has enough: nothing more is said to them, at the end neither
        sys.stdout = sys.stderr
        return 0


def _target(given: Namespace) -> Target:
    return Target(given.out, given.force)


def _maker(ask: Callable[[Namespace, Client], Json]) -> Callable[[Namespace, Client], int]:
    def make(given: Namespace, client: Client) -> int:
        queued = client.post("/jobs", ask(given, client))
        _tell(queued["notices"])
        [job] = followed(client, [queued["id"]], quiet=given.quiet)
        records = [client.get(f"/images/{each}") for each in job["images"]]
        contents = [client.file(f"/images/{each['id']}/file") for each in records]
        paths = written(_target(given), records, contents) if records else []
        _answer(given, {"job": job, "images": records, "files": paths}, paths)
        return _end([job])

    return make


def _sweep(given: Namespace, client: Client) -> int:
    body = wishes.of_sweep(given, client)
    estimate = client.post("/sweeps/estimate", body)
    seconds = estimate["seconds"]
    about = f", about {seconds:.0f} s" if seconds is not None else ""
    print(f"{estimate['pictures']} pictures{about}.", file=sys.stderr, flush=True)
    _tell(estimate["notices"])
    started = client.post("/sweeps", body)
    jobs = followed(client, started["jobs"], quiet=given.quiet)
    sheet = client.file(f"/sweeps/{started['batch']}/sheet")
    paths = written(_target(given), [{"id": started["batch"], "mime": "image/png"}], [sheet])
    _answer(given, {"sweep": client.get(f"/sweeps/{started['batch']}"), "files": paths}, paths)
    return _end(jobs)


def _jobs(given: Namespace, client: Client) -> int:
    query: dict[str, str | int] = {"limit": given.limit}
    if given.status is not None:
        query["status"] = given.status
    jobs = client.items("/jobs", **query)
    rows = [(job["id"], job["status"], job["request"]["prompt"][:60]) for job in jobs]
    _answer(given, jobs, _columns(rows))
    return 0


def _cancel(given: Namespace, client: Client) -> int:
    known = [job["id"] for job in client.items("/jobs", limit=_MOST_JOBS)]
    found = [each for each in known if each.startswith(given.job)] or [given.job]
    if len(found) > 1:
        raise ShellError(f"{len(found)} jobs begin with {given.job!r}; give more of the id.", REFUSED)
    job = client.post(f"/jobs/{found[0]}/cancel")
    _answer(given, job, [f"{job['id']}  {job['status']}"])
    return 0


def _models(given: Namespace, client: Client) -> int:
    models = [m for m in client.items("/models") if m["available"] == "ready" or not given.ready]
    rows = [(m["id"], m["available"], m["label"], ", ".join(m["modes"])) for m in models]
    _answer(given, models, _columns(rows))
    return 0


def _characters(given: Namespace, client: Client) -> int:
    cast = client.items("/characters")
    rows = [(each["id"], each["name"], (each.get("description") or "")[:60]) for each in cast]
    _answer(given, cast, _columns(rows))
    return 0


def _mcp(given: Namespace, client: Client) -> int:
    """Until the assistant closes the pipe. Raises ShellError where the package is missing."""
    del given
    try:
        from studio.assistants.pipe import serve
    except ImportError as error:
        raise ShellError(
            f"Assistants need one more package ({error}). Run: {install_extra('mcp')}", FAILED
        ) from error
    serve(client.url, client.headers, client.verify)
    return 0


def _completion(given: Namespace, parser: ArgumentParser) -> int:
    import shtab

    parser.prog = "likeness"  # as it is called once it is installed
    print(shtab.complete(parser, shell=given.shell))
    return 0


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows, each column as wide as it must be."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _answer(given: Namespace, answer: Json | list[Json], lines: Sequence[str]) -> None:
    """On stdout, unless a picture goes there: then JSON goes to stderr."""
    stream = sys.stderr if getattr(given, "out", None) == wishes.PIPE else sys.stdout
    if given.json:
        print(json.dumps(answer, ensure_ascii=False, indent=2), file=stream)
    elif stream is sys.stdout:
        print(*lines, sep="\n" if lines else "", end="\n" if lines else "")


def _tell(notices: Sequence[str]) -> None:
    for notice in notices:
        print(notice, file=sys.stderr)


def _end(jobs: Sequence[Json]) -> int:
    words = failure(jobs)
    if words is None:
        return 0
    print(words, file=sys.stderr)
    return FAILED


_COMMANDS: dict[str, Callable[[Namespace, Client], int]] = {
    "generate": _maker(wishes.from_words),
    "edit": _maker(wishes.of_edit),
    "enlarge": _maker(wishes.of_enlarging),
    "sweep": _sweep,
    "jobs": _jobs,
    "cancel": _cancel,
    "models": _models,
    "characters": _characters,
    "mcp": _mcp,
}
