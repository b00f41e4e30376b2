"""A reader of pickles that builds data and nothing else.

A pickle is a program for a small stack machine. This one knows the opcodes that data are written with and refuses the
others; a name in the file is looked up in a table of the caller's, never imported; what the table gives is called or
filled only in the way that the table says. No attribute is read or set for the file. Python's own unpickler is not
used: it sets attributes (``BUILD``), calls methods of what it appends to, and allocates what a file declares.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pickle import decode_long
from typing import Any, BinaryIO

MOST_OPCODES = 5_000_000  # a file of a thousand weights and a year's history has some ten thousand
MOST_DEPTH = 100  # containers within containers; deeper ones overflow the stack of who copies or compares them
LONGEST_NAME = 1000
LONGEST_NUMBER = 256  # bytes of an integer

DICTS = (dict, OrderedDict, defaultdict, Counter)
PLAIN_KEYS = (str, int, float, bool, bytes, type(None))


class PickleError(ValueError):
    """Bytes that are no pickle, or one with more in it than data."""


class NotDataError(PickleError):
    """A pickle that asks for something outside the table.

    Attributes:
        asked: What it asks for.
    """

    def __init__(self, asked: str) -> None:
        super().__init__(f"it asks for `{asked}`, which could run code")
        self.asked = asked


@dataclass(frozen=True)
class Kind:
    """What a name in a pickle may be used for.

    Attributes:
        name: As the file spells it.
        call: Makes a value from the arguments that the file gives (``REDUCE``); None where it may not be called.
        new: The same for ``NEWOBJ``.
    """

    name: str
    call: Callable[..., Any] | None = None
    new: Callable[..., Any] | None = None


class ExactReader:
    """A file of which no more is asked for than is left, so that a declared length costs nothing."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.left = file, size

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes.

        Raises:
            PickleError: There are fewer.
        """
        content = self.file.read(count) if count <= self.left else b""
        if len(content) != count:
            raise PickleError("it ends in the middle")
        self.left -= count
        return content

    def line(self) -> str:
        """The text up to the next line break."""
        content = self.file.readline(min(LONGEST_NAME, self.left))
        if not content.endswith(b"\n"):
            raise PickleError("a name in it is too long")
        self.left -= len(content)
        return content[:-1].decode()


class PlainPickle:
    """One pickle after the other from a file.

    Args:
        reader: Where they are read from.
        find: The table: module and name -> value, mostly a :class:`Kind`.
        fill: Type -> function that takes a value and a state and fills it (``BUILD``).
        persistent: What stands for things outside the pickle.
    """

    def __init__(
        self,
        reader: ExactReader,
        find: Callable[[str, str], Any],
        fill: Mapping[type, Callable[[Any, Any], None]],
        persistent: Callable[[Any], Any],
    ) -> None:
        self.reader, self.find, self.fill, self.persistent = reader, find, fill, persistent
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The next value.

        Raises:
            PickleError: There is none, or it is more than data.
        """
        self.stack, self.marks, self.memo = [], [], {}
        read = self.reader.read
        try:
            for _ in range(MOST_OPCODES):
                code = read(1)
                if code == b".":
                    value = self.stack.pop()
                    check_depth(value)
                    return value
                step = STEPS.get(code)
                if step is None:
                    raise PickleError(f"it has the opcode {code!r}, which data are not written with")
                step(self)
        # what a wrong order of opcodes, or a wrong number or type of arguments, leads to
        except (
            IndexError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            UnicodeDecodeError,
            struct.error,
        ) as error:
            raise PickleError(f"its parts do not fit together ({type(error).__name__}: {error})") from error
        except (ValueError, RuntimeError) as error:
            if isinstance(error, PickleError):
                raise
            raise PickleError(str(error).splitlines()[0] if str(error) else type(error).__name__) from error
        raise PickleError(f"it has more than {MOST_OPCODES} steps")

    def marked(self) -> list[Any]:
        """What was pushed since the last mark."""
        values = self.stack
        self.stack = self.marks.pop()
        return values

    def put(self, number: int) -> None:
        """Remember the top of the stack."""
        self.memo[number] = self.stack[-1]

    def set_items(self, items: list[Any]) -> None:
        """Put keys and values, in turn, into the dictionary on top of the stack."""
        target = self.stack[-1]
        if type(target) not in DICTS or len(items) % 2:
            raise PickleError(f"it sets items of a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[plain_key(key)] = value

    def append(self, items: list[Any]) -> None:
        """Append to the list on top of the stack."""
        target = self.stack[-1]
        if type(target) is not list:
            raise PickleError(f"it appends to a {type(target).__name__}")
        target.extend(items)

    def reduce(self) -> None:
        """Call what the table allows to be called."""
        arguments, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(_made(kind, kind.call if isinstance(kind, Kind) else None, arguments))

    def new(self) -> None:
        """Make an empty value of a kind."""
        arguments, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(_made(kind, kind.new if isinstance(kind, Kind) else None, arguments))

    def build(self) -> None:
        """Fill a value with its state, as its type allows."""
        state, target = self.stack.pop(), self.stack[-1]
        fill = self.fill.get(type(target))
        if fill is None:
            raise NotDataError(f"attributes of a {_spoken(target)}")
        fill(target, state)

    def add(self) -> None:
        """Add to the set on top of the stack."""
        items, target = self.marked(), self.stack[-1]
        if type(target) is not set:
            raise PickleError(f"it adds to a {type(target).__name__}")
        target.update(map(plain_key, items))


def _spoken(value: Any) -> str:
    return value.name if isinstance(value, Kind) else type(value).__name__


def _made(kind: Any, make: Callable[..., Any] | None, arguments: Any) -> Any:
    if make is None:
        raise NotDataError(f"a call of {_spoken(kind)}")
    if type(arguments) is not tuple:
        raise PickleError("it has a call without arguments")
    return make(*arguments)


def plain_key(key: Any) -> Any:
    """A key of a dictionary or member of a set: something whose hash costs nothing.

    Raises:
        PickleError: It is none.
    """
    if type(key) in PLAIN_KEYS:
        return key
    if type(key) is tuple and all(type(part) in PLAIN_KEYS for part in key):
        return key
    raise PickleError(f"it has a {type(key).__name__} as the key of a dictionary")


def check_depth(value: Any) -> None:
    """Refuse containers within containers without end.

    Raises:
        PickleError: There are more than :data:`MOST_DEPTH`, or one is inside itself.
    """
    heights: dict[int, int] = {}
    path = [(value, _inside(value))]
    tallest = [0]  # of what is inside each container on the path
    while path:
        container, rest = path[-1]
        inner = next(rest, None)
        if inner is None:
            path.pop()
            heights[id(container)] = height = tallest.pop() + 1
            if tallest:
                tallest[-1] = max(tallest[-1], height)
            continue
        known = heights.get(id(inner))
        if len(path) + (known or 1) > MOST_DEPTH:
            raise PickleError(f"its parts are nested more than {MOST_DEPTH} deep")
        if known is None:
            path.append((inner, _inside(inner)))
            tallest.append(0)
        else:
            tallest[-1] = max(tallest[-1], known)


def _inside(value: Any) -> Iterator[Any]:
    """The containers directly inside a container."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return (part for part in parts if isinstance(part, (list, tuple, dict)))


def _number(form: str) -> Callable[[PlainPickle], int]:
    size = struct.calcsize(form)
    return lambda machine: struct.unpack(form, machine.reader.read(size))[0]


_1, _2, _4, _8, _signed, _float = map(_number, ("<B", "<H", "<I", "<Q", "<i", ">d"))


def _push(make: Callable[[PlainPickle], Any]) -> Callable[[PlainPickle], None]:
    def step(machine: PlainPickle) -> None:
        value = make(machine)  # which may put another stack in place
        machine.stack.append(value)

    return step


def _sized(length: Callable[[PlainPickle], int], decode: Callable[[bytes], Any]) -> Callable[[PlainPickle], None]:
    return _push(lambda machine: decode(machine.reader.read(length(machine))))


def _integer(content: bytes) -> int:
    if len(content) > LONGEST_NUMBER:
        raise PickleError(f"it has an integer of {len(content)} bytes")
    return decode_long(content)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


def _old_text(content: bytes) -> str | bytes:
    """A string of Python 2, which was text or bytes."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def _protocol(machine: PlainPickle) -> None:
    if _1(machine) > 5:
        raise PickleError("it is of a protocol later than 5")


def _mark(machine: PlainPickle) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _tuple(count: int) -> Callable[[PlainPickle], None]:
    def step(machine: PlainPickle) -> None:
        if len(machine.stack) < count:
            raise PickleError("it takes more from its stack than is there")
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return step


def _global(machine: PlainPickle) -> Any:
    module = machine.reader.line()
    return machine.find(module, machine.reader.line())


def _stack_global(machine: PlainPickle) -> Any:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise PickleError("it has a name that is no text")
    return machine.find(module, name)


def _dict(machine: PlainPickle) -> None:
    items = machine.marked()
    machine.stack.append({})
    machine.set_items(items)


def _set_item(machine: PlainPickle) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


STEPS: dict[bytes, Callable[[PlainPickle], Any]] = {
    b"\x80": _protocol,
    b"\x95": _8,  # a frame: its length says nothing that is needed
    b"(": _mark,
    b"0": lambda machine: machine.stack.pop(),
    b"1": lambda machine: machine.marked(),
    b"2": _push(lambda machine: machine.stack[-1]),
    b"N": _push(lambda machine: None),
    b"\x88": _push(lambda machine: True),
    b"\x89": _push(lambda machine: False),
    b"K": _push(_1),
    b"M": _push(_2),
    b"J": _push(_signed),
    b"\x8a": _sized(_1, _integer),
    b"\x8b": _sized(_4, _integer),
    b"G": _push(_float),
    b"X": _sized(_4, _text),
    b"\x8c": _sized(_1, _text),
    b"\x8d": _sized(_8, _text),
    b"T": _sized(_4, _old_text),
    b"U": _sized(_1, _old_text),
    b"B": _sized(_4, bytes),
    b"C": _sized(_1, bytes),
    b"\x8e": _sized(_8, bytes),
    b"\x96": _sized(_8, bytearray),
    b"]": _push(lambda machine: []),
    b"}": _push(lambda machine: {}),
    b")": _push(lambda machine: ()),
    b"\x8f": _push(lambda machine: set()),
    b"t": _push(lambda machine: tuple(machine.marked())),
    b"l": _push(lambda machine: machine.marked()),
    b"d": _dict,
    b"\x91": _push(lambda machine: frozenset(map(plain_key, machine.marked()))),
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"a": lambda machine: machine.append([machine.stack.pop()]),
    b"e": lambda machine: machine.append(machine.marked()),
    b"s": _set_item,
    b"u": lambda machine: machine.set_items(machine.marked()),
    b"\x90": PlainPickle.add,
    b"q": lambda machine: machine.put(_1(machine)),
    b"r": lambda machine: machine.put(_4(machine)),
    b"\x94": lambda machine: machine.put(len(machine.memo)),
    b"h": _push(lambda machine: machine.memo[_1(machine)]),
    b"j": _push(lambda machine: machine.memo[_4(machine)]),
    b"c": _push(_global),
    b"\x93": _push(_stack_global),
    b"R": PlainPickle.reduce,
    b"\x81": PlainPickle.new,
    b"b": PlainPickle.build,
    b"Q": _push(lambda machine: machine.persistent(machine.stack.pop())),
}
