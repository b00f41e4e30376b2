"""Files that would run code, change the program that reads them, or fill its memory: refused, and nothing has happened.

Each pickle is written opcode by opcode. That no code ran is proved by a marker that the code would have left.
"""

import argparse
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
import torch
from helpers.pickles import call, checkpoint, float_storage, name, text, write_archive
from mmengine.logging import HistoryBuffer

from mmfan.models.safe_load import CheckpointError, safe_load

HISTORY = name("mmengine.logging.history_buffer", "HistoryBuffer")
GETATTR = name("builtins", "getattr")
BUILTINS = call(GETATTR, GETATTR, text("__self__"))


def refused(path, match="Refused to load"):
    with pytest.raises(CheckpointError, match=match):
        safe_load(path)


def programs(marker):
    """Ways from a pickle to a call of ``os.mkdir(marker)`` or of ``eval``."""
    mkdir, code = name("os", "mkdir"), text(f"__import__('os').mkdir({str(marker)!r})")
    evaluate = call(GETATTR, BUILTINS, text("eval"))
    empty = HISTORY + b")\x81"
    arguments = mkdir + name("torch", "Tensor") + b"(" + text(str(marker)) + b"tN"
    return {
        "a call": call(mkdir, text(str(marker))),
        "posix": call(name("posix", "mkdir"), text(str(marker))),
        "eval": call(name("builtins", "eval"), code),
        "eval of Python 2": call(name("__builtin__", "eval"), code),
        "exec by protocol 4": text("builtins") + text("exec") + b"\x93" + code + b"\x85R",
        "a dotted name": text("builtins") + text("getattr.__self__.eval") + b"\x93" + code + b"\x85R",
        "getattr to eval": call(evaluate, code),
        "the state setter of an object": empty + b"}" + text("__setstate__") + evaluate + b"sb" + code + b"b",
        "a slot of an object": empty + b"N}" + text("__setstate__") + mkdir + b"s\x86b" + text(str(marker)) + b"b",
        "a tensor made by anything": name("torch._tensor", "_rebuild_from_type_v2") + b"(" + arguments + b"tR",
        "nested torch.load": call(name("torch.storage", "_load_from_bytes"), b"C\x01x"),
        "torch.load": call(name("torch.serialization", "load"), text("x")),
        "partial": call(name("functools", "partial"), mkdir, text(str(marker))),
        "operator": call(name("operator", "methodcaller"), text("system"), code),
        "a defaultdict of mkdir": call(name("collections", "defaultdict"), mkdir),
        "an instruction of protocol 0": b"(" + text(str(marker)) + b"ios\nmkdir\n",
        "an object of protocol 1": b"(" + mkdir + text(str(marker)) + b"o",
        "keywords": mkdir + b")}" + text("path") + text(str(marker)) + b"s\x92",
        "a registered extension": b"\x82\x01",
        "mmengine's config": call(name("mmengine.config", "Config.fromstring"), code, text(".py")),
        "numpy's loader": call(name("numpy", "load"), text("x.npy")),
        "an array of another class": call(
            name("numpy.core.multiarray", "_reconstruct"), name("numpy", "memmap"), b"K\x00\x85", b"C\x01b"
        ),
    }


@pytest.mark.parametrize("way", list(programs("x")))
def test_no_way_leads_to_code(tmp_path, way):
    marker = tmp_path / "was_run"
    program = checkpoint(programs(marker)[way])
    refused(write_archive(tmp_path / "evil.pth", program), r"evil\.pth")
    header = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    (tmp_path / "old.pth").write_bytes(header + program + pickle.dumps([], 2))
    refused(tmp_path / "old.pth", r"old\.pth")
    (tmp_path / "bare.pth").write_bytes(program)
    refused(tmp_path / "bare.pth", r"bare\.pth")
    assert not marker.exists()


def test_the_marker_shows_that_a_program_would_have_run(tmp_path):
    """With Python's own reader the first program does run, so the test above could fail."""
    marker = tmp_path / "was_run"
    pickle.loads(checkpoint(programs(marker)["a call"]))
    assert marker.exists()


def test_getattr_gives_exactly_the_statistics_of_a_history(tmp_path):
    for attribute in ("__class__", "__init__", "__reduce_ex__", "update", "_statistics_methods"):
        refused(write_archive(tmp_path / "a.pth", checkpoint(call(GETATTR, HISTORY, text(attribute)))))
    for owner in (name("torch", "Tensor"), BUILTINS, text("x"), name("collections", "OrderedDict")):
        refused(write_archive(tmp_path / "a.pth", checkpoint(call(GETATTR, owner, text("min")))))
    allowed = write_archive(tmp_path / "a.pth", checkpoint(call(GETATTR, HISTORY, text("min"))))
    assert safe_load(allowed)["meta"] is HistoryBuffer.min
    refused(write_archive(tmp_path / "a.pth", checkpoint(call(call(GETATTR, HISTORY, text("min")), b"]"))))


TARGETS = {
    "a class": HISTORY,
    "another class": name("argparse", "Namespace"),
    "a dictionary's class": name("collections", "OrderedDict"),
    "a function": name("torch._utils", "_rebuild_tensor_v2"),
    "a type of numbers": name("torch", "float32"),
    "getattr": GETATTR,
    "a list": b"]",
    "a dictionary": b"}",
    "a size": call(name("torch", "Size"), b")"),
    "an ordered dictionary": call(name("collections", "OrderedDict")),
    "a history": HISTORY + b")\x81",
    "a namespace": name("argparse", "Namespace") + b")\x81",
}


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize("key", ["__class__", "__setstate__", "__dict__", "__code__", "__init__"])
def test_no_attribute_of_what_is_read_or_of_the_program_is_set(tmp_path, target, key):
    """Neither in an object's dictionary nor in its slots; the classes are as they were."""
    before = [dict(vars(kind)) for kind in (HistoryBuffer, argparse.Namespace)]
    for state in (b"}" + text(key) + text("x") + b"s", b"N}" + text(key) + text("x") + b"s\x86"):
        refused(write_archive(tmp_path / "a.pth", checkpoint(TARGETS[target] + state + b"b")), r"a\.pth")
    assert [dict(vars(kind)) for kind in (HistoryBuffer, argparse.Namespace)] == before


def test_a_type_of_numpy_is_not_changed_for_the_rest_of_the_program(tmp_path):
    """The byte order that a file gives its float64 is not that of all float64."""
    dtype = call(name("numpy", "dtype"), text("f8"), b"\x89", b"\x89")
    state = b"(K\x03" + text(">") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00tb"
    found = safe_load(write_archive(tmp_path / "a.pth", checkpoint(dtype + state)))["meta"]
    assert found == np.dtype(">f8")
    assert np.dtype("f8").isnative


@pytest.mark.parametrize("code", ["O", "O8", "V8", "f8,O", "M8[s]", "(2,)f8"])
def test_arrays_of_objects_and_structures_are_refused(tmp_path, code):
    refused(write_archive(tmp_path / "a.pth", checkpoint(call(name("numpy", "dtype"), text(code)))), "of the type")


def test_an_element_size_that_is_not_the_types_own_is_refused(tmp_path):
    """Set after the array was made, it would let numpy read beyond the array's memory."""
    dtype = call(name("numpy", "dtype"), text("U1"), b"\x89", b"\x88")
    state = b"(K\x03" + text("<") + b"NNN" + b"J\x00\x10\x00\x00" + b"K\x04" + b"K\x08tb"
    refused(write_archive(tmp_path / "a.pth", checkpoint(dtype + state)), "elements of 4096 bytes")


def test_a_text_of_code_points_that_are_none_is_refused(tmp_path):
    """numpy would hand it to Python, which fails where it is first printed."""
    dtype = call(name("numpy", "dtype"), text("U1"), b"\x89", b"\x88")
    program = call(name("numpy._core.multiarray", "scalar"), dtype, b"C\x04\x00\x00\x11\x00")
    refused(write_archive(tmp_path / "a.pth", checkpoint(program)), "a text in it is none")


def tensor(storage, offset, size, stride):
    def numbers(values):
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"

    arguments = storage + b"\x8a\x08" + struct.pack("<q", offset) + numbers(size) + numbers(stride) + b"\x89N"
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + arguments + b"tR"


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (5,), (1,)),
        (4, (1,), (1,)),
        (0, (2, 2), (3, 1)),
        (0, (1 << 40,), (1,)),
        (0, (1 << 40,), (0,)),
        (0, (1 << 40, 1 << 40), (0, 0)),
        (-1, (1,), (1,)),
        (0, (-1,), (1,)),
        (0, (2,), (-1,)),
        (0, (2, 2), (1,)),
        (1 << 62, (2,), (1 << 62,)),
    ],
)
def test_a_tensor_stays_within_its_storage(tmp_path, offset, size, stride):
    whole = tensor(float_storage("0", 4), 1, (3,), (1,))
    numbers = {"0": np.arange(4, dtype=np.float32).tobytes()}
    read = safe_load(write_archive(tmp_path / "whole.pth", checkpoint(whole), numbers))
    assert read["meta"].tolist() == [1, 2, 3]
    wrong = checkpoint(tensor(float_storage("0", 4), offset, size, stride))
    refused(write_archive(tmp_path / "wrong.pth", wrong, numbers), r"wrong\.pth.* tensor in it")


@pytest.mark.parametrize("elements", [3, 5, 1 << 30])
def test_a_storage_has_the_size_that_is_declared(tmp_path, elements):
    program = checkpoint(tensor(float_storage("0", elements), 0, (1,), (1,)))
    refused(write_archive(tmp_path / "a.pth", program, {"0": bytes(16)}), "has 16 bytes, not")
    refused(write_archive(tmp_path / "b.pth", program), "storage '0' are missing")


BOMBS = {
    "four declared gigabytes of bytes": b"B\xff\xff\xff\xff",
    "bytes without end": b"\x8e" + b"\xff" * 7 + b"\x00",
    "text without end": b"\x8d" + b"\xff" * 7 + b"\x00",
    "a bytearray without end": b"\x96" + b"\xff" * 7 + b"\x7f",
    "a far place in the memo": b"Nr\xff\xff\xff\xff\x8b\xff\xff\xff\x7f",
    "a long integer": b"\x8b\x00\x10\x00\x00" + bytes(4096),
    "lists in lists": b"]" * 200 + b"a" * 199,
    "tuples in tuples": b")" + b"\x85" * 100_000,
    "a dictionary in itself": b"}q\x00" + text("self") + b"h\x00s",
    "a key whose hash takes the stack": b"}" + b")" + b"\x85" * 1000 + b"Ns",
}


@pytest.mark.parametrize("bomb", list(BOMBS))
@pytest.mark.slow
def test_bombs_cost_nothing(tmp_path, bomb):
    tracemalloc.start()
    try:
        refused(write_archive(tmp_path / "bomb.pth", checkpoint(BOMBS[bomb])), r"bomb\.pth")
        assert tracemalloc.get_traced_memory()[1] < 64e6
    finally:
        tracemalloc.stop()


def test_lists_that_share_their_parts_are_read_once_each(tmp_path):
    """Thirty lists, each the one before twice: a thousand million leaves for who follows every way."""
    program = b"]q\x00" + b"".join(b"0](h%sh%seq%s" % (bytes([n]), bytes([n]), bytes([n + 1])) for n in range(30))
    assert len(safe_load(write_archive(tmp_path / "a.pth", checkpoint(program)))["meta"]) == 2


def test_globals_of_torch_are_as_before(tmp_path):
    def allowed():
        return list(getattr(torch.serialization, "get_safe_globals", list)())  # torch 2.1 has no such list

    before = allowed()
    torch.save({"a": torch.ones(2), "args": argparse.Namespace(x=1)}, tmp_path / "good.pth")
    assert safe_load(tmp_path / "good.pth")["args"].x == 1
    refused(write_archive(tmp_path / "evil.pth", checkpoint(programs(tmp_path / "m")["a call"])))
    assert allowed() == before
