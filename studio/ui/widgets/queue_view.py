"""The queue of all tabs, as a strip for the Studio and as the Queue section."""

from __future__ import annotations

from studio.ui.widgets.base import Drawn


class QueueSummary(Drawn):
    """What runs and what waits, on a strip of fixed height."""

    part = "queueSummary"


class QueuePage(Drawn):
    """Running, waiting and finished jobs, with the words of those that failed."""

    part = "queue"
