"""Caddy and nginx before a studio, for tests, as docs/opening-the-studio.md has them, with https."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CERTIFICATE = Path(__file__).parent / "studio" / "door" / "certificate.pem"
"""For 127.0.0.1 and localhost, with its key; for tests alone."""

_NGINX = """
daemon off; master_process off; error_log {folder}/nginx.log; pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location {path} {{
            proxy_pass http://{studio}{stripped};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_buffering off;
            proxy_read_timeout 1h;
            client_max_body_size 2g;
        }}
    }}
}}
"""
_CADDY = """
{{
    admin off
    auto_https off
}}
https://:{port} {{
    bind 127.0.0.1
    tls {certificate} {certificate}
    {handle} {path}* {{
        reverse_proxy {studio}
    }}
}}
"""
KINDS = ("nginx", "caddy")


def proxy_or_skip(kind: str) -> str:
    """Path of the program; without it the test is skipped, with the reason."""
    found = shutil.which(kind) or shutil.which(kind, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"No {kind} on this machine: apt install {kind}.")
    return found


@contextmanager
def proxy_before(kind: str, url: str, folder: Path, *, strips: bool = False) -> Iterator[str]:
    """The proxy's own address, below the path that `url` ends with.

    `strips`: it takes the path out of what it asks of the studio.
    """
    program = proxy_or_skip(kind)
    parts = urlsplit(url)
    port = _free_port()
    config = folder / f"{kind}.conf"
    config.write_text(
        {"nginx": _NGINX, "caddy": _CADDY}[kind].format(
            folder=folder,
            port=port,
            certificate=CERTIFICATE,
            path=parts.path or "/",
            studio=parts.netloc,
            stripped="/" if strips else "",
            handle="handle_path" if strips else "handle",
        )
    )
    command = {
        "nginx": [program, "-c", str(config), "-e", str(folder / "nginx.log")],
        "caddy": [program, "run", "--adapter", "caddyfile", "--config", str(config)],
    }[kind]
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    log = folder / f"{kind}.out"
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=os.environ | homes, stdout=said, stderr=said)
    try:
        _wait_for(port, process, log)
        yield f"https://127.0.0.1:{port}{parts.path}"
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return sock.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                trusting.wrap_socket(sock, server_hostname="127.0.0.1").close()
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
