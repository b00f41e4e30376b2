"""Pickles written opcode by opcode, for files that no honest program writes."""

import struct
import zipfile


def text(value):
    content = value.encode()
    return b"X" + struct.pack("<I", len(content)) + content


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def call(function, *arguments):
    """The result of a function called with at most three arguments, all of them opcodes."""
    return function + b"".join(arguments) + {0: b")", 1: b"\x85", 2: b"\x86", 3: b"\x87"}[len(arguments)] + b"R"


def checkpoint(value):
    """A whole pickle: {'state_dict': {}, 'meta': value}."""
    return b"\x80\x02}" + text("state_dict") + b"}s" + text("meta") + value + b"s."


def write_archive(path, pickle, records=None, root="archive"):
    """A file as torch.save writes it, around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{root}/data.pkl", pickle)
        archive.writestr(f"{root}/byteorder", "little")
        for key, content in (records or {}).items():
            archive.writestr(f"{root}/data/{key}", content)
        archive.writestr(f"{root}/version", "3\n")
    return path


def float_storage(key, elements):
    """What stands for a storage of float32."""
    return (
        b"(" + text("storage") + name("torch", "FloatStorage") + text(key) + text("cpu")
        + b"J" + struct.pack("<i", elements) + b"tQ"
    )  # fmt: skip


def write_program(path, marker):
    """A checkpoint that makes the folder ``marker`` when Python's own reader reads it."""
    return write_archive(path, checkpoint(call(name("os", "mkdir"), text(str(marker)))))
