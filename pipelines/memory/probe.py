"""What torch finds on this machine, as JSON: `python -m pipelines.memory.probe auto float32`.

A program of its own, so that whoever asks need not load torch. Knows no models.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pipelines.errors import ModelUnavailable
from pipelines.memory import devices
from pipelines.memory.plan import Precision

_MIB = 2**20


def probe(device: str, wish: Precision = Precision.AUTO) -> dict[str, Any]:
    """Whether `device` can be used: `device`, `name`, `memory_mb` (None for cpu), `torch`, or `problem`."""
    import torch

    try:
        chosen = devices.choose(device)
        torch.ones(8, device=chosen).sum().item()
    except (RuntimeError, AssertionError, ModelUnavailable) as error:
        return {"device": device, "torch": torch.__version__, "problem": str(error).splitlines()[0]}
    return {"device": chosen, "torch": torch.__version__, **_details(chosen, wish)}


def _details(device: str, wish: Precision) -> dict[str, Any]:
    dtype = devices.precision(device, wish)
    here = devices.hardware(device, dtype)
    return {
        "name": here.name if here.has_own_memory else device,
        "memory_mb": here.total // _MIB if here.has_own_memory else None,
        "dtype": str(dtype).removeprefix("torch."),
    }


if __name__ == "__main__":
    device, wish = [*sys.argv[1:3], "auto", "auto"][:2]
    sys.stdout.write(json.dumps(probe(device, Precision(wish))))
