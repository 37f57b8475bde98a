"""A studio as scripts see it: `/api/v1`, and errors in the words the studio gave."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2 as httpx

from studio.json_values import problem_words

USAGE = 2
OUT_OF_REACH = 3
REFUSED = 4
_SECONDS = httpx.Timeout(60.0, connect=5.0)

Json = dict[str, Any]


class ShellError(Exception):
    """A command ends: the words for the person at the terminal, and the exit code."""

    def __init__(self, words: str, code: int = REFUSED) -> None:
        super().__init__(words)
        self.code = code


class Client:
    """Calls of one studio. Each raises ShellError: out of reach, or refused in the studio's own words."""

    def __init__(self, url: str, token: str = "", certificate: Path | None = None) -> None:
        """`token`: of a studio with a door. `certificate`: the one it must show, where it is https.

        Raises ShellError for an address that cannot be one, or that holds a password.
        """
        self.url = _plain(url)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.verify = _pinned(certificate) if certificate else True
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            timeout=_SECONDS,
            headers=self.headers,
            # A studio stands on this machine or in the same house: no proxy of the environment lies between.
            transport=httpx.HTTPTransport(retries=2, verify=self.verify),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End its connections."""
        self._http.close()

    def get(self, path: str, **query: str | int) -> Json:
        """The answer to a GET, as JSON."""
        return self._call("GET", path, params=query).json()

    def items(self, path: str, **query: str | int) -> list[Json]:
        """The answer to a GET that is a list."""
        return self._call("GET", path, params=query).json()

    def post(self, path: str, body: Json | None = None) -> Json:
        """The answer to a POST, as JSON."""
        return self._call("POST", path, json=body).json()

    def file(self, path: str) -> bytes:
        """What lies there, byte for byte."""
        return self._call("GET", path).content

    def upload(self, name: str, content: bytes, category: str = "upload") -> Json:
        """The record of a picture that is in the collection then, if it was not before.

        `category`: control for one that is only a means, a mask for instance, and not listed.
        """
        sent = {"files": {"file": (name, content)}, "data": {"category": category}}
        return self._call("POST", "/images", **sent).json()

    def _call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise ShellError(f"No studio answers at {self.url} ({error}).", OUT_OF_REACH) from error
        if answer.is_success:
            return answer
        raise ShellError(_words(answer))


def _plain(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        parts, usable = urlsplit(""), False
    if "@" in parts.netloc or parts.query:
        words = (
            "A token or password does not belong into an address: give it in --token-file or LIKENESS_TOKEN."
        )
        raise ShellError(words, USAGE)
    if not usable:
        raise ShellError("--url is written as http://192.168.1.7:7860.", USAGE)
    return url.rstrip("/")


def _pinned(certificate: Path) -> ssl.SSLContext:
    """Trusts this certificate alone, whatever name it is for."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(certificate)
    except OSError as error:
        raise ShellError(f"The certificate {certificate} cannot be read: {error}.", USAGE) from error
    return context


def _words(answer: httpx.Response) -> str:
    """What the studio says of a refusal, which field it is about included."""
    words = problem_words(answer.content)
    if words is None:
        return f"The studio answered {answer.status_code} to {answer.request.url}."
    if answer.status_code == 401 and "authorization" not in answer.request.headers:
        return (
            "This studio asks for a token: give it in --token-file or LIKENESS_TOKEN. `token add` makes one."
        )
    return words
