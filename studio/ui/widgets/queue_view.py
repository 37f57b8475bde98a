"""The queue of all tabs, as a strip for the Studio and as the Queue section."""

from __future__ import annotations

from studio.ui.widgets.base import PageComponent


class QueueSummary(PageComponent):
    """What runs and what waits, on a strip of fixed height."""

    part = "queueSummary"


class QueuePage(PageComponent):
    """Running, waiting and finished jobs, with the words of those that failed."""

    part = "queue"
