"""A small hub on loopback for tests: enough of the real one's protocol for the real client.

Files of more than `LARGE` bytes are kept like the hub's large files: named by SHA-256 and handed out by
another host. Every request is remembered.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = 2**16
TOKEN = "hf_test_token_of_nobody"
_BLOCK = 2**15


@dataclass
class Repo:
    """One repository; `commit` is the newest, earlier ones are in `history`."""

    files: dict[str, bytes]
    commit: str = "a" * 40
    history: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: bool = False
    """Its files are for those who send the token; with `agreed` False not even for them."""
    agreed: bool = True
    private: bool = False
    cut: dict[str, int] = field(default_factory=dict)
    """The connection ends after so many bytes, once per file."""
    swap: dict[str, bytes] = field(default_factory=dict)
    """What is sent instead, under the name and hash of the right file."""
    claim: dict[str, int] = field(default_factory=dict)
    """Sizes told instead of the real ones."""
    stall: dict[str, threading.Event] = field(default_factory=dict)
    """Half of the file is sent; the rest when the event is set."""

    @classmethod
    def of_folder(cls, folder: Path, **options: Any) -> Repo:
        """A repository with the files of a folder."""
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}, **options)

    def publish(self, commit: str, **changed: bytes) -> None:
        """A newer commit, with these files changed; `__` in a name stands for a slash."""
        self.history[self.commit] = self.files
        self.files = {**self.files, **{name.replace("__", "/"): text for name, text in changed.items()}}
        self.commit = commit

    def at(self, revision: str) -> Repo | None:
        """The repository as it was at a commit; `main`: as it is."""
        if revision in ("main", self.commit):
            return self
        files = self.history.get(revision)
        return replace(self, commit=revision, files=files, history={}) if files is not None else None


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    host: str
    path: str
    token: str | None
    range: str | None


class Hub:
    """The hub: its repositories and what it was asked."""

    def __init__(self, repos: dict[str, Repo], port: int) -> None:
        self.repos = repos
        self.asked: list[Asked] = []
        self.url = f"http://127.0.0.1:{port}"
        self.files_url = f"http://localhost:{port}"

    def bytes_sent_for(self, name: str) -> list[str | None]:
        """The ranges in which a file's bytes were asked for."""
        return [each.range for each in self.asked if each.method == "GET" and each.path.endswith(f"/{name}")]


@contextmanager
def running_hub(**repos: Repo) -> Iterator[Hub]:
    """A hub with these repositories; `__` in a name stands for the slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = Hub({name.replace("__", "/"): repo for name, repo in repos.items()}, server.server_address[1])
    server.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        for repo in hub.repos.values():
            for event in repo.stall.values():
                event.set()
        server.shutdown()
        server.server_close()
        thread.join()


def oid_of(content: bytes) -> str:
    """The name of a file's bytes: SHA-256 where they are many, git's hash where they are few."""
    if len(content) > LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        return self.server.hub  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        return None

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        bearer = self.headers.get("Authorization", "")
        token = bearer.removeprefix("Bearer ") or None
        host = self.headers.get("Host", "").split(":")[0]
        self.hub.asked.append(Asked(self.command, host, path, token, self.headers.get("Range")))
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._info(found[1], found[2] or "main", token)
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1], found[2], found[3], token)
        elif found := re.fullmatch(r"/files/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)", path):
            repo = self.hub.repos[found[1]].at(found[2])
            assert repo is not None
            self._content(repo, found[3])
        else:
            self._refuse(404, "EntryNotFound")

    def _repo(self, name: str, revision: str, token: str | None) -> Repo | None:
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and token != TOKEN):
            self._refuse(401 if token is None else 404, "RepoNotFound")
            return None
        found = repo.at(revision)
        if found is None:
            self._refuse(404, "RevisionNotFound")
        return found

    def _info(self, name: str, revision: str, token: str | None) -> None:
        if repo := self._repo(name, revision, token):
            siblings = [_sibling(repo, file, content) for file, content in repo.files.items()]
            info = {"id": name, "modelId": name, "sha": repo.commit, "tags": [], "siblings": siblings}
            self._send(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _resolve(self, name: str, revision: str, file: str, token: str | None) -> None:
        repo = self._repo(name, revision, token)
        if repo is None:
            return
        if repo.gated and (token != TOKEN or not repo.agreed):
            self._refuse(401 if token is None else 403, "GatedRepo")
        elif file not in repo.files:
            self._refuse(404, "EntryNotFound", {"X-Repo-Commit": repo.commit})
        elif len(repo.files[file]) > LARGE:
            content = repo.files[file]
            headers = {
                "X-Repo-Commit": repo.commit,
                "X-Linked-Etag": f'"{oid_of(content)}"',
                "X-Linked-Size": str(repo.claim.get(file, len(content))),
                "Location": f"{self.hub.files_url}/files/{name}/{repo.commit}/{file}",
            }
            self._send(302, b"", headers)
        else:
            self._content(repo, file)

    def _content(self, repo: Repo, name: str) -> None:
        content = repo.swap.get(name, repo.files[name])
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        headers = {"ETag": f'"{oid_of(repo.files[name])}"', "X-Repo-Commit": repo.commit}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206 if start else 200, content[start:], headers, repo, name)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], repo: Repo | None = None, name: str = ""
    ) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if repo is not None and name in repo.stall:
            self._write(body[: len(body) // 2])
            repo.stall[name].wait()
            self._write(body[len(body) // 2 :])
        elif repo is not None and name in repo.cut:
            self._write(body[: repo.cut.pop(name)])
            self.close_connection = True
        else:
            self._write(body)

    def _write(self, body: bytes) -> None:
        try:
            for start in range(0, len(body), _BLOCK):
                self.wfile.write(body[start : start + _BLOCK])
            self.wfile.flush()
        except OSError:  # the client has gone
            self.close_connection = True

    def _refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, b"", {"X-Error-Code": code, **(headers or {})})


def _sibling(repo: Repo, name: str, content: bytes) -> dict[str, Any]:
    size = repo.claim.get(name, len(content))
    entry: dict[str, Any] = {"rfilename": name, "size": size, "blobId": oid_of(content)}
    if len(content) > LARGE:
        entry["lfs"] = {"sha256": oid_of(content), "size": size, "pointerSize": 134}
    return entry
