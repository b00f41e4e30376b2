"""Calls and storages of a weight file whose parts do not belong together: refused with what is wrong with each."""

import pickle
import struct
import zipfile

import pytest
from helpers.pickles import call, checkpoint, float_storage, name, text, write_archive

from mmfan.models.safe_load import CheckpointError, safe_load

FLOAT64 = call(name("numpy", "dtype"), text("f8"), b"\x89", b"\x88")
SCALAR = name("numpy._core.multiarray", "scalar")
RECONSTRUCT = name("numpy._core.multiarray", "_reconstruct")
ARRAY = call(RECONSTRUCT, name("numpy", "ndarray"), b"K\x00\x85", b"C\x01b")
ORDERED = call(name("collections", "OrderedDict"))
ONE = b"K\x00K\x01\x85K\x01\x85\x89N"  # offset 0, size (1,), stride (1,), without gradient and hooks


def untyped_storage(key, size):
    kind = name("torch", "UntypedStorage")
    return b"(" + text("storage") + kind + text(key) + text("cpu") + b"K" + bytes([size]) + b"tQ"


def tensor(version, *arguments):
    return name("torch._utils", f"_rebuild_{version}") + b"(" + b"".join(arguments) + b"tR"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (call(name("_codecs", "encode"), text("a"), text("utf8")), "it encodes something else than bytes"),
        (call(name("_codecs", "encode"), b"K\x01", text("latin1")), "it encodes something else than bytes"),
        (call(name("collections", "defaultdict"), name("torch", "Size")), "it asks for `a defaultdict of Size`"),
        (call(name("collections", "Counter"), b"}" + text("a") + text("b") + b"s"), "it has a str where a int belongs"),
        (FLOAT64 + b"(K\x03" + text("?") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb", "not of plain numbers"),
        (FLOAT64 + b"(K\x03" + text("<") + b"NN}J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb", "not of plain numbers"),
        (call(SCALAR, FLOAT64, b"C\x02ab"), "a number in it has 2 bytes instead of 8"),
        (call(SCALAR, text("f8"), b"C\x02ab"), "an array in it is not of plain numbers"),
        (call(RECONSTRUCT, name("torch", "Size"), b"K\x00\x85", b"C\x01b"), "`an array of the class torch.Size`"),
        (ARRAY + b"(K\x01K\x02\x85" + FLOAT64 + b"\x89C\x03abctb", r"an array in it of shape \(2,\) has 3 bytes"),
        (ORDERED + b"}" + text("_metadata") + b"}" + text("a") + b"}" + text("v") + b"]sssb", "module 'a' is not"),
        (ORDERED + b"}" + text("hook") + b"}sb", "it asks for `attributes of an OrderedDict`"),
        (tensor("tensor_v2", b"K\x01", ONE), "a tensor in it has no storage of numbers"),
        (tensor("tensor_v2", untyped_storage("0", 16), ONE), "a tensor in it has no storage of numbers"),
        (tensor("tensor_v3", float_storage("0", 4), ONE, text("f4")), "a tensor in it has no storage or no type"),
        (tensor("tensor_v3", untyped_storage("1", 3), ONE, name("torch", "float32")), "has 3 bytes, no multiple of 4"),
        (tensor("parameter", b"K\x01\x89N"), "a parameter in it has no tensor"),
        (name("torch._tensor", "_rebuild_from_type_v2") + b"(" + name("torch", "Size") * 2 + b")NtR", "something else"),
        (b"(" + text("module") + b"K\x01K\x02K\x03K\x04tQ", "it asks for `module`"),
        (b"K\x05Q", "it asks for `something outside the file`"),
        (b"(" + text("storage") + b"K\x01" + text("0") + text("cpu") + b"K\x04tQ", "not described as torch does"),
        (float_storage("0", -1), "not described as torch does"),
    ],
)  # fmt: skip
def test_refused_with_the_reason(tmp_path, program, message):
    records = {"0": bytes(16), "1": bytes(3)}
    with pytest.raises(CheckpointError, match=message):
        safe_load(write_archive(tmp_path / "a.pth", checkpoint(program), records))


def test_the_parts_that_are_changed_above_are_sound(tmp_path):
    sound = tensor("tensor_v3", untyped_storage("0", 16), ONE, name("torch", "float32"))
    records = {"0": struct.pack("<4f", 2.5, 0, 0, 0)}
    for program in (sound, tensor("tensor_v2", float_storage("0", 4), ONE), tensor("parameter", sound, b"\x89N")):
        assert safe_load(write_archive(tmp_path / "a.pth", checkpoint(program), records))["meta"].tolist() == [2.5]
    array = ARRAY + b"(K\x01K\x01\x85" + FLOAT64 + b"\x89C\x08" + struct.pack("<d", 0.5) + b"tb"
    assert safe_load(write_archive(tmp_path / "b.pth", checkpoint(array)))["meta"].tolist() == [0.5]


def old_file(path, program, keys, storages=b"", little=True):
    """A file of torch before 1.6: magic number, protocol, byte order, pickle, keys of storages, their numbers."""
    header = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": little}]
    parts = [pickle.dumps(part, 2) for part in header]
    path.write_bytes(b"".join([*parts, program, pickle.dumps(keys, 2), storages]))
    return path


def test_files_of_old_versions(tmp_path):
    program = checkpoint(tensor("tensor_v2", float_storage("0", 2), ONE))
    numbers = struct.pack("<q2f", 2, 2.5, 0)
    assert safe_load(old_file(tmp_path / "sound.pth", program, ["0"], numbers))["meta"].tolist() == [2.5]
    viewed = float_storage("0", 2).replace(b"tQ", text("view") + b"tQ")
    for parts, message in [
        ((program, ["1"], numbers), "its storages are not those that its pickle names"),
        ((program, [], b""), "its storages are not those that its pickle names"),
        ((program, ["0"], struct.pack("<q2f", 3, 2.5, 0)), "storage '0' has another length than declared"),
        ((program, ["0"], numbers[:-1]), "it ends in the middle"),
        ((checkpoint(float_storage("0", 1 << 20)), ["0"], numbers), "storage '0' is larger than the file"),
        ((checkpoint(viewed), ["0"], numbers), "it has views of storages"),
    ]:
        with pytest.raises(CheckpointError, match=message):
            safe_load(old_file(tmp_path / "wrong.pth", *parts))
    with pytest.raises(CheckpointError, match="in another byte order"):
        safe_load(old_file(tmp_path / "wrong.pth", program, ["0"], numbers, little=False))


def test_two_records_of_one_name_are_refused(tmp_path):
    path = write_archive(tmp_path / "a.pth", checkpoint(b"N"))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("archive/version", "4")
    with pytest.raises(CheckpointError, match="its records have one name or one place"):
        safe_load(path)
