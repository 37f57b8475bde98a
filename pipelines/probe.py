"""What torch finds on this machine, as JSON: `python -m pipelines.probe auto`.

A program of its own, so that whoever asks need not load torch. Knows no models.
"""

from __future__ import annotations

import json
import sys
from typing import Any

_MIB = 2**20


def probe(device: str) -> dict[str, Any]:
    """Whether `device` can be used: `device`, `name`, `memory_mb` (None for cpu), `torch`, or `problem`."""
    import torch

    chosen = _best() if device == "auto" else device
    try:
        torch.ones(8, device=chosen).sum().item()
    except (RuntimeError, AssertionError) as error:
        return {"device": chosen, "torch": torch.__version__, "problem": str(error).splitlines()[0]}
    return {"device": chosen, "torch": torch.__version__, **_details(chosen)}


def _best() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _details(device: str) -> dict[str, Any]:
    import torch

    if not device.startswith("cuda"):
        return {"name": device, "memory_mb": None}
    properties = torch.cuda.get_device_properties(device)
    return {"name": properties.name, "memory_mb": properties.total_memory // _MIB}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe(sys.argv[1] if len(sys.argv) > 1 else "auto")))
