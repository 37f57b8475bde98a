"""Calls of Gradio's own routes that no page of ours makes: refused in words, and a line in the log each.

Gradio raises what it does not expect, into the terminal by the page, and lets a stream break off that it has
nothing for. The studio's own calls are not touched.
"""

from __future__ import annotations

import errno
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.routes import App

from studio.json_values import is_object

Scope = Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)
_WRONG = "The studio cannot answer this call of its page. Load the page again; for scripts there is /api/v1."
_BROKEN = "Something went wrong inside the studio's page. Load it again; the terminal it runs in says more."
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
"""What systems say of names that no file of the page has."""
_MOST = 120
"""Signs of an address or a reason that are told."""


def tell_in_words(app: Any) -> None:
    """Of an application with Gradio in it: what is wrong with a call of Gradio's is answered in words."""
    for route in app.routes:
        if isinstance(getattr(route, "app", None), App):
            route.app = InWords(route.app)


def refuse_wrong_inputs(page: Any) -> None:
    """Of the page: a call whose inputs are not what its function takes is refused without a traceback."""
    preprocess = page.preprocess_data

    async def checked(function: Any, *args: Any, **more: Any) -> Any:
        if function.fn is None:  # the browser's own
            raise gr.Error(_WRONG, print_exception=False)
        try:
            return await preprocess(function, *args, **more)
        except gr.Error:
            raise
        except Exception as error:  # whatever odd values make a component raise
            _log.warning("A call of the page does not fit it: %s", _reason(error))
            raise gr.Error(_WRONG, print_exception=False) from error

    page.preprocess_data = checked


class InWords:
    """ASGI around Gradio's application."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but failures."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self.app(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever Gradio did not expect
            why = error.__cause__ if answer.begun and error.__cause__ else error
            where = _short(f"{scope['method']} {scope['path']}")
            _log.warning("%s could not be answered: %s", where, _reason(why))
            await answer.end(400 if _is_of_the_call(why) else 500)
        else:
            if answer.failed:
                await answer.let_go()


class _Answer:
    """What Gradio sends; one that says that something failed is held back until all of it is known."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self._ended = self.failed = self._counted = False
        self._held: list[Message] = []

    async def send(self, message: Message) -> None:
        """As the server's `send`."""
        if message["type"] == "http.response.start":
            self.failed = message["status"] >= 500
            self.begun = not self.failed
            self._counted = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
        if self.failed:
            self._held.append(message)
            return
        self._ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def let_go(self) -> None:
        """Send what was held back, in words of ours where it has none."""
        try:
            said = json.loads(b"".join(each.get("body", b"") for each in self._held))
        except ValueError:
            said = None
        if not (is_object(said) and (said.get("error") or said.get("detail"))):
            await self.end(500)
            return
        for message in self._held:
            await self._send(message)

    async def end(self, status: int) -> None:
        """In words where nothing was sent yet; a stream just ends."""
        if self._ended:
            return
        if not self.begun:
            body = json.dumps({"detail": _WRONG if status < 500 else _BROKEN}).encode()
            kind = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
            await self._send({"type": "http.response.start", "status": status, "headers": kind})
            await self._send({"type": "http.response.body", "body": body})
        elif not self._counted:
            await self._send({"type": "http.response.body", "body": b""})


def _is_of_the_call(error: BaseException) -> bool:
    """Rather than of this machine: what is asked for is not there, or no value of its kind."""
    if isinstance(error, OSError):
        return error.errno in _NO_FILE
    return not isinstance(error, MemoryError)


def _reason(error: BaseException) -> str:
    """In one line, with the place in the code."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return _short(f"{type(error).__name__}: {error}") + place


def _short(text: str) -> str:
    plain = ascii(text)[1:-1]
    return plain if len(plain) <= _MOST else f"{plain[:_MOST]} …"
