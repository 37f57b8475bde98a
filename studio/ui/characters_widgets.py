"""The Characters section, and the field picker beside the Studio's prompt.

Everything shown comes from REST, in the browser.
"""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class CharactersPage(PageComponent):
    """Holds `#characters-list` with a row for each character of the cast."""

    part = "characters"


class FieldPicker(PageComponent):
    """A button beside the prompt while a character is loaded in this tab; `value` is its id, or None."""

    part = "fieldPicker"
    root = "chr-picker-root"
