"""Pictures in rows: the Studio's gallery by batch, and the collection with search and filters."""

from __future__ import annotations

from studio.ui.widgets.scripted import ScriptedHTML


class PictureGallery(ScriptedHTML):
    """This tab's pictures, the newest batch first; the arrow keys choose one for the stage."""

    widget = "gallery"
    scripts = ("gallery.js",)


class CollectionGrid(ScriptedHTML):
    """All saved pictures, of which only what is seen is on the page; search, filters, several at once."""

    widget = "collection"
    scripts = (
        "fields.js",
        "source.js",
        "grid.js",
        "filters.js",
        "selection.js",
        "batches.js",
        "collection.js",
    )
