"""The Models section: models of this machine and of the hub, downloads, licences, defaults, own files.

Everything shown comes from REST, in the browser.
"""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class ModelsPage(PageComponent):
    """Holds `#models-list` with a card `#model-card-<id>` for each model."""

    part = "models"
