"""Enlargers that are pickles: weights are taken out and kept, anything else is refused unopened."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from pipelines.errors import ModelUnavailable
from pipelines.running.pickled import as_safetensors


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._trace),)


@pytest.mark.parametrize("wrap", [lambda w: w, lambda w: {"params_ema": w, "params": {}}])
def test_weights_are_kept_as_safetensors_once(tmp_path: Path, wrap: Any) -> None:
    weights = {"body.0.weight": torch.arange(6.0).reshape(2, 3).T, "n": torch.zeros(0)}
    torch.save(wrap(weights), tmp_path / "x.pth")
    kept = as_safetensors(tmp_path / "x.pth", "X", tmp_path / "converted")
    assert torch.equal(load_file(kept)["body.0.weight"], weights["body.0.weight"])
    stamp = kept.stat().st_mtime_ns
    assert as_safetensors(tmp_path / "x.pth", "X", tmp_path / "converted") == kept
    assert kept.stat().st_mtime_ns == stamp
    assert [each.name for each in (tmp_path / "converted").iterdir()] == [kept.name]


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path, how: str) -> None:
    path, trace = tmp_path / "evil.pth", tmp_path / "it-ran"
    if how == "torch":
        torch.save({"params": Evil(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"params": Evil(trace)}))
    with pytest.raises(ModelUnavailable, match="could run code"):
        as_safetensors(path, "Evil", tmp_path / "converted")
    assert not trace.exists()
    assert not (tmp_path / "converted").exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"\x80\x02}.", "weights|damaged|code"),
    ],
)
def test_a_damaged_file_is_told_in_words(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "x.pth").write_bytes(data)
    with pytest.raises(ModelUnavailable, match=words):
        as_safetensors(tmp_path / "x.pth", "X", tmp_path / "converted")


def test_a_file_without_weights_and_one_that_is_gone(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "x.pth")
    with pytest.raises(ModelUnavailable, match="holds no weights"):
        as_safetensors(tmp_path / "x.pth", "X", tmp_path / "converted")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        as_safetensors(tmp_path / "gone.pth", "X", tmp_path / "converted")
    with pytest.raises(ModelUnavailable, match="no models folder"):
        as_safetensors(tmp_path / "x.pth", "X", None)
