"""axe-core in the browser: what of a page people with a screen reader, a keyboard or weak eyes stumble over.

It comes with the tools of the page's scripts: `npm ci` puts it into node_modules.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.harness import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"label-content-name-mismatch": {"enabled": True}}
"""Of those that axe leaves out by itself, these too."""
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""A theme changes nothing that another rule looks at."""
THEMES: dict[str, dict[str, Any]] = {"light": {"rules": RULES}, "dark": {"runOnly": OF_COLOURS}}
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"
"""Half-way through a transition colours are not what they will be."""
RUN = """async ([inside, options]) => {
  const found = await axe.run(inside ?? document, { ...options, resultTypes: ["violations"] });
  return found.violations.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map(({ html, target, any, all, none }) =>
      `${target.join(" ")} ${html.slice(0, 160)} ` +
      `(${[...any, ...all, ...none].map((one) => one.message).join("; ").slice(0, 160)})`),
  }));
}"""


class Audit:
    """Collects what axe finds at one place of the page after the other; `check()` at the end."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.found: list[str] = []

    def look(self, place: str, inside: str | None = None) -> None:
        """In both themes; `inside`: a selector, to look at a dialog alone."""
        self._prepare()
        for theme, options in THEMES.items():
            self._page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", theme == "dark")
            violations: list[dict[str, Any]] = self._page.evaluate(RUN, [inside, options])
            for one in violations:
                self.found += [f"{place}, {theme}: {one['id']}: {node}" for node in one["nodes"]]
        self._page.evaluate("document.body.classList.remove('dark')")

    def check(self) -> None:
        """Fail with all that was found."""
        assert not self.found, "\n".join([f"axe found {len(self.found)}:", *self.found])

    def _prepare(self) -> None:
        if self._page.evaluate("typeof globalThis.axe") == "undefined":
            self._page.evaluate(axe_or_skip())
            self._page.add_style_tag(content=STILL)


def axe_or_skip() -> str:
    """The script; without it the test is skipped, but fails where CI says it must run."""
    if AXE.exists():
        return AXE.read_text(encoding="utf-8")
    reason = (
        "axe-core is not here: run `npm ci` (scripts/check does), which fetches it with the page's tools."
    )
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
