"""Honest files of every form come back as they were; damaged ones, and other files, are named as what they are."""

import argparse
import pickle
import zipfile
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from helpers.pickles import call, checkpoint, name, text, write_archive
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from torch import nn

from mmfan.models.safe_load import CheckpointError, safe_load
from mmfan.models.weight_files.tensors import NotPlain

FORMS = [
    {},
    {"_use_new_zipfile_serialization": False},
    {"pickle_protocol": 4},
    {"pickle_protocol": 5},
    {"pickle_protocol": 4, "_use_new_zipfile_serialization": False},
]


def history():
    buffer = HistoryBuffer()
    buffer.update(1.0)
    buffer.update(2.5, 3)
    return buffer


def attributed(tensor):
    tensor.note = "a Python attribute"
    return tensor


TENSORS = {
    "float32": torch.arange(6.0).reshape(2, 3),
    "float16": torch.arange(3.0).half(),
    "bfloat16": torch.arange(3.0).bfloat16(),
    "int64": torch.tensor(7),
    "uint8": torch.arange(3, dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "complex": torch.tensor([1 + 2j]),
    "transposed": torch.arange(6).reshape(2, 3).t(),
    "expanded": torch.ones(1, 3).expand(4, 3),
    "empty": torch.zeros(0, 3),
    "parameter": nn.Parameter(torch.ones(2)),
    "frozen": nn.Parameter(torch.ones(2), requires_grad=False),
    "with attributes": attributed(torch.ones(2)),
    "parameter with attributes": attributed(nn.Parameter(torch.ones(2))),
}
VALUES = {
    "numbers": [-1, 10**20, 0.5, True, None, 1 + 2j],
    "texts": ("", "Straße", b"", b"\xff\x00", bytearray(b"x")),
    "sets": [{1, 2}, frozenset({"a"}), range(1, 9, 2), slice(1, None)],
    "a type": torch.float16,
    "a device": torch.device("cuda", 1),
    "a size": torch.Size([2, 3]),
    "an ordered dictionary": OrderedDict(b=1, a=2),
    "a default": defaultdict(list, a=[1]),
    "a counter": Counter([3, 3, 5]),
    "a numpy number": np.float64(0.25),
    "a numpy truth": np.bool_(True),
    "a numpy text": np.str_("ab"),
    "a numpy type": np.dtype("<u2"),
}
ARRAYS = {
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "texts": np.array(["a", "bcd"]),
    "big-endian": np.arange(3).astype(">i4"),
}


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_was_saved_comes_back(tmp_path, form):
    content = {"tensors": TENSORS, "values": VALUES, "arrays": ARRAYS, "history": history()}
    content["args"], content["config"] = argparse.Namespace(lr=1e-3, opt=["a"]), ConfigDict(a=1, b={"c": (2, [3])})
    torch.save(content, tmp_path / "a.pth", **form)
    read = safe_load(tmp_path / "a.pth")
    for key, tensor in TENSORS.items():
        found = read["tensors"][key]
        assert torch.equal(found, tensor), key
        assert (found.dtype, found.stride(), found.requires_grad) == (
            tensor.dtype,
            tensor.stride(),
            tensor.requires_grad,
        )
        assert isinstance(found, nn.Parameter) is isinstance(tensor, nn.Parameter)
    for key, value in VALUES.items():
        assert type(read["values"][key]) is type(value)
        assert read["values"][key] == value, key
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(read["arrays"][key], array)
        assert read["arrays"][key].flags.f_contiguous == array.flags.f_contiguous
    assert vars(read["args"]) == {"lr": 1e-3, "opt": ["a"]}
    assert read["config"] == {"a": 1, "b": {"c": (2, [3])}}
    assert [part.tolist() for part in read["history"].data] == [[1.0, 2.5], [1, 3]]
    assert read["history"].statistics("mean") == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_views_of_one_storage_share_it_and_versions_of_modules_are_kept(tmp_path, form):
    base = torch.arange(10.0)
    torch.save({"a": base[2:5], "b": base[::3], "m": nn.BatchNorm1d(2).state_dict()}, tmp_path / "a.pth", **form)
    read = safe_load(tmp_path / "a.pth")
    read["a"][1] = 7.0
    assert read["b"].tolist() == [0, 7, 6, 9]
    assert read["m"]._metadata[""] == {"version": 2}


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_arrays_of_numpy_1_and_2_are_both_read(tmp_path, core):
    """Whichever is installed here."""
    dtype = call(name("numpy", "dtype"), text("f8"), b"\x89", b"\x88")
    number = call(name(f"{core}.multiarray", "scalar"), dtype, b"C\x08" + np.float64(1.5).tobytes())
    made = call(name(f"{core}.multiarray", "_reconstruct"), name("numpy", "ndarray"), b"K\x00\x85", b"C\x01b")
    array = made + b"(K\x01K\x02\x85" + dtype + b"\x89C\x10" + np.array([2.0, 3.0]).tobytes() + b"tb"
    write_archive(tmp_path / "a.pth", checkpoint(number + array + b"\x86"))
    found = safe_load(tmp_path / "a.pth")["meta"]
    assert found[0] == 1.5
    assert found[1].tolist() == [2.0, 3.0]


def test_strings_of_python_2_are_text(tmp_path):
    write_archive(tmp_path / "a.pth", checkpoint(b"U\x03abcT\x02\x00\x00\x00hi\x86"))
    assert safe_load(tmp_path / "a.pth")["meta"] == ("abc", "hi")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", FORMS[:2], ids=str)
def test_tensors_that_are_no_plain_arrays_are_named_so(tmp_path, form):
    eye = torch.eye(3)
    made = {
        "quantised": torch.quantize_per_tensor(eye, 0.1, 0, torch.quint8),
        "sparse": eye.to_sparse(),
        "without values (meta)": torch.empty(3, device="meta"),
        "conjugated or negated": torch.ones(2, dtype=torch.complex64).conj(),
    }
    torch.save(made, tmp_path / "a.pth", **form)
    assert safe_load(tmp_path / "a.pth") == {what: NotPlain(what) for what in made}
    torch.save({"a": eye.to_sparse_csr()}, tmp_path / "b.pth", **form)
    assert safe_load(tmp_path / "b.pth")["a"] == NotPlain("sparse")


def test_every_flipped_bit_is_found(tmp_path):
    """In the numbers, in the pickle and in a record that nothing refers to."""
    torch.save({"a": torch.arange(1000.0), "b": "a text that is found again"}, tmp_path / "whole.pth")
    write_archive(tmp_path / "other.pth", checkpoint(b"N"), {"0": b"seldom seen"})
    numbers = torch.arange(1000.0).numpy().tobytes()
    for file, sought in (("whole", numbers[400:420]), ("whole", b"text that is"), ("other", b"seldom seen")):
        content = bytearray((tmp_path / f"{file}.pth").read_bytes())
        content[content.index(sought) + 3] ^= 1
        (tmp_path / "flipped.pth").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"flipped\.pth.*checksum of its record \w+/d.* is wrong"):
            safe_load(tmp_path / "flipped.pth")


def test_a_file_written_without_checksums_is_read(tmp_path):
    """As torch.serialization.set_crc32_options(False) writes them: all are 0."""
    torch.save({"a": torch.arange(9.0)}, tmp_path / "a.pth")
    content = bytearray((tmp_path / "a.pth").read_bytes())
    for info in zipfile.ZipFile(tmp_path / "a.pth").infolist():
        entry = info.filename.encode()
        central = content.rindex(entry) - 46  # its entry in the index at the end
        content[central + 16 : central + 20] = bytes(4)
    (tmp_path / "a.pth").write_bytes(content)
    assert {info.CRC for info in zipfile.ZipFile(tmp_path / "a.pth").infolist()} == {0}
    assert safe_load(tmp_path / "a.pth")["a"].tolist() == list(range(9))


@pytest.mark.parametrize("offset", [b"\xff\xff\xff\x7f", b"\x01\x00\x00\x00", b"\x00\xff\xff\xff"])
def test_an_index_that_points_elsewhere_is_found(tmp_path, offset):
    torch.save({"a": torch.arange(9.0)}, tmp_path / "a.pth")
    content = bytearray((tmp_path / "a.pth").read_bytes())
    first = content.index(b"PK\x01\x02")
    content[first + 42 : first + 46] = offset
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.pth.*(where its index says|damaged zip archive)"):
        safe_load(tmp_path / "a.pth")


@pytest.mark.parametrize("form", FORMS[:2], ids=str)
def test_every_truncation_is_found(tmp_path, form):
    torch.save({"a": torch.arange(50.0), "b": torch.arange(3)}, tmp_path / "whole.pth", **form)
    content = (tmp_path / "whole.pth").read_bytes()
    for keep in {*range(0, len(content), 23), len(content) - 1}:
        (tmp_path / "cut.pth").write_bytes(content[:keep])
        with pytest.raises(CheckpointError, match=r"cut\.pth"):
            safe_load(tmp_path / "cut.pth")


HTML = "\n<!DOCTYPE html><html><title>Sign in</title></html>"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (HTML.encode(), r"is a web page \(it begins with '<!DOCTYPE html>.*download it again"),
        (LFS.encode(), "is a pointer of Git LFS.*git lfs pull"),
        (b"weights?\n" * 9, "is text .it begins with 'weights"),
        (b"\x1f\x8b\x08" + bytes(90), "is compressed; unpack it first"),
        (bytes(257) + b"ustar\x0000" + bytes(600), "is a tar archive"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00" + b'{"a":{"dtype":"F32"}}' + bytes(90), "is a safetensors file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "is no file of torch.save .it begins with 89 48 44 46"),
        (pickle.dumps({"a": 1}), "is a pickle, but not one of torch.save"),
        (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(7, 2), "is a pickle, but not one of torch.save"),
    ],
)
def test_files_of_another_kind_are_named_as_what_they_are(tmp_path, content, message):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"(?s)x\.pth.*{message}"):
        safe_load(tmp_path / "x.pth")


def test_a_folder_and_no_file_at_all(tmp_path):
    with pytest.raises(CheckpointError, match="is a folder"):
        safe_load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.pth does not exist"):
        safe_load(tmp_path / "none.pth")


def test_archives_of_another_kind(tmp_path):
    def archive(*entries, compression=zipfile.ZIP_STORED):
        with zipfile.ZipFile(tmp_path / "x.pth", "w", compression) as file:
            for entry in entries:
                file.writestr(entry, b"\x80\x02}." if entry.endswith("pkl") else b"little")
        return tmp_path / "x.pth"

    for entries, message in (
        (["model.pth", "readme.txt"], r"not of torch\.save.*it holds model\.pth, readme\.txt"),
        (["a/b/data.pkl"], r"not of torch\.save"),
        (["data.pkl"], r"not of torch\.save"),
        (["a/data.pkl", "b/data.pkl"], "2 of its records are called"),
        (["a/data.pkl", "a/constants.pkl", "a/code/x.py"], "TorchScript"),
    ):
        with pytest.raises(CheckpointError, match=message):
            safe_load(archive(*entries))
    assert safe_load(archive("a/data.pkl")) == {}
    with pytest.raises(CheckpointError, match=r"record a/data\.pkl is compressed"):
        safe_load(archive("a/data.pkl", compression=zipfile.ZIP_DEFLATED))
    with pytest.warns(UserWarning, match="Duplicate"):
        archive("a/data.pkl", "a/data.pkl")
    with pytest.raises(CheckpointError, match=r"of torch\.save|one name"):
        safe_load(tmp_path / "x.pth")


def test_numbers_of_another_byte_order_are_refused(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as whole, zipfile.ZipFile(tmp_path / "big.pth", "w") as big:
        for info in whole.infolist():
            content = b"big" if info.filename.endswith("byteorder") else whole.read(info)
            big.writestr(info.filename, content)
    if not any(info.filename.endswith("byteorder") for info in zipfile.ZipFile(tmp_path / "a.pth").infolist()):
        pytest.skip("this torch does not write the byte order")
    with pytest.raises(CheckpointError, match="another byte order"):
        safe_load(tmp_path / "big.pth")
