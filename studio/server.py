"""The web server: REST, the Gradio page and the gatekeeper on one application.

The only module besides `studio.ui` that knows Gradio, and it imports it inside functions so that
everything that can fail early does so first. Never imports torch or diffusers.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Generator

import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from studio import __version__, durable, gradio_sessions, quick_gradio
from studio.api import add_api
from studio.api.assistants import Assistants, add_assistants
from studio.api.events import QueueBroadcast
from studio.api.page import PageLinks, add_page_files
from studio.api.routes import OPENAPI_URL
from studio.api.sdapi import add_sdapi
from studio.connections import BACKLOG, PatientServer, limited_connections
from studio.door.door import Door
from studio.door.gate import Gate
from studio.engine.deaths import end_signals
from studio.proxies import Proxies
from studio.security import Gatekeeper
from studio.service import StudioService
from studio.settings import Settings
from studio.ui.page_files import PAGE_FILES

_GRACE_SECONDS = 1
"""How long open connections may finish at the end; pages keep some open for as long as they are shown."""


def create_app(service: StudioService, settings: Settings, door: Door | None = None) -> FastAPI:
    """The application, complete with page; all of it behind `door`, where there is one.

    Gradio reads the environment, so that is set first.
    """
    broadcast = QueueBroadcast(service)

    def rest() -> FastAPI:
        """As `app`, for calls that have passed its middleware already."""
        inner = FastAPI(openapi_url=None)
        add_api(inner, service, settings, broadcast)
        return inner

    assistants = Assistants(rest)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        broadcast.start()
        yield
        await assistants.close()
        broadcast.stop()

    app = FastAPI(
        title="Likeness",
        version=__version__,
        openapi_url=OPENAPI_URL,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        middleware=[
            Middleware(Proxies, settings=settings, closed=door is not None),
            Middleware(Gatekeeper, settings=settings),
            *((Middleware(Gate, door=door),) if door is not None else ()),
            Middleware(PageLinks, links=PAGE_FILES.links()),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
        ],
    )
    app.state.broadcast = broadcast
    add_api(app, service, settings, broadcast, door)
    add_page_files(app, PAGE_FILES)
    add_assistants(app, assistants)
    add_sdapi(app, service, settings, broadcast)
    return _mount_page(app, service, settings)


def _mount_page(app: FastAPI, service: StudioService, settings: Settings) -> FastAPI:
    _set_gradio_environment(settings)
    quick_gradio.prepare()
    import gradio as gr

    from studio.ui import wrong_calls
    from studio.ui.app import PAGE_OPTIONS, build_page

    page = build_page(service, settings)
    page.delete_cache = (3600, 86400)
    quick_gradio.calm(page)
    gradio_sessions.keep_sessions(page)
    wrong_calls.refuse_wrong_inputs(page)
    mounted = gr.mount_gradio_app(  # pyright: ignore[reportUnknownMemberType] some options have no type
        app,
        page,
        path="/",
        root_path=settings.root_path or None,
        server_name=settings.host,
        server_port=settings.port,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=settings.max_upload_bytes,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        **PAGE_OPTIONS,
    )
    wrong_calls.tell_in_words(mounted)
    return mounted


def _set_gradio_environment(settings: Settings) -> None:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.temp_dir.resolve())
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    durable.make_folder(settings.temp_dir / "vibe_edit_history")  # Gradio makes it readable by everybody


class StudioServer(PatientServer):
    """uvicorn that calls `on_ready` once the page answers and leaves signals to end it quietly."""

    def __init__(
        self,
        app: FastAPI,
        sock: socket.socket,
        on_ready: Callable[[], None],
        settings: Settings,
        own_key: str = "",
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=limited_connections(),
                backlog=BACKLOG,
                lifespan="on",
                ws="none",
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                ssl_certfile=settings.tls_cert,
                ssl_keyfile=settings.tls_key,
            )
        )
        self._app = app
        self._sock = sock
        self._on_ready = on_ready
        self._first = f"{settings.root_path}/"
        self._headers = {"Authorization": f"Bearer {own_key}"} if own_key else {}

    def serve_until_stopped(self) -> None:
        """Block until a signal (or `should_exit`) ends the server."""
        self.run(sockets=[self._sock])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, and watch for the first answer."""
        await super().startup(sockets)
        self._first_answer = asyncio.create_task(self._announce())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first, so that the rest has nothing to wait for."""
        self._app.state.broadcast.stop()
        await super().shutdown(sockets)

    async def _announce(self) -> None:
        await asyncio.to_thread(self._get_page)
        self._on_ready()

    def _get_page(self) -> None:
        """Ask for the page as a browser would. Raises OSError where the server does not answer."""
        address: str
        port: int
        address, port = self._sock.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
        with contextlib.closing(self._connection(host, port)) as connection:
            connection.request("GET", self._first, headers=self._headers)
            connection.getresponse().read()

    def _connection(self, host: str, port: int) -> http.client.HTTPConnection:
        if not self.config.is_ssl:
            return http.client.HTTPConnection(host, port, timeout=60)
        trusting = ssl.create_default_context()
        trusting.check_hostname = False  # it is this process itself
        trusting.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=60, context=trusting)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Let signals end the server, without raising them again: the worker is still to be stopped."""
        before = {each: signal.signal(each, self.handle_exit) for each in end_signals()}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
