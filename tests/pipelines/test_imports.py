"""The studio's server reads these modules and must start without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    ["request", "spec", "events", "errors", "families.registry", "catalog.catalog", "planning.complete"],
)
def test_a_module_the_server_reads_imports_nothing_heavy(module: str) -> None:
    script = (
        f"import sys, pipelines.{module}\n"
        "print(*{name.split('.')[0] for name in sys.modules} & "
        "{'torch', 'diffusers', 'transformers', 'numpy', 'PIL', 'huggingface_hub', 'skimage', 'gradio'})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
