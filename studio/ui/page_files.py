"""The files of the page, under an address that names their content: what a browser has of them is never old.

The address is the hash of all of them, so modules find each other by relative paths, and each may be kept
for ever. Knows nothing of Gradio, of the service or of a web server.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"
PREFIX = "page"
"""First part of the address, below the page's own."""
MAIN = "main.js"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".webp": "image/webp"}
STYLES = (
    "likeness",
    "settings",
    "addons",
    "output",
    "overlays",
    "collection",
    "coach",
    "characters",
)
"""Stylesheets of `static/styles` that the page opens with, in their order."""
LATER_STYLES = (
    "brush",
    "characters_modal",
    "extend",
    "fit",
    "house",
    "invitation",
    "models",
    "presets",
    "proposal",
    "shortcuts",
    "sweep",
    "tree",
)
"""Those that come with what is not on the page from the beginning; `static/core/styles.js` asks for them."""
_BLOCK = r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/"
_COMMENTS = {
    ".js": re.compile(rf"^[ \t]*(?:{_BLOCK}|//[^\n]*)[ \t]*$", re.MULTILINE),
    ".css": re.compile(rf"^[ \t]*{_BLOCK}[ \t]*$", re.MULTILINE),
}
"""Those with lines of their own: a quarter of the scripts, for readers of the source and the type checker."""
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_IMPORTED = re.compile(r'^(?:import|export)\b[^"]*?from "(\.[^"]+)";', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent."""

    body: bytes
    media_type: str

    def compressed(self) -> bytes:
        """For a browser that takes gzip."""
        return gzip.compress(self.body, 9, mtime=0)


class PageFiles:
    """All files of `folder` by path, read once."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.files = {
            path.relative_to(folder).as_posix(): PageFile(_sent(path), MEDIA_TYPES[path.suffix])
            for path in sorted(folder.rglob("*"))
            if path.suffix in MEDIA_TYPES
        }

    @cached_property
    def digest(self) -> str:
        """Of every path and every byte."""
        found = hashlib.sha256()
        for path, file in self.files.items():
            found.update(f"{path}\0{len(file.body)}\0".encode() + file.body)
        return found.hexdigest()[:16]

    def address(self, path: str) -> str:
        """Where a file is found, relative to the page."""
        return f"{PREFIX}/{self.digest}/{path}"

    @cached_property
    def opening(self) -> tuple[str, ...]:
        """The modules the page opens with, each after those that it imports."""
        found: dict[str, None] = {}
        self._collect(MAIN, found)
        return tuple(found)

    def _collect(self, path: str, found: dict[str, None]) -> None:
        if path in found:
            return
        found[path] = None
        for other in self._imports(path):
            self._collect(other, found)

    def _imports(self, path: str) -> Iterator[str]:
        folder = Path(path).parent
        for name in _IMPORTED.findall(self.files[path].body.decode()):
            parts: list[str] = []
            for part in (folder / name).as_posix().split("/"):
                if part == "..":
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            yield "/".join(parts)

    def head(self) -> str:
        """What the page's head says of them."""
        styles = [f'<link rel="stylesheet" href="{self.address(f"styles/{name}.css")}">' for name in STYLES]
        return "\n".join(
            (
                '<meta name="color-scheme" content="light dark">',
                "<style>gradio-app { visibility: hidden }</style>",  # likeness.css takes that back
                *styles,
                f"<script>{self._start()}</script>",
            )
        )

    def _start(self) -> str:
        """Begins to load the modules; parts of the page that are there before them wait for them."""
        return (
            f'window.likeness = {{ page: import("./{self.address(MAIN)}"), mount(name, part) {{'
            " this.page.then((page) => page.mount(name, part)); } };"
        )

    def links(self) -> str:
        """The `Link` header that has a browser fetch them while it still reads the page."""
        modules = (f"<{self.address(path)}>; rel=modulepreload" for path in self.opening)
        styles = (f"<{self.address(f'styles/{name}.css')}>; rel=preload; as=style" for name in STYLES)
        return ", ".join((*modules, *styles))


def _sent(path: Path) -> bytes:
    """What a browser gets of a file: no comments, no indentation; every line where it was (errors name it).

    No text of the scripts spans lines (tests/page/indentation.test.js).
    """
    body = path.read_bytes()
    if (comment := _COMMENTS.get(path.suffix)) is None:
        return body
    text = comment.sub(lambda found: "\n" * found[0].count("\n"), body.decode())
    return _INDENT.sub("", text).encode()


PAGE_FILES = PageFiles()
