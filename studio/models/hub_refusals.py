"""What goes wrong between the studio and the hub, in words. Imported in the download process only."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from studio.models.messages import FetchFailed

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_UNREACHABLE = (httpx2.TransportError, LocalEntryNotFoundError, FileMetadataError)


class FetchRefused(Exception):
    """Ends the download with words."""

    def __init__(self, code: str, detail: str, link: str | None = None) -> None:
        super().__init__(detail)
        self.message = FetchFailed(code, detail, link)


def page_of(repo: str) -> str:
    """Address of a repository's page."""
    return f"{constants.ENDPOINT}/{repo}"


def gigabytes(count: int) -> str:
    """Bytes in words."""
    return f"{count / 1e9:.1f} GB"


def refusal(repo: str, error: HfHubHTTPError, token: str | None) -> FetchRefused:
    """What the hub's answer means for one who is logged in with `token`, or is not."""
    page = page_of(repo)
    match error:
        case GatedRepoError() if token:
            words = f"{repo} asks for agreement to its terms, and this account has not given it. Open {page}."
            return FetchRefused("gated", f"{words} Then download again.", page)
        case GatedRepoError():
            words = f"{repo} asks for agreement to its terms. Agree at {page}, log in on this machine with"
            return FetchRefused("gated", f"{words} `hf auth login`, and download again.", page)
        case RevisionNotFoundError():
            return FetchRefused("not_found", f"The hub no longer has this version of {repo}.", page)
        case RepositoryNotFoundError():
            return FetchRefused("not_found", f"The hub has no {repo}, or does not show it to you.", page)
        case RemoteEntryNotFoundError():
            return FetchRefused("not_found", f"A file of {repo} is not on the hub.", page)
        case _:
            pass
    status = error.response.status_code
    if status in (401, 403):
        return FetchRefused("not_allowed", f"The hub does not let you read {repo} ({status}).", page)
    return FetchRefused("hub", f"The hub answered {status} for {repo}. Try again later.", page)


@contextmanager
def in_words(label: str) -> Generator[None]:
    """Turns what the client, the network and the disk raise into FetchRefused."""
    try:
        yield
    except HFValidationError as error:
        raise FetchRefused("not_found", f"{label} has no usable source: {error}.") from error
    except _UNREACHABLE as error:
        raise FetchRefused("offline", _UNREACHABLE_WORDS) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        words = f"The hub answered {status}. Try again later; it goes on where it stopped."
        raise FetchRefused("hub", words) from error
    except OSError as error:
        raise _disk_refusal(error) from error


def _disk_refusal(error: OSError) -> FetchRefused:
    cache = constants.HF_HUB_CACHE
    if error.errno in _FULL:
        words = (
            f"The disk of {cache} is full. Free some space and download again; it goes on where it stopped."
        )
        return FetchRefused("disk_full", words)
    if error.errno is None:  # the client's own: fewer bytes came than were announced
        return FetchRefused("offline", _UNREACHABLE_WORDS)
    words = (
        f"{cache} cannot be written: {error.strerror}. Make it writable, or set HF_HOME to another folder."
    )
    return FetchRefused("storage", words)


_UNREACHABLE_WORDS = (
    "The hub could not be reached, or the connection was lost. "
    "Check the network and download again; it goes on where it stopped."
)
