"""The machine that reads pickles: data come out as Python's own unpickler gives them, other steps are refused."""

import io
import pickle
import struct
from collections import OrderedDict

import pytest
from helpers.pickles import name, text
from hypothesis import given
from hypothesis import strategies as st

from mmfan.models.weight_files import plain_pickle
from mmfan.models.weight_files.plain_pickle import (
    ExactReader,
    Kind,
    NotDataError,
    PickleError,
    PlainPickle,
    check_depth,
)

KINDS = {
    ("collections", "OrderedDict"): Kind("collections.OrderedDict", call=OrderedDict),
    ("_codecs", "encode"): Kind("_codecs.encode", call=str.encode),  # bytes of protocol 2
    ("here", "pair"): Kind("here.pair", call=lambda first, second: (first, second)),
    ("here", "fails"): Kind("here.fails", call=lambda: int("no number")),
    ("here", "silent"): Kind("here.silent", call=lambda: (_ for _ in ()).throw(RuntimeError)),
    ("here", "bytearray"): Kind("here.bytearray", new=bytearray),
}
for module in ("builtins", "__builtin__"):  # sets of protocols before 4
    KINDS |= {(module, kind.__name__): Kind(kind.__name__, call=kind) for kind in (set, frozenset, bytes)}


def find(module, attribute):
    kind = KINDS.get((module, attribute))
    if kind is None:
        raise NotDataError(f"{module}.{attribute}")
    return kind


def machine(content):
    return PlainPickle(
        ExactReader(io.BytesIO(content), len(content)),
        find,
        {bytearray: lambda target, state: target.extend(state)},
        lambda saved: ("outside", saved),
    )


def read(content):
    return machine(content).load()


keys = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
plain = st.recursive(
    keys | st.binary() | st.frozensets(keys) | st.sets(keys),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner) | st.tuples(inner),
    max_leaves=20,
)


@given(plain, st.integers(2, 5))
def test_data_are_what_pythons_own_reader_gives(value, protocol):
    found = read(pickle.dumps(value, protocol))
    assert found == value
    assert type(found) is type(value)


def test_what_old_and_odd_writers_use():
    assert read(b"(K\x01K\x02l.") == [1, 2]
    assert read(b"(K\x01" + text("a") + b"d.") == {1: "a"}
    assert read(b"](K\x01K\x02e.") == [1, 2]
    assert read(b"K\x01K\x020.") == 1
    assert read(b"K\x01(K\x02K\x031.") == 1
    assert read(b"K\x072\x86.") == (7, 7)
    assert read(b"U\x02ab.") == "ab"
    assert read(b"U\x02\xff\xfe.") == b"\xff\xfe"  # a string of Python 2 that was no text
    assert read(b"\x8b\x02\x00\x00\x00\x01\x02.") == 513
    assert read(b"\x96" + struct.pack("<Q", 2) + b"ab.") == bytearray(b"ab")
    assert read(b"K\x05q\x03" + b"0h\x03.") == 5
    assert read(b"K\x05Q.") == ("outside", 5)
    assert read(b"\x8f(K\x01K\x02\x90.") == {1, 2}
    assert read(b"(K\x01K\x02t.") == (1, 2)
    assert read(name("here", "pair") + b"K\x01K\x02\x86R.") == (1, 2)
    assert read(text("here") + text("pair") + b"\x93K\x01K\x02\x86R.") == (1, 2)
    assert read(name("here", "bytearray") + b")\x81C\x02abb.") == bytearray(b"ab")


def test_one_pickle_after_the_other_with_a_memory_of_its_own():
    several = machine(b"K\x05q\x00.K\x06.h\x00.")
    assert (several.load(), several.load()) == (5, 6)
    with pytest.raises(PickleError, match=r"do not fit together \(KeyError: 0\)"):
        several.load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it ends in the middle"),
        (b"K", "it ends in the middle"),
        (b"X\xff\xff\xff\xffab.", "it ends in the middle"),
        (b"\x8e" + b"\xff" * 8 + b".", "it ends in the middle"),
        (b"\x80\x06N.", "it is of a protocol later than 5"),
        (b"i.", "it has the opcode b'i', which data are not written with"),
        (b".", r"do not fit together \(IndexError"),
        (b"X\x01\x00\x00\x00\xff.", r"do not fit together \(UnicodeDecodeError"),
        (b"c" + b"x" * 1001, "a name in it is too long"),
        (b"K\x01K\x02\x87.", "it takes more from its stack than is there"),
        (b"]K\x01K\x02s.", "it sets items of a list"),
        (b"}(K\x01u.", "it sets items of a dict"),
        (b"}]K\x02s.", "it has a list as the key of a dictionary"),
        (b"}]\x85K\x02s.", "it has a tuple as the key of a dictionary"),
        (b"\x8f(]\x90.", "it has a list as the key of a dictionary"),
        (b"}K\x01a.", "it appends to a dict"),
        (b"N(K\x01e.", "it appends to a NoneType"),
        (b"](K\x01\x90.", "it adds to a list"),
        (b"K\x01K\x02\x93.", "it has a name that is no text"),
        (b"\x8b" + struct.pack("<I", 257) + b"\x01" * 257 + b".", "it has an integer of 257 bytes"),
        (name("here", "pair") + b"]R.", "it has a call without arguments"),
        (name("here", "pair") + b")R.", r"do not fit together \(TypeError"),
        (name("here", "fails") + b")R.", r"^invalid literal for int"),
        (name("here", "silent") + b")R.", r"^RuntimeError$"),
    ],
)  # fmt: skip
def test_what_fits_nowhere_is_refused_with_the_reason(content, message):
    with pytest.raises(PickleError, match=message) as caught:
        read(content)
    assert not isinstance(caught.value, NotDataError)


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (name("os", "system") + b".", "os.system"),
        (b"K\x01)R.", "a call of int"),
        (name("here", "bytearray") + b")R.", "a call of here.bytearray"),
        (name("here", "pair") + b")\x81.", "a call of here.pair"),
        (b"]}b.", "attributes of a list"),
        (name("here", "pair") + b"}b.", "attributes of a here.pair"),
    ],
)
def test_what_is_outside_the_table_is_refused_by_name(content, asked):
    with pytest.raises(NotDataError, match=f"it asks for `{asked}`, which could run code") as caught:
        read(content)
    assert caught.value.asked == asked


def test_a_pickle_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(plain_pickle, "MOST_OPCODES", 100)
    assert read(b"N" * 99 + b".") is None
    with pytest.raises(PickleError, match="it has more than 100 steps"):
        read(b"N" * 100 + b".")


def test_nesting_has_a_limit_also_through_what_is_shared():
    def nested(depth):
        return b"]" * depth + b"a" * (depth - 1) + b"."

    assert read(nested(100)) is not None
    for deep in (nested(101), b"]q\x00h\x00a."):  # the second is a list inside itself
        with pytest.raises(PickleError, match="nested more than 100 deep"):
            read(deep)
    shared = []
    for _ in range(60):
        shared = [shared, shared]  # 2^60 ways down, 61 lists
    check_depth(shared)
    deeper = shared
    for _ in range(40):
        deeper = [deeper]
    with pytest.raises(PickleError, match="nested more than 100 deep"):
        check_depth(deeper)
