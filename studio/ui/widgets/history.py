"""Dialogs of the collection's history: family tree, pick winners, import of a folder, export."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class FamilyTreeDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `tree:open`."""

    widget = "tree"
    scripts = ("family.js", "drift.js", "tree.js")


class WinnersDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `winners:open`."""

    widget = "winners"
    scripts = ("fields.js", "winners.js")


class ImportDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `import:open`, and watches an import while closed."""

    widget = "importer"
    scripts = ("fields.js", "importer.js")


class ExportDialog(ScriptedHTML):
    """Takes no room on the page; opens on the page's `export:open`."""

    widget = "exporter"
    scripts = ("fields.js", "exporter.js")
