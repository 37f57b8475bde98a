"""LoRAs of the models folder, attached to a model's networks for as long as a request wants them.

Nothing is fused: weights are set for each picture, and taking all off gives back the very model that was
there. Those not wanted just now stay attached but inactive while there is room, so that switching is quick.
Knows diffusers' loaders; nothing of modes and requests.
"""

from __future__ import annotations

import functools
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import RequestError
from pipelines.memory import devices
from pipelines.memory.plan import Storage
from pipelines.running import placement
from pipelines.running.single_file_parts import fitting

if TYPE_CHECKING:
    from pipelines.running.contract import LoadSettings

MOST_BYTES = 2**30
"""Of LoRAs attached to a model, active or not; those wanted always stay."""
_HASHED = 2**20


@dataclass(frozen=True, slots=True)
class ActiveLora:
    """A LoRA as a request wants it: a safetensors file and its weight."""

    path: Path
    weight: float

    @property
    def slot(self) -> str:
        """Its name inside the networks, another one for another file: no dots are allowed there."""
        stamp = self.path.stat()
        said = f"{self.path} {stamp.st_mtime_ns} {stamp.st_size}"
        return f"lora_{hashlib.sha256(said.encode()).hexdigest()[:16]}"


class Loras:
    """The LoRAs attached to one loaded model, whose name in sentences is `label`."""

    def __init__(self, label: str, settings: LoadSettings) -> None:
        self._label = label
        self._settings = settings
        self._pipeline: Any = None
        self._attached: OrderedDict[str, int] = OrderedDict()

    def apply(self, pipeline: Any, wanted: Sequence[ActiveLora]) -> bool:
        """Let exactly `wanted` act in the networks of `pipeline`; True where a compiled model changed.

        Raises RequestError (field `loras`) for a file that does not fit; then none is left on.
        """
        if self._attached and (not wanted or _networks(pipeline) != _networks(self._pipeline)):
            self.remove_all()
        slots = {each.slot: each for each in wanted}
        new = [slot for slot in slots if slot not in self._attached]
        self._pipeline = pipeline if wanted else None
        for slot in new:
            self._attach(slot, slots[slot])
        for slot in slots:
            self._attached.move_to_end(slot)
        if wanted:
            self._forget(keep=len(slots))
            pipeline.set_adapters(list(slots), [each.weight for each in wanted])
        return bool(new) and self._settings.warm_up

    def remove_all(self) -> None:
        """Leave the networks as they were before the first one came."""
        if self._pipeline is not None:
            self._pipeline.unload_lora_weights()
            self._settle()
            devices.free_memory()
        self._pipeline = None
        self._attached.clear()

    def _attach(self, slot: str, lora: ActiveLora) -> None:
        if self._settings.warm_up:
            placement.unfuse(self._pipeline)
        try:
            with fitting("LoRA", lora.path, self._label, "loras"):
                self._pipeline.load_lora_weights(
                    str(lora.path.parent),
                    weight_name=lora.path.name,
                    adapter_name=slot,
                    local_files_only=True,
                    use_safetensors=True,
                )
                if not any(slot in slots for slots in self._pipeline.get_list_adapters().values()):
                    raise ValueError("none of its layers is in the model")
                self._keep_exact(slot, lora)
        except RequestError:
            self.remove_all()
            raise
        self._attached[slot] = lora.path.stat().st_size
        self._settle()

    def _keep_exact(self, slot: str, lora: ActiveLora) -> None:
        """Beside weights kept in 8 bits an adapter is rounded to them and cannot compute: read it anew."""
        if self._settings.memory.storage is not Storage.FP8:
            return
        loaded = self._pipeline.lora_state_dict(
            str(lora.path.parent), weight_name=lora.path.name, local_files_only=True
        )
        tensors = loaded[0] if isinstance(loaded, tuple) else loaded
        for part in self._pipeline._lora_loadable_modules:
            network = getattr(self._pipeline, part, None)
            for name, parameter in network.named_parameters() if network is not None else ():
                if f".{slot}." in name:
                    exact = tensors.get(f"{part}.{name.replace(f'.{slot}', '')}", parameter)
                    parameter.data = exact.to(parameter.device, self._settings.dtype)

    def _settle(self) -> None:
        """Loading takes hooks off and puts them on again without knowing of the device."""
        placement.enable_offload(self._pipeline, self._settings)
        placement.bring_newcomers(self._pipeline, self._settings)

    def _forget(self, keep: int) -> None:
        """Let those unused for longest go until the rest is small enough; the last `keep` stay."""
        while len(self._attached) > keep and sum(self._attached.values()) > MOST_BYTES:
            slot, _ = self._attached.popitem(last=False)
            self._pipeline.delete_adapters(slot)


def tensors_hash(path: Path) -> str:
    """SHA-256 of a safetensors file without its header: the same whatever is noted in there.

    The hash by which other tools and sites know a LoRA.
    """
    stamp = path.stat()
    return _tensors_hash(path, stamp.st_mtime_ns, stamp.st_size)


@functools.lru_cache(maxsize=256)
def _tensors_hash(path: Path, stamp: int, size: int) -> str:
    """`stamp` and `size` make a changed file a new question."""
    del stamp, size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(8 + int.from_bytes(file.read(8), "little"))
        while part := file.read(_HASHED):
            digest.update(part)
    return digest.hexdigest()


def _networks(pipeline: Any) -> tuple[int, ...]:
    """Which modules a pipeline's LoRAs go into: pipelines of one model may have other UNets."""
    names = pipeline._lora_loadable_modules
    return tuple(id(getattr(pipeline, name, None)) for name in names)
