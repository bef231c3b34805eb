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

from genima.borders.files import reason
from genima.errors import DatasetError, GenimaError

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
MAX_OPERATIONS = 2_000_000
MAX_COPIES, ROOM_BYTES = 4, 2**24
"""All arrays together have no more than so many times the bytes of the file, and so many besides."""
MAX_INNER = 64
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
        return _Machine(len(data)).run(data)
    except GenimaError:
        raise
    except Exception as error:  # pickletools and NumPy have many
        raise DatasetError(f'the pickle is damaged or of an unknown kind ({reason(error)}); copy it again') from error


class _Machine:
    """A stack, a memo, and what each operation does with them. Errors name types only: a value may be endless as text.

    A value may stand in many others without taking room in the file, so what is copied is counted, and what has to be gone
    through later (tuples, keys) is kept flat.
    """

    def __init__(self, size: int) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._room = MAX_COPIES * size + ROOM_BYTES

    def run(self, data: bytes) -> Any:
        """Carry out the operations up to the end of the pickle, and return what is left."""
        for count, (operation, argument, _) in enumerate(pickletools.genops(data)):
            name = operation.name
            if count >= MAX_OPERATIONS:
                raise DatasetError(f'the pickle has more than {MAX_OPERATIONS} operations; no demonstration has as many')
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
        self._stack.append(_flat(tuple(self._marked())))

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
        self._stack.append(self._counted(_REDUCED[name.name](*arguments)))

    def build(self, argument: None) -> None:
        """Give the topmost value its state."""
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, Record):
            if type(state) is not dict:
                raise TypeError(f'a record gets {type(state).__name__}')
            target.fields.update(state)
        elif isinstance(target, np.ndarray):
            _, shape, dtype, is_fortran, data = state
            values = self._counted(_array(data, dtype, shape, 'F' if is_fortran else 'C'))
            own_state = (1, values.shape, values.dtype, bool(is_fortran), values.tobytes(order='A'))
            target.__setstate__(own_state)  # type: ignore[arg-type]  # NumPy wants a flag, its stub a np.bool
        elif isinstance(target, _Dtype):
            target.text = f'{state[1]}{target.text}'
            _number_type(target)
        else:
            raise TypeError(f'{type(target).__name__} gets a state')

    def take(self, count: int) -> None:
        """Replace the topmost values by a tuple of them."""
        if len(self._stack) < count:
            raise IndexError('the stack is too short')
        items = _flat(tuple(self._stack[-count:]))
        del self._stack[-count:]
        self._stack.append(items)

    def _counted(self, value: Any) -> Any:
        """Return a value that was made of others, if all of these together are not many times the file."""
        self._room -= value.nbytes if isinstance(value, np.ndarray) else len(value) if isinstance(value, bytes) else 0
        if self._room < 0:
            raise DatasetError('the pickle becomes many times as large as it is; no demonstration does')
        return value

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
        _check_keys(items[::2])
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _flat(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a tuple if there are tuples in it to a small depth only: comparing and hashing go all the way down.

    What RLBench and NumPy need is a tuple within the arguments of a function: a shape, a type.
    """
    inner = [item for item in items if type(item) is tuple]
    if sum(map(len, inner)) > MAX_INNER or any(type(each) is tuple for item in inner for each in item):
        raise DatasetError('the pickle has tuples in tuples in tuples, which no demonstration of RLBench needs')
    return items


def _check_keys(keys: list[Any]) -> None:
    for key in keys:
        if type(key) not in (str, int, bytes, bool, float, type(None)):
            raise TypeError(f'{type(key).__name__} is the key of a dict')


def _record(name: object) -> Record:
    if not isinstance(name, _Name) or (name.module, name.name) not in _CLASSES:
        raise TypeError(f'{type(name).__name__} is no class of RLBench')
    return Record(name.name)


def _array(data: object, dtype: object, shape: object, order: object) -> np.ndarray:
    if not isinstance(data, (bytes, bytearray)) or not isinstance(shape, tuple) or len(shape) > 8:
        raise TypeError(f'an array of {type(data).__name__} in the shape of {type(shape).__name__}')
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
    '_frombuffer': lambda data, dtype, shape, order, axes=None: _array(data, dtype, shape, order),
    'scalar': _scalar,
    'dtype': lambda text, align, copy: _Dtype(str(text)[:8]),
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
