"""The download process: one order, fetched from the hub into its standard cache, then it ends.

Files are resumed where an earlier run stopped, compared with the hub's checksum and only then given their
name. The hub is asked without a token first; a token of this machine is used where the hub insists, and
never sent to another host. Importing this module imports nothing of the hub's client: the process is asked
for by the artist, so it first lifts the client's offline switch, which is read on import.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from studio.engine.deaths import ignore_keys
from studio.models.messages import Fetched, FetchFailed, FetchOrder, FromFetch

log = logging.getLogger(__name__)

Say = Callable[[FromFetch], None]
T = TypeVar("T")


def main(pipe: Connection, order: FetchOrder) -> None:
    """Carry out `order`, telling the studio of everything; ends when the studio is gone."""
    ignore_keys()
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    threading.Thread(target=_leave_with_the_studio, args=(pipe,), name="pipe", daemon=True).start()
    os.environ.update(HF_HUB_OFFLINE="0", TRANSFORMERS_OFFLINE="0", HF_HUB_DISABLE_TELEMETRY="1")
    os.environ["HF_HUB_DISABLE_SYMLINKS_WARNING"] = "1"  # `hub` stores files once without them, too
    run(order, pipe.send)


def run(order: FetchOrder, say: Say) -> None:
    """Fetch everything of `order`; the last message is `Fetched` or `FetchFailed`."""
    from studio.models.hub import HubFetch
    from studio.models.hub_refusals import FetchRefused

    try:
        HubFetch(order, say).run()
    except FetchRefused as refusal:
        say(refusal.message)
    except Exception:  # the boundary: whatever it was, the studio must hear that it ended
        log.exception("A download failed unexpectedly.")
        say(FetchFailed("error", "The download failed. The studio's terminal shows the details."))
    else:
        say(Fetched())


def _leave_with_the_studio(pipe: Connection) -> None:
    try:
        pipe.recv()
    except (EOFError, OSError):
        os._exit(0)
