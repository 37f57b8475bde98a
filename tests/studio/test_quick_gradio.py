"""In processes of their own, since an import happens once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from studio.settings import ROOT

PREPARE = "from studio import quick_gradio; quick_gradio.prepare(); quick_gradio.prepare(); import sys\n"


def output_of(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREPARE + code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_gradio_loads_without_pandas_and_without_writing_stubs() -> None:
    code = """
import gradio, gradio.component_meta
print("pandas.core" in sys.modules, gradio.component_meta.create_or_modify_pyi.__module__)
with gradio.Blocks() as page:
    gradio.Textbox().change(len)
print(len(page.get_config_file()["components"]))
"""
    first, second = output_of(code).splitlines()
    assert first == "False studio.quick_gradio"
    assert int(second) >= 1


@pytest.mark.parametrize(
    "code",
    [
        "import pandas; print(pandas.DataFrame({'a': [1]}).shape)",
        "from pandas import DataFrame; print(DataFrame({'a': [1]}).shape)",
        "import pandas.api.types; import pandas; print(pandas.DataFrame({'a': [1]}).shape)",
        "import gradio, pandas; print(gradio.Dataframe(pandas.DataFrame({'a': [1]})) and (1, 1))",
    ],
)
def test_pandas_is_there_when_it_is_used(code: str) -> None:
    assert output_of(code) == "(1, 1)"


def test_pandas_is_loaded_once_when_many_threads_touch_it_first() -> None:
    code = """
import threading, pandas
found = []
threads = [threading.Thread(target=lambda: found.append(pandas.DataFrame)) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(found), len(set(found)))
"""
    assert output_of(code) == "8 1"


def test_gradio_loads_without_the_sdk_of_mcp_which_is_there_when_it_is_used() -> None:
    code = """
import gradio, gradio.mcp
print(sorted({name.partition(".")[0] for name in sys.modules} & {"mcp", "mcp_types"}))
import mcp.server
print(gradio.mcp.GradioMCPServer is not None, "mcp" in sys.modules)
"""
    assert output_of(code).splitlines() == ["[]", "True True"]
