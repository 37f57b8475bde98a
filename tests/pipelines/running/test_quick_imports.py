"""What is put off is not loaded by a start, and is itself when it is used. In processes of their own."""

from __future__ import annotations

import subprocess
import sys

from studio.settings import ROOT

PREPARE = """
import sys
from pipelines.running import quick_imports
quick_imports.prepare()
quick_imports.prepare()
def late():
    names = ("torch._dynamo", "scipy.stats", "scipy.integrate", "scipy.optimize", "peft")
    return [name for name in names if type(sys.modules[name]).__name__ == "LateModule"]
"""
UNET = """
from diffusers import UNet2DConditionModel
unet = UNet2DConditionModel(
    block_out_channels=(8, 8), layers_per_block=1, cross_attention_dim=8, norm_num_groups=4,
    attention_head_dim=2, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
)
"""


def output_of(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PREPARE + code], cwd=ROOT, capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_worker_starts_and_makes_a_picture_without_any_of_it() -> None:
    code = """
from pathlib import Path
from pipelines.memory.plan import Precision
from studio.engine.worker import _load
_load(Path("models.yaml"), "cpu", None, Precision.AUTO, None, lambda words: None)
print(*late())
"""
    assert output_of(code)[-1].split() == [
        "torch._dynamo", "scipy.stats", "scipy.integrate", "scipy.optimize", "peft",
    ]  # fmt: skip


def test_a_lora_is_known_by_what_was_imported_before_peft() -> None:
    code = f"""
from diffusers.loaders.lora_base import BaseTunerLayer
{UNET}
def layers():
    return sum(isinstance(module, BaseTunerLayer) for module in unet.modules())
print(layers(), *late())
from peft import LoraConfig, PeftModel
unet.add_adapter(LoraConfig(r=2, target_modules=["to_q"]))
print(layers() > 0, isinstance(unet, PeftModel), "peft" in late())
"""
    before, after = output_of(code)
    assert before.startswith("0 torch._dynamo")
    assert after == "True False False"


def test_the_compiler_learns_what_was_marked_before_it_came() -> None:
    code = f"""
import torch
@torch.compiler.disable
def kept_out(x):
    return x + 1
print(int(kept_out(torch.ones(()))))
{UNET}
print("torch._dynamo" in late())
twice = torch.compile(lambda x: kept_out(x) * 2, backend="eager")
print(int(twice(torch.ones(()))), "torch._dynamo" in late())
from diffusers.models.attention import BasicTransformerBlock
print(id(BasicTransformerBlock) in torch._dynamo.trace_rules._allowed_callable_ids())
print(torch._dynamo.explain(lambda x: kept_out(x) * 2)(torch.ones(())).op_count)  # without the addition
"""
    assert output_of(code) == ["2", "True", "4 False", "True", "1"]


def test_parts_of_scipy_are_themselves_when_they_are_used() -> None:
    code = """
import numpy, scipy.stats, scipy.integrate
from scipy.optimize import linear_sum_assignment
print(len(late()))
print(linear_sum_assignment(numpy.eye(2))[1].tolist())
print(round(float(scipy.stats.beta.ppf(0.5, 0.6, 0.6)), 6), scipy.integrate.quad(lambda x: x, 0, 2)[0])
print("scipy.optimize" in late())
"""
    assert output_of(code) == ["5", "[1, 0]", "0.5 2.0", "False"]
