"""The two forms of file that ``torch.save`` writes: a zip archive, and, before torch 1.6, pickles followed by numbers.

Every byte is read once, into memory, and its checksum compared; what a file declares is compared with what it has
before memory is taken for it.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import torch
from torch import Tensor

from mmfan.models.weight_files.builders import FILL, find
from mmfan.models.weight_files.errors import CheckpointError
from mmfan.models.weight_files.plain_pickle import ExactReader, NotDataError, PickleError, PlainPickle
from mmfan.models.weight_files.tensors import Storage, StorageType

ZIP_START, PICKLE_START = b"PK\x03\x04", b"\x80"
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
LOCAL_HEADER = struct.Struct("<4s22xHH")
CHUNK = 1 << 18  # bytes read before their checksum is taken, while they are in the processor's cache
LITTLE = sys.byteorder == "little"


def read_file(file: BinaryIO) -> Any:
    """What is in an open file.

    Raises:
        NotDataError: It asks for something that is no data.
        PickleError: It is damaged, or in no form that torch writes.
    """
    size = os.fstat(file.fileno()).st_size
    start = file.read(len(ZIP_START))
    file.seek(0)
    return read_zip(file, size) if start == ZIP_START else read_legacy(file, size)


def read_zip(file: BinaryIO, size: int) -> Any:
    """What is in an archive; see :func:`read_file`."""
    try:
        records = Records(file, size)
    except (zipfile.BadZipFile, struct.error, NotImplementedError, UnicodeDecodeError, LookupError) as error:
        raise PickleError(f"it is truncated or a damaged zip archive ({error})") from error
    content = records.bytes_of("data.pkl")
    value = PlainPickle(ExactReader(io.BytesIO(content), len(content)), find, FILL, records.storage).load()
    records.check_rest()
    return value


class Records:
    """The records of a zip archive as ``torch.save`` writes it: one folder, nothing compressed.

    Args:
        file: The open archive.
        size: Of the file in bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        infos = zipfile.ZipFile(file).infolist()
        self.root = _root([info.filename for info in infos])
        self.infos = {info.filename: info for info in infos}
        for info in infos:
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.compress_size != info.file_size:
                raise PickleError(f"its record {info.filename} is compressed; torch.save compresses nothing")
        if len(self.infos) != len(infos) or sum(info.file_size for info in infos) > size:
            raise PickleError("its records have one name or one place")
        # torch.serialization.set_crc32_options(False) writes no checksums at all
        self.checked = any(info.CRC for info in infos)
        self.seen: set[str] = set()
        self.storages: dict[str, Storage] = {}
        if f"{self.root}/byteorder" in self.infos and (self.bytes_of("byteorder") == b"little") != LITTLE:
            raise PickleError("its numbers are in another byte order than this machine's")

    def bytes_of(self, name: str) -> bytes:
        """The content of a record within the folder."""
        info = self.infos[f"{self.root}/{name}"]
        content = bytearray(info.file_size)
        self._read(info, memoryview(content))
        return bytes(content)

    def storage(self, saved: Any) -> Storage:
        """The storage that a pickle names."""
        dtype, key, elements = _storage_id(saved)
        if key not in self.storages:
            info = self.infos.get(f"{self.root}/data/{key}")
            if info is None:
                raise PickleError(f"the numbers of its storage {key!r:.80} are missing")
            self.storages[key] = Storage(dtype, info.file_size, lambda: self._tensor(info))
        return _as_declared(self.storages[key], dtype, key, elements)

    def check_rest(self) -> None:
        """Compare the checksums of what nobody asked for."""
        for info in self.infos.values():
            if info.filename not in self.seen:
                for _ in self._chunks(info, memoryview(bytearray(min(CHUNK, info.file_size)))):
                    pass

    def _tensor(self, info: zipfile.ZipInfo) -> Tensor:
        content = torch.empty(info.file_size, dtype=torch.uint8)
        self._read(info, content.numpy().data)
        return content

    def _read(self, info: zipfile.ZipInfo, target: memoryview) -> None:
        for _ in self._chunks(info, target):
            pass

    def _within(self, place: int, count: int, info: zipfile.ZipInfo) -> int:
        """A place in the file with so many bytes after it."""
        if not 0 <= place <= self.size - count:
            raise PickleError(f"its record {info.filename} is not where its index says")
        return place

    def _chunks(self, info: zipfile.ZipInfo, target: memoryview) -> Iterator[None]:
        """Read a record chunk by chunk into a buffer (a smaller one is written over again) and take its checksum."""
        self.seen.add(info.filename)
        self.file.seek(self._within(info.header_offset, LOCAL_HEADER.size, info))
        mark, name, extra = LOCAL_HEADER.unpack(self.file.read(LOCAL_HEADER.size))
        if mark != ZIP_START:
            raise PickleError(f"its record {info.filename} is not where its index says")
        start = info.header_offset + LOCAL_HEADER.size + name + extra
        self.file.seek(self._within(start, info.file_size, info))
        checksum, done = 0, 0
        while done < info.file_size:
            place = done if len(target) == info.file_size else 0
            part = target[place : place + min(CHUNK, info.file_size - done)]
            if self.file.readinto(part) != len(part):  # type: ignore[attr-defined]
                raise PickleError(f"it ends within its record {info.filename}")
            checksum, done = zlib.crc32(part, checksum), done + len(part)
            yield
        if self.checked and checksum != info.CRC:
            raise PickleError(
                f"the checksum of its record {info.filename} is wrong: it was damaged after it was written"
            )


def _root(names: list[str]) -> str:
    roots = [name.removesuffix("/data.pkl") for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise PickleError(
            f"it is a zip archive, but not of torch.save: {len(roots)} of its records are called data.pkl, not one; it "
            f"holds {', '.join(names[:4]) or 'nothing'}"
        )
    if f"{roots[0]}/constants.pkl" in names:
        raise NotDataError("TorchScript")
    return roots[0]


def _storage_id(saved: Any) -> tuple[torch.dtype | None, str, int]:
    """Element type, key and number of elements of what stands for a storage."""
    if type(saved) is not tuple or len(saved) < 5 or saved[0] != "storage":
        raise NotDataError(f"{saved[0]!s:.40}" if type(saved) is tuple and saved else "something outside the file")
    kind, key, elements = saved[1], saved[2], saved[4]
    if not isinstance(kind, StorageType) or type(key) is not str or type(elements) is not int or elements < 0:
        raise PickleError("a storage in it is not described as torch does")
    return kind.dtype, key, elements


def _as_declared(storage: Storage, dtype: torch.dtype | None, key: str, elements: int) -> Storage:
    if storage.dtype is not dtype or storage.size != elements * _itemsize(dtype):
        raise PickleError(f"its storage {key!r:.80} has {storage.size} bytes, not {elements} numbers of {dtype}")
    return storage


def _itemsize(dtype: torch.dtype | None) -> int:
    return 1 if dtype is None else dtype.itemsize


def read_legacy(file: BinaryIO, size: int) -> Any:
    """What is in a file of torch before 1.6; see :func:`read_file`."""
    storages: dict[str, Storage] = {}

    def storage(saved: Any) -> Storage:
        dtype, key, elements = _storage_id(saved)
        if len(saved) > 5 and saved[5] is not None:
            raise PickleError("it has views of storages, which torch has not written since 0.4")
        if key not in storages:
            needed = elements * _itemsize(dtype)
            if needed + sum(other.size for other in storages.values()) > size:
                raise PickleError(f"its storage {key!r:.80} is larger than the file")
            content = torch.empty(needed, dtype=torch.uint8)
            storages[key] = Storage(dtype, needed, lambda: content)
        return _as_declared(storages[key], dtype, key, elements)

    machine = PlainPickle(ExactReader(file, size), find, FILL, storage)
    if machine.load() != LEGACY_MAGIC or machine.load() != LEGACY_PROTOCOL:
        raise PickleError("it is a pickle, but not one of torch.save")
    about = machine.load()
    if not isinstance(about, dict) or about.get("little_endian") is not LITTLE:
        raise PickleError("its numbers are in another byte order than this machine's")
    value, keys = machine.load(), machine.load()
    if type(keys) is not list or set(keys) != set(storages):
        raise PickleError("its storages are not those that its pickle names")
    for key in keys:
        content = storages[key].content
        elements = struct.unpack("<q", machine.reader.read(8))[0]
        if elements * _itemsize(storages[key].dtype) != len(content):
            raise PickleError(f"its storage {key!r:.80} has another length than declared")
        if file.readinto(content.numpy().data) != len(content):  # type: ignore[attr-defined]
            raise PickleError("it ends in the middle")
        machine.reader.left -= len(content)
    return value


def sniff(start: bytes) -> str | None:
    """What a file that is no weight file looks like, and what to do; None for the two forms of torch.

    Args:
        start: Its first 512 bytes, or fewer if it has no more.

    >>> sniff(b"version https://git-lfs.github.com/spec/v1")
    'is a pointer of Git LFS, not the file itself; `git lfs pull` in its repository fetches it'
    """
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "is empty"
    if text[:1] == b"<":
        shown = text[:40].decode("latin1").split("\n")[0]
        return (
            f"is a web page (it begins with {shown!r}), as a login or error page that was saved in its place; "
            "download it again"
        )
    if start.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not the file itself; `git lfs pull` in its repository fetches it"
    if start[257:262] == b"ustar":
        return "is a tar archive; unpack it and give the weight file in it"
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")):
        return "is compressed; unpack it first"
    if start[8:9] == b"{" and start[5:8] == b"\0\0\0":
        return "is a safetensors file; load it with that package and torch.save its dictionary"
    if start.startswith((ZIP_START, PICKLE_START)):
        return None
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start):
        return f"is text (it begins with {start[:40].decode()!r}), not a file of torch.save"
    return f"is no file of torch.save (it begins with {start[:4].hex(' ')})"


def refusal(name: object, error: PickleError, size: int) -> CheckpointError:
    """The error for a file that was refused, with what to do about it."""
    if isinstance(error, NotDataError):
        return CheckpointError(
            f"Refused to load {name}: it holds something other than weights and numbers ({error}). If you made it, "
            "save its `state_dict` alone: torch.save(torch.load(FILE, weights_only=False)['state_dict'], NEW_FILE)."
        )
    return CheckpointError(f"Could not read {name} ({size} bytes); it is truncated, damaged or no checkpoint: {error}.")
