"""What tabs wait for, so that on a busy machine no stream of a tab takes anything from the tab's next one.

Gradio's page leaves a stream when all it asked for has come, and opens another with its next call. The
server may see that late: the old stream then takes what was meant for the new one, and when it is told at
last, drops whatever the tab still waits for. Here the newest stream alone is answered, and nothing dropped.
The page's calls take milliseconds, so none needs to be called off; of the tabs that were, the last are kept.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import OrderedDict
from contextlib import suppress
from typing import Any

Listener = asyncio.Task[Any]


class TabMessages(asyncio.Queue[Any]):
    """The messages to one tab."""

    def __init__(self) -> None:
        super().__init__()
        self._known: weakref.WeakSet[Listener] = weakref.WeakSet()
        self._newest: weakref.ref[Listener] | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    def put_nowait(self, item: Any) -> None:
        """Add a message."""
        super().put_nowait(item)
        self._wake()

    async def get_for(self, listener: Listener) -> Any:
        """The next message, once there is one and no newer listener."""
        if listener not in self._known:
            self._known.add(listener)
            self._newest = weakref.ref(listener)
            self._wake()
        while self.empty() or self._newest is None or self._newest() is not listener:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)
        return self.get_nowait()

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)


class _Heard:
    """The messages of a tab as one task sees them: Gradio's `wait_for` runs `get` in another."""

    def __init__(self, messages: TabMessages, listener: Listener | None) -> None:
        self._messages, self._listener = messages, listener
        self.put, self.put_nowait = messages.put, messages.put_nowait

    async def get(self) -> Any:
        """The next message for this task."""
        assert self._listener is not None
        return await self._messages.get_for(self._listener)


class Sessions(OrderedDict[str, Any]):
    """The messages of each tab; nothing is taken out but the oldest, when there are more than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __getitem__(self, key: str) -> _Heard:
        messages = super().__getitem__(key)
        try:
            return _Heard(messages, asyncio.current_task())
        except RuntimeError:  # outside the event loop
            return _Heard(messages, None)

    def __delitem__(self, key: str) -> None:
        pass

    def __setitem__(self, key: str, value: Any) -> None:
        del value  # a plain queue
        if key not in self and len(self) >= self._most:
            super().__delitem__(next(iter(self)))
        super().__setitem__(key, TabMessages())
        self.move_to_end(key)


def keep_sessions(page: Any) -> None:
    """Let a page keep its sessions so; where Gradio's insides have moved on, this does nothing."""
    with suppress(AttributeError):
        queue = page._queue
        call_off = queue.clean_events
        queue.pending_messages_per_session = Sessions(queue.pending_messages_per_session.max_size)

        async def call_off_one(*, session_hash: str | None = None, event_id: str | None = None) -> None:
            del session_hash
            if event_id is not None:
                await call_off(event_id=event_id)

        queue.clean_events = call_off_one
