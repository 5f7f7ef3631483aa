"""Read a pickle of tensors without running anything that it names.

A pickle is a program for a small stack machine.  Python's own unpickler imports and calls what the
program names; this one interprets the few instructions that a dictionary of tensors needs, calls
nothing, and refuses every other name.  The names admitted are the ones by which PyTorch writes
tensors (``torch.load(weights_only=True)`` admits these as well) and ``OrderedDict``.
"""

from __future__ import annotations

import pickletools  # nosec B403 - reads opcodes, calls nothing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["PickleError", "StoredTensor", "TensorStorage", "read_restricted_pickle"]

_STORAGE_DTYPES: Final = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
"""PyTorch's names of typed storages, and the type of their numbers."""

_MOST_VALUES: Final = 1_000_000
"""Instructions in a pickle: EQTransformer, the largest of the networks, has about 8,000."""


class PickleError(ValueError):
    """The pickle holds something other than tensors in plain containers."""


@dataclass(frozen=True, slots=True)
class TensorStorage:
    """A one-dimensional array of numbers that lies in a record of the file."""

    dtype: str
    """Type of the numbers, in NumPy's words; ``bfloat16`` is the upper half of a float32."""
    key: str
    """Name of the record."""
    numbers: int
    """How many numbers there are."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A view of a storage."""

    storage: TensorStorage
    """Where the numbers are."""
    offset: int
    """Number of the first element in the storage."""
    shape: tuple[int, ...]
    """Length of each dimension."""
    strides: tuple[int, ...]
    """Distance between neighbors along each dimension, in numbers."""


def read_restricted_pickle(data: bytes) -> Any:
    """Return the value that a pickle describes, with tensors as `StoredTensor`.

    Raises `PickleError`, with the reason, if it holds anything but tensors and plain containers.
    """
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > _MOST_VALUES:
                raise PickleError(f"it has more than {_MOST_VALUES} instructions")
            if opcode.name == "STOP":
                return machine.pop()
            machine.run(opcode.name, argument)
    except PickleError:
        raise
    except (ValueError, IndexError, OverflowError) as error:
        raise PickleError(f"its pickle is damaged ({_brief(error)})") from error
    raise PickleError("its pickle has no end")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that the pickle refers to.  It is never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:100]


class _Mark:
    """Where the arguments of an instruction begin on the stack."""


class _Machine:
    """The stack and the memory of the pickle's program."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def run(self, instruction: str, argument: Any) -> None:
        """Run one instruction; raise `PickleError` if it is not admitted."""
        if instruction in _IGNORED:
            return
        if instruction in _CONSTANTS:
            self._stack.append(_CONSTANTS[instruction])
        elif instruction in _LITERALS:
            self._stack.append(argument)
        elif instruction in _INSTRUCTIONS:
            _INSTRUCTIONS[instruction](self, argument)
        else:
            raise PickleError(f"it uses the pickle instruction {instruction}")

    def pop(self) -> Any:
        """Take the last value off the stack."""
        if not self._stack or isinstance(self._stack[-1], _Mark):
            raise PickleError("its pickle is damaged (a value is missing)")
        return self._stack.pop()

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def top(self, kind: type) -> Any:
        """Return the last value, which must be of a type."""
        if not self._stack or type(self._stack[-1]) is not kind:
            raise PickleError(f"its pickle is damaged (a {kind.__name__} is missing)")
        return self._stack[-1]

    def pop_to_mark(self) -> list[Any]:
        """Take all values after the last mark off the stack, and the mark."""
        for place in range(len(self._stack) - 1, -1, -1):
            if isinstance(self._stack[place], _Mark):
                values = self._stack[place + 1 :]
                del self._stack[place:]
                return values
        raise PickleError("its pickle is damaged (a mark is missing)")

    def pop_tuple(self, length: int) -> None:
        """Make a tuple of the last values."""
        values = [self.pop() for _ in range(length)]
        self.push(tuple(reversed(values)))

    def remember(self, place: int | None) -> None:
        """Store the last value in the memory."""
        if not self._stack:
            raise PickleError("its pickle is damaged (a value is missing)")
        self._memory[len(self._memory) if place is None else place] = self._stack[-1]

    def recall(self, place: int) -> None:
        """Put a value from the memory on the stack."""
        if place not in self._memory:
            raise PickleError("its pickle is damaged (a value is missing)")
        self.push(self._memory[place])

    def set_items(self, values: list[Any]) -> None:
        """Add keys and values in turn to the dictionary that is the last value."""
        target = self.top(dict)
        if len(values) % 2:
            raise PickleError("its pickle is damaged (a value is missing)")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[_checked_key(key)] = value

    def refer(self, module: Any, name: Any) -> None:
        """Put a name on the stack if it is one of those admitted."""
        found = _Name(str(module), str(name))
        if str(found) not in _CALLS and not _is_storage(found):
            raise PickleError(f"it refers to {found}")
        self.push(found)

    def call(self) -> None:
        """Replace a name and its arguments by what they stand for."""
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, _Name) or str(name) not in _CALLS:
            raise PickleError(
                f"it calls {name if isinstance(name, _Name) else type(name).__name__}"
            )
        if not isinstance(arguments, tuple):
            raise PickleError("its pickle is damaged (arguments are missing)")
        self.push(_CALLS[str(name)](arguments))

    def set_attributes(self) -> None:
        """Drop the attributes of a dictionary, such as PyTorch's versions of its layers."""
        self.pop()
        self.top(dict)

    def store(self) -> None:
        """Replace the description of a storage by the storage."""
        self.push(_storage(self.pop()))


def _checked_key(key: Any) -> Any:
    if not isinstance(key, str | int | float | bool | None):
        raise PickleError(f"a dictionary has a key of type {type(key).__name__}")
    return key


def _is_storage(name: _Name) -> bool:
    return name.module == "torch" and name.name in _STORAGE_DTYPES


def _storage(description: Any) -> TensorStorage:
    match description:
        case ("storage", _Name() as kind, str(key), str(), int(numbers)) if _is_storage(kind):
            if type(numbers) is int and numbers >= 0:
                return TensorStorage(_STORAGE_DTYPES[kind.name], key, numbers)
    raise PickleError("a storage is not described as PyTorch does")


def _tensor(arguments: tuple[Any, ...]) -> StoredTensor:
    match arguments:
        case (TensorStorage() as storage, int(offset), tuple(shape), tuple(strides), *_):
            if all(type(number) is int for number in (offset, *shape, *strides)):
                return StoredTensor(storage, offset, shape, strides)
    raise PickleError("a tensor is not described as PyTorch does")


def _parameter(arguments: tuple[Any, ...]) -> StoredTensor:
    if arguments and isinstance(arguments[0], StoredTensor):
        return arguments[0]
    raise PickleError("a parameter is not described as PyTorch does")


def _ordered_dict(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    match arguments:
        case ():
            return {}
        case (list(pairs),) if all(type(p) in (list, tuple) and len(p) == 2 for p in pairs):
            return {_checked_key(key): value for key, value in pairs}
    raise PickleError("an OrderedDict is not described as Python does")


def _size(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    match arguments:
        case (list() | tuple() as lengths,):
            return tuple(lengths)
    raise PickleError("a torch.Size is not described as PyTorch does")


_CALLS: Final[Mapping[str, Callable[[tuple[Any, ...]], Any]]] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
}
"""The names that may be called, and what stands for them here."""

_IGNORED: Final = frozenset({"PROTO", "FRAME"})
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS: Final = frozenset(
    {
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "LONG4",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
    }
)
_INSTRUCTIONS: Final[Mapping[str, Callable[[_Machine, Any], None]]] = {
    "MARK": lambda machine, _: machine.push(_Mark()),
    "POP": lambda machine, _: (machine.pop(), None)[1],
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "TUPLE1": lambda machine, _: machine.pop_tuple(1),
    "TUPLE2": lambda machine, _: machine.pop_tuple(2),
    "TUPLE3": lambda machine, _: machine.pop_tuple(3),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "BINPUT": lambda machine, place: machine.remember(place),
    "LONG_BINPUT": lambda machine, place: machine.remember(place),
    "MEMOIZE": lambda machine, _: machine.remember(None),
    "BINGET": lambda machine, place: machine.recall(place),
    "LONG_BINGET": lambda machine, place: machine.recall(place),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "APPEND": lambda machine, _: _append(machine, [machine.pop()]),
    "APPENDS": lambda machine, _: _append(machine, machine.pop_to_mark()),
    "GLOBAL": lambda machine, names: machine.refer(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.refer(*[machine.pop(), machine.pop()][::-1]),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.set_attributes(),
    "BINPERSID": lambda machine, _: machine.store(),
}


def _append(machine: _Machine, values: list[Any]) -> None:
    machine.top(list).extend(values)
