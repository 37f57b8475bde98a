"""Pictures in rows: the Studio's gallery by batch, and the collection with search and filters."""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class PictureGallery(PageComponent):
    """This tab's pictures, the newest batch first; the arrow keys choose one for the stage."""

    part = "gallery"


class CollectionGrid(PageComponent):
    """All saved pictures, of which only what is seen is on the page; search, filters, several at once."""

    part = "collection"
