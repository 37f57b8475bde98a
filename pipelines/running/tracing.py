"""One forward pass as the list of its tensor operations, to be done again without the Python between them.

What depends on some inputs alone is computed again only where one of these changed: keys and values of the
words once for a picture, what a network makes of a timestep once for each timestep. The operations are the
same, on the same numbers, so the results are equal in every bit.

A trace holds for inputs of the shapes, types and layouts it was recorded with, and for a network that has not
changed since; who replays it sees to both.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

MOST_TIMESTEPS = 64
_FIRST = 1
"""The bit of the first input, where bits say which inputs something depends on."""
_ASKED = frozenset(
    (
        "size", "dim", "stride", "numel", "nelement", "ndimension", "element_size", "storage_offset",
        "get_device", "is_contiguous", "is_floating_point", "is_complex", "is_inference", "__len__",
    )
)  # fmt: skip
"""Methods that tell of a tensor's kind, not of its numbers."""


class Slot(NamedTuple):
    """The place of a tensor that is computed anew, in a table of all of them."""

    at: int


@dataclass(frozen=True, slots=True)
class Operation:
    """A function of torch, and what it is given: tensors that never change as they are, slots for others."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    flat: tuple[tuple[int, int], ...] | None
    """(position, slot) of each argument that is a slot; None where slots lie deeper or have names."""
    out: tuple[int, ...]
    many: bool
    """Whether it answers several tensors."""
    freed: tuple[int, ...] = ()
    """Slots that nothing reads after it."""

    def run(self, table: list[Any]) -> None:
        """Read from `table`, compute, and write into it."""
        if self.flat is None:
            args, kwargs = _filled(self.args, table), _filled(self.kwargs, table)
            result = self.function(*args, **kwargs)
        else:
            given = [*self.args]
            for position, slot in self.flat:
                given[position] = table[slot]
            result = self.function(*given, **self.kwargs)
        if self.many:
            for slot, tensor in zip(self.out, result, strict=True):
                table[slot] = tensor
        else:
            table[self.out[0]] = result
        for slot in self.freed:
            table[slot] = None


@dataclass(slots=True)
class Group:
    """Operations that depend on the same inputs, none of which changes at every step."""

    inputs: tuple[int, ...]
    operations: list[Operation]
    results: tuple[int, ...]
    """Slots that others read."""
    before: list[tuple[torch.Tensor, int]] = field(default_factory=list)
    """The inputs of the last time, and how often each had been written to."""

    def run(self, table: list[Any]) -> None:
        """Compute what is not there yet for these inputs."""
        now = [table[at] for at in self.inputs]
        same = len(self.before) == len(now) and all(
            one is other and other._version == written
            for one, (other, written) in zip(now, self.before, strict=True)
        )
        if not same:
            self.before = []  # what fails half-way is of no inputs
            for operation in self.operations:
                operation.run(table)
            self.before = [(tensor, tensor._version) for tensor in now]


@dataclass(slots=True)
class Timed:
    """Operations that depend on the timestep alone; their results are kept for each one."""

    group: Group
    at: int
    """The timestep's slot."""
    kept: OrderedDict[float, list[torch.Tensor]] = field(default_factory=OrderedDict)

    def run(self, table: list[Any]) -> None:
        """Compute what is not there yet for this timestep."""
        timestep = table[self.at].item()
        if (known := self.kept.get(timestep)) is None:
            for operation in self.group.operations:
                operation.run(table)
            self.kept[timestep] = [table[slot] for slot in self.group.results]
            if len(self.kept) > MOST_TIMESTEPS:
                self.kept.popitem(last=False)
            return
        self.kept.move_to_end(timestep)
        for slot, tensor in zip(self.group.results, known, strict=True):
            table[slot] = tensor


class Trace:
    """What was recorded. `timestep`: which of the inputs is one, a single number in main memory."""

    def __init__(self, record: _Record, outputs: Sequence[torch.Tensor], timestep: int) -> None:
        self._inputs = record.inputs
        self._table: list[Any] = [None] * len(record.reads)
        self._outputs = [record.slot(tensor) for tensor in outputs]
        seldom = sorted({mask for _, mask in record.operations if not mask & _FIRST}, key=int.bit_count)
        groups = [_group(record, mask, self._outputs) for mask in seldom]
        self._groups = [Timed(group, timestep) if group.inputs == (timestep,) else group for group in groups]
        steps = [operation for operation, mask in record.operations if mask & _FIRST]
        self._steps = _freeing(steps, self._outputs, record.inputs)

    def run(self, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The outputs for other inputs of the same kinds."""
        table = self._table
        table[: self._inputs] = inputs
        for group in self._groups:
            group.run(table)
        for operation in self._steps:
            operation.run(table)
        results = tuple(table[slot] for slot in self._outputs)
        for slot in range(self._inputs):
            table[slot] = None
        return results


def recorded(
    make: Callable[[], Sequence[torch.Tensor]], inputs: Sequence[torch.Tensor], timestep: int
) -> tuple[Sequence[torch.Tensor], Trace | None, str]:
    """What `make` makes of `inputs`, a trace of it, and where there is none, why.

    `inputs`: the first is the one that changes at every step. All that is computed stays in memory until it
    returns.
    """
    record = _Record(inputs)
    random = torch.get_rng_state()
    with record:
        outputs = make()
    if not torch.equal(random, torch.get_rng_state()):
        record.refused = "it draws random numbers"
    if not all(record.knows(tensor) for tensor in outputs):
        record.refused = "a result depends on none of its inputs"
    trace = None if record.refused else Trace(record, outputs, timestep)
    return outputs, trace, record.refused


class _Record(TorchFunctionMode):
    """Sees every operation while it is entered."""

    def __init__(self, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.inputs = len(inputs)
        self.refused = ""
        """Why the operations cannot stand for the pass."""
        self.reads = [1 << at for at in range(len(inputs))]
        """Of each slot, the inputs it depends on."""
        self.operations: list[tuple[Operation, int]] = []
        """With the inputs that each depends on."""
        self._slots = {id(tensor): at for at, tensor in enumerate(inputs)}
        self._alive: list[Any] = [*inputs]  # so that no later tensor gets the number of one of them
        if len(self._slots) < len(inputs):
            self.refused = "one tensor is two of its inputs"

    def knows(self, tensor: torch.Tensor) -> bool:
        """Whether it is an input or came of one."""
        return id(tensor) in self._slots

    def slot(self, tensor: torch.Tensor) -> int:
        """Where it is."""
        return self._slots[id(tensor)]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """See `TorchFunctionMode`."""
        kwargs = kwargs or {}
        given = [*_tensors(args), *_tensors(kwargs)]
        written = [tensor._version for tensor in given]
        result = func(*args, **kwargs)
        if [tensor._version for tensor in given] != written:
            self.refused = f"{func.__name__} writes into what it is given"
        if any(map(self.knows, given)):
            self._note(func, args, kwargs, result)
        return result

    def _note(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        many = type(result) in (list, tuple)
        tensors = [*result] if many else [result]
        if not all(isinstance(each, torch.Tensor) for each in tensors):
            if func.__name__ not in _ASKED and not _is_attribute(func):
                self.refused = f"what {func.__name__} answers depends on numbers"
            return
        places, named = self._placed(args), self._placed(kwargs)
        read = {*_slots(places), *_slots(named)}
        depends = 0
        for slot in read:
            depends |= self.reads[slot]
        out = tuple(self._slot_for(tensor, depends) for tensor in tensors)
        flat = tuple((at, place.at) for at, place in enumerate(places) if isinstance(place, Slot))
        whole = {slot for _, slot in flat} == read and not [*_slots(named)]
        operation = Operation(func, places, named, flat if whole else None, out, many)
        self.operations.append((operation, depends))

    def _slot_for(self, tensor: torch.Tensor, depends: int) -> int:
        if (found := self._slots.get(id(tensor))) is None:
            found = self._slots[id(tensor)] = len(self.reads)
            self.reads.append(depends)
            self._alive.append(tensor)
        return found

    def _placed(self, value: Any) -> Any:
        """`value` with a slot for each tensor that came of an input."""
        if isinstance(value, torch.Tensor):
            self._alive.append(value)
            return Slot(self.slot(value)) if self.knows(value) else value
        return _each(value, self._placed)


def _is_attribute(func: Any) -> bool:
    """Whether a function reads an attribute of a tensor, such as its shape."""
    return func.__name__ == "__get__"


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """A container with each of its values changed; other values as they are."""
    if type(value) in (list, tuple):
        return type(value)(change(each) for each in value)
    if type(value) is dict:
        return {key: change(each) for key, each in value.items()}
    return value


def _inside(value: Any) -> Iterable[Any]:
    """All that is not a container, in containers however deep."""
    if type(value) in (list, tuple):
        for each in value:
            yield from _inside(each)
    elif type(value) is dict:
        yield from _inside([*value.values()])
    else:
        yield value


def _tensors(value: Any) -> Iterable[torch.Tensor]:
    return (each for each in _inside(value) if isinstance(each, torch.Tensor))


def _slots(value: Any) -> Iterable[int]:
    return (each.at for each in _inside(value) if isinstance(each, Slot))


def _filled(value: Any, table: Sequence[Any]) -> Any:
    """The other way round than `_Record._placed`."""
    return table[value.at] if isinstance(value, Slot) else _each(value, lambda each: _filled(each, table))


def _reads(operation: Operation) -> set[int]:
    return {*_slots(operation.args), *_slots(operation.kwargs)}


def _group(record: _Record, depends: int, outputs: Sequence[int]) -> Group:
    """All that depends on exactly these inputs."""
    own = [operation for operation, mask in record.operations if mask == depends]
    others = [operation for operation, mask in record.operations if mask != depends]
    written = {slot for operation in own for slot in operation.out}
    asked = {*outputs, *(slot for operation in others for slot in _reads(operation))}
    results = tuple(sorted(written & asked))
    inputs = tuple(at for at in range(record.inputs) if depends >> at & 1)
    return Group(inputs, _freeing(own, results, record.inputs), results)


def _freeing(operations: Sequence[Operation], kept: Sequence[int], inputs: int) -> list[Operation]:
    """The same, and each lets go of what it reads or writes last, but for inputs and what is kept."""
    own = {slot for operation in operations for slot in operation.out} - {*kept, *range(inputs)}
    freeing: list[Operation] = []
    for operation in reversed(operations):
        last = own & ({*operation.out} | _reads(operation))
        own -= last
        freeing.append(replace(operation, freed=tuple(sorted(last))))
    return freeing[::-1]
