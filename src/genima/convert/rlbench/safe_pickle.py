# SPDX-License-Identifier: Apache-2.0
"""Reads the pickles of RLBench without unpickling: nothing that a file names is ever imported or called.

The operations of a pickle are taken apart by the standard library's `pickletools.genops`, which runs none of them, and are
carried out here on plain values. Of all names that a pickle may ask for, RLBench's two classes become inert records, those
with which NumPy stores arrays become arrays of numbers, and every other one is refused. Source: PEP 307 and 3154, the module
`pickletools`; NumPy's `array_reduce`, `array_setstate` and `arraydescr_setstate`.
"""

import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genima.errors import DatasetError

_CLASSES = {('rlbench.demo', 'Demo'), ('rlbench.backend.observation', 'Observation')}
_CORE = ('numpy.core', 'numpy._core')  # the second since NumPy 2
_VALUES = {
    *(('numpy', name) for name in ('ndarray', 'dtype')),
    *((f'{core}.multiarray', name) for core in _CORE for name in ('_reconstruct', 'scalar')),
    *((f'{core}.numeric', '_frombuffer') for core in _CORE),
    ('_codecs', 'encode'),  # bytes up to protocol 2
    *((module, '_reconstructor') for module in ('copyreg', 'copy_reg')),  # objects up to protocol 1
    *((module, name) for module in ('builtins', '__builtin__') for name in ('object', 'bytes')),
}
_DTYPE = re.compile(r'[<>|=]?[biuf][1248]')
_MARK = object()


@dataclass(frozen=True)
class _Name:
    """A class or function that a pickle mentions: only its name."""

    module: str
    name: str


@dataclass
class Record:
    """An object of one of RLBench's classes: the name of the class and the attributes, nothing that can be called."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Dtype:
    """A NumPy type of which the byte order is told later."""

    text: str


def read_pickle(data: bytes) -> Any:
    """Return what a pickle of RLBench holds: records, arrays of numbers, and plain Python values.

    Raises:
        DatasetError: if it names anything but RLBench's classes and NumPy's arrays, or is damaged.
    """
    try:
        return _Machine().run(data)
    except DatasetError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise DatasetError(f'the pickle is damaged or of an unknown kind ({error!r}); copy it again') from error


class _Machine:
    """A stack, a memo, and what each operation does with them. Errors name types only: a value may be endless as text."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        """Carry out the operations up to the end of the pickle, and return what is left."""
        for operation, argument, _ in pickletools.genops(data):
            name = operation.name
            if name == 'STOP':
                return self._stack.pop()
            if name in _LITERALS:
                self._stack.append(argument)
            elif name in _MADE:
                self._stack.append(_MADE[name]())
            elif name in _OPERATIONS:
                _OPERATIONS[name](self, argument)
            elif name not in ('PROTO', 'FRAME'):
                raise DatasetError(f'the pickle has the operation {name}, which no demonstration of RLBench needs')
        raise ValueError('it has no end')

    def put(self, argument: int | None) -> None:
        self._memo[len(self._memo) if argument is None else argument] = self._stack[-1]

    def get(self, argument: int) -> None:
        self._stack.append(self._memo[argument])

    def append(self, argument: None) -> None:
        self._extend([self._stack.pop()])

    def appends(self, argument: None) -> None:
        self._extend(self._marked())

    def set_item(self, argument: None) -> None:
        value = self._stack.pop()
        self._update([self._stack.pop(), value])

    def set_items(self, argument: None) -> None:
        self._update(self._marked())

    def make_tuple(self, argument: None) -> None:
        self._stack.append(tuple(self._marked()))

    def make_list(self, argument: None) -> None:
        self._stack.append(self._marked())

    def make_dict(self, argument: None) -> None:
        items = self._marked()
        self._stack.append({})
        self._update(items)

    def name(self, argument: str | None) -> None:
        """Put a name on the stack, if it is one of those that are known here."""
        if argument is None:
            name, module = self._stack.pop(), self._stack.pop()
        else:
            module, name = argument.split(' ', 1)
        if (module, name) not in _CLASSES | _VALUES:
            raise DatasetError(
                f'the pickle asks for {module}.{name}, which is neither an array nor a class of RLBench. It was refused and '
                'nothing was run; do not open the file with anything else unless you know who made it'
            )
        self._stack.append(_Name(module, name))

    def new_object(self, argument: None) -> None:
        """Replace a class and its arguments by an empty record."""
        arguments, name = self._stack.pop(), self._stack.pop()
        if arguments != ():
            raise ValueError('a class is given arguments')
        self._stack.append(_record(name))

    def reduce(self, argument: None) -> None:
        """Replace a function and its arguments by the value that they stand for."""
        arguments, name = self._stack.pop(), self._stack.pop()
        self._stack.append(_REDUCED[name.name](*arguments))

    def build(self, argument: None) -> None:
        """Give the topmost value its state."""
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, Record):
            target.fields.update(state)
        elif isinstance(target, np.ndarray):
            _, shape, dtype, is_fortran, data = state
            values = _array(data, dtype, shape, 'F' if is_fortran else 'C')
            own_state = (1, values.shape, values.dtype, bool(is_fortran), values.tobytes(order='A'))
            target.__setstate__(own_state)  # type: ignore[arg-type]  # NumPy wants a flag, its stub a np.bool
        elif isinstance(target, _Dtype):
            target.text = f'{state[1]}{target.text}'
        else:
            raise TypeError(f'{type(target).__name__} gets a state')

    def take(self, count: int) -> None:
        """Replace the topmost values by a tuple of them."""
        if len(self._stack) < count:
            raise IndexError('the stack is too short')
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def _marked(self) -> list[Any]:
        items: list[Any] = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _extend(self, items: list[Any]) -> None:
        if type(self._stack[-1]) is not list:
            raise TypeError(f'{type(self._stack[-1]).__name__} is no list')
        self._stack[-1].extend(items)

    def _update(self, items: list[Any]) -> None:
        if type(self._stack[-1]) is not dict:
            raise TypeError(f'{type(self._stack[-1]).__name__} is no dict')
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _record(name: object) -> Record:
    if not isinstance(name, _Name) or (name.module, name.name) not in _CLASSES:
        raise TypeError(f'{type(name).__name__} is no class of RLBench')
    return Record(name.name)


def _array(data: bytes, dtype: object, shape: tuple[int, ...], order: str) -> np.ndarray:
    return np.frombuffer(data, _number_type(dtype)).reshape(shape, order='F' if order == 'F' else 'C')


def _scalar(dtype: object, data: bytes) -> bool | int | float:
    number: bool | int | float = np.frombuffer(data, _number_type(dtype)).item()
    return number


def _number_type(dtype: object) -> np.dtype:
    if not isinstance(dtype, _Dtype) or not _DTYPE.fullmatch(dtype.text):
        raise TypeError('an array of something else than numbers')
    return np.dtype(dtype.text)


_REDUCED: dict[str, Callable[..., Any]] = {
    '_reconstruct': lambda kind, shape, typecode: np.zeros(0),
    '_frombuffer': lambda data, dtype, shape, order, axes=None: _array(bytes(data), dtype, shape, order),
    'scalar': _scalar,
    'dtype': lambda text, align, copy: _Dtype(text),
    'encode': lambda text, codec: text.encode('latin1'),
    'bytes': lambda: b'',
    '_reconstructor': lambda kind, base, state: _record(kind),
}
_LITERALS = {
    'INT', 'BININT', 'BININT1', 'BININT2', 'LONG', 'LONG1', 'LONG4', 'FLOAT', 'BINFLOAT', 'UNICODE', 'BINUNICODE',
    'SHORT_BINUNICODE', 'BINUNICODE8', 'BINBYTES', 'SHORT_BINBYTES', 'BINBYTES8', 'BYTEARRAY8',
}  # fmt: skip
_MADE: dict[str, Callable[[], Any]] = {
    'NONE': lambda: None,
    'NEWTRUE': lambda: True,
    'NEWFALSE': lambda: False,
    'MARK': lambda: _MARK,
    'EMPTY_LIST': list,
    'EMPTY_TUPLE': tuple,
    'EMPTY_DICT': dict,
}
_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(('PUT', 'BINPUT', 'LONG_BINPUT', 'MEMOIZE'), _Machine.put),
    **dict.fromkeys(('GET', 'BINGET', 'LONG_BINGET'), _Machine.get),
    'APPEND': _Machine.append,
    'APPENDS': _Machine.appends,
    'SETITEM': _Machine.set_item,
    'SETITEMS': _Machine.set_items,
    'TUPLE': _Machine.make_tuple,
    'TUPLE1': lambda machine, _: machine.take(1),
    'TUPLE2': lambda machine, _: machine.take(2),
    'TUPLE3': lambda machine, _: machine.take(3),
    'LIST': _Machine.make_list,
    'DICT': _Machine.make_dict,
    **dict.fromkeys(('GLOBAL', 'STACK_GLOBAL'), _Machine.name),
    'NEWOBJ': _Machine.new_object,
    'REDUCE': _Machine.reduce,
    'BUILD': _Machine.build,
}
