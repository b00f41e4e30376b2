"""Weight files: bytes changed, archives taken apart, pickles rewritten opcode by opcode."""

import contextlib
import io
import pickle
import pickletools
import random
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import torch
from helpers import pickles
from mmengine.runner.checkpoint import load_checkpoint

from fuzz.judged import MARKER
from fuzz.mutations import mutate_bytes
from mmfan.apis.checkpoint import check_fit, dataset_meta, read_checkpoint, trained_classes
from mmfan.apis.resume import check_average, latest_checkpoint, read_to_resume
from mmfan.apis.weight_doors import own_reader
from mmfan.models.safe_load import safe_load
from mmfan.models.weight_files.checks import check_usable

FUNCTIONS = (
    *(("os", "mkdir"), ("posix", "mkdir"), ("builtins", "eval"), ("builtins", "getattr"), ("builtins", "__import__")),
    *(("os", "system"), ("subprocess", "call"), ("functools", "partial"), ("operator", "attrgetter"), ("nt", "mkdir")),
    *(("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"), ("torch", "load")),
    *(("torch._tensor", "_rebuild_from_type_v2"), ("torch.storage", "_load_from_bytes"), ("torch", "Size")),
    *(("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"), ("numpy", "dtype")),
    *(("codecs", "encode"), ("collections", "OrderedDict"), ("copyreg", "_reconstructor"), ("builtins", "bytearray")),
    *(("torch", "FloatStorage"), ("torch", "device"), ("builtins", "set"), ("pathlib", "PosixPath"), ("builtins", "x")),
    *(("mmengine.logging.history_buffer", "HistoryBuffer"), ("torch.nn.modules.linear", "Linear")),
)
TEXTS = (MARKER, f"mkdir {MARKER}", f"__import__('os').mkdir({MARKER!r})", "eval", "storage", "0", "cpu", "__class__")


def model_state():
    """The weights of a model of two layers."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).state_dict()


def whole_checkpoint():
    """What a training writes."""
    state = model_state()
    return {
        "state_dict": state,
        "ema_state_dict": {f"module.{name}": value.clone() for name, value in state.items()},
        "meta": {
            "epoch": 1, "iter": 4, "cfg": "model = dict()", "seed": 0, "experiment_name": "x", "time": "20240101",
            "dataset_meta": {"classes": ("road", "car"), "palette": [[1, 2, 3], [4, 5, 6]]},
        },
        "message_hub": {"log_scalars": {}, "runtime_info": {"iter": 4, "loss": np.float64(0.5)}, "resumed_keys": {}},
        "optimizer": {"state": {0: {"step": torch.tensor(4.0)}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]},
        "param_schedulers": [{"last_step": 4}],
    }  # fmt: skip


def saved(content, **options) -> bytes:
    """A file of torch.save."""
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def valid_files() -> list[bytes]:
    """Files of every form."""
    state, other = model_state(), OrderedDict(half=torch.ones(3, dtype=torch.float16), deep=torch.ones(2, 2).double())
    odd = {
        "0.weight": torch.arange(12, dtype=torch.int64).view(4, 3), "flag": torch.tensor(True), "array": np.arange(5),
        "strided": torch.arange(24.0).view(4, 6).t()[1:3], "shared": state["0.weight"][:2], "empty": torch.zeros(0, 3),
        "b": torch.zeros(2, dtype=torch.bfloat16), "parameter": torch.nn.Parameter(torch.ones(2)), "s": {1, 2},
    }  # fmt: skip
    whole = whole_checkpoint()
    return [
        *(saved(content) for content in (state, whole, odd, other, {"model": state}, [1, 2], torch.ones(3))),
        *(saved(content, _use_new_zipfile_serialization=False) for content in (state, whole, odd)),
        *(saved(whole, pickle_protocol=protocol) for protocol in (3, 4, 5)),
        saved({"q": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8)}),
        pickle.dumps({"state_dict": {}, "meta": {"a": [1, 2.0, None, "x", b"y"]}}),
    ]


def opcodes_of(content: bytes) -> list[bytes]:
    """A pickle cut into its opcodes; what comes after one that cannot be read is the last piece."""
    places = [0]
    with contextlib.suppress(Exception):  # whatever pickletools says of a broken pickle, the rest stays whole
        places += [place for _, _, place in pickletools.genops(content) if place]
    return [content[start:end] for start, end in zip(places, [*places[1:], None], strict=True)]


def any_opcode(rng: random.Random) -> bytes:
    """An opcode with an argument, a call of a function, or an entry of a dict."""
    function = pickles.name(*rng.choice(FUNCTIONS))
    word = pickles.text(rng.choice(TEXTS))
    number = struct.pack("<I", rng.choice((0, 1, 5, 255, 1 << 16, 1 << 31, (1 << 32) - 1)))
    return rng.choice((
        pickles.call(function, word), pickles.call(function, word, word), pickles.call(function), function, word,
        b"(" + word + function[1:].join((b"i", b"")), b"(" + function + word + b"o", function + word + b"\x85\x81",
        function + b")}\x92", word + pickles.text("mkdir") + b"\x93", function + b"0", b"}" + word + word + b"s" + b"b",
        pickles.text("meta") + pickles.call(function, word) + b"s", b"r" + number, b"j" + number, b"B" + number,
        b"X" + number, b"T" + number, b"\x8b" + number, b"\x8d" + number + number, b"\x8e" + number + number,
        b"\x96" + number + number, b"J" + number, b"M\xff\xff", b"K\x07", b"\x88", b"N", b"G" + rng.randbytes(8),
        b"(", b"0", b"1", b"2", b"}", b"]", b")", b"\x8f", b"\x85", b"\x86", b"\x87", b"t", b"l", b"d", b"a", b"e",
        b"s", b"u", b"b", b"R", b"Q", b"P0\n", b"\x81", b"\x92", b"\x93", b"\x94", b"\x90", b"\x91", b"\x82\x01",
        b"\x83\x01\x02", b"\x84" + number, b"q\x00", b"h\x00", b"p9\n", b"g9\n", b"I01\n", b"I99999999999999999999\n",
        b"L5L\n", b"F1e999\n",
        b"S'a'\n", b"S'\\x", b"Va\\ud800\n", b"\x95" + number + number, b"\x97", b"\x98", b".", rng.randbytes(2),
    ))  # fmt: skip


def mutate_pickle(rng: random.Random, content: bytes) -> bytes:
    """A pickle with opcodes left out, repeated, exchanged, put in."""
    parts = opcodes_of(content)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(parts))
        kind = rng.randrange(6)
        if kind <= 1:
            parts.insert(at, any_opcode(rng))
        elif kind == 2 and len(parts) > 1:
            del parts[at]
        elif kind == 3:
            parts.insert(at, parts[rng.randrange(len(parts))])
        elif kind == 4:
            other = rng.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        else:
            parts[at] = mutate_bytes(rng, parts[at])
    return b"".join(parts)


def mutate_archive(rng: random.Random, content: bytes) -> bytes:
    """An archive with one record changed, left out, renamed or there twice; its checksums are right again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        records = [(name, archive.read(name)) for name in archive.namelist()]
    at = next(place for place, (name, _) in enumerate(records) if name.endswith("data.pkl"))
    if rng.random() < 0.4:
        at = rng.randrange(len(records))
    name, record = records[at]
    kind = rng.randrange(10)
    if kind < 6:
        is_pickle = name.endswith(".pkl") and rng.random() < 0.8
        records[at] = (name, mutate_pickle(rng, record) if is_pickle else mutate_bytes(rng, record))
    elif kind == 6:
        del records[at]
    elif kind == 7:
        records.insert(rng.randrange(len(records)), (name, mutate_bytes(rng, record)))
    elif kind == 8:
        records[at] = (
            rng.choice((name + "x", "../" + name, "/" + name, name.upper(), "data.pkl", "a/data.pkl", "é")),
            record,
        )
    else:
        records[at] = (
            name,
            rng.choice((b"", bytes(rng.choice((1, 64, 1 << 20))), record * 2, record[:-1], record + b"x")),
        )
    stream = io.BytesIO()
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for each, data in records:
            archive.writestr(each, data)
    return stream.getvalue()


class Target:
    """A checkpoint, ``iter_2.pth``, and the note of a training that it is the last."""

    def __init__(self):
        self.files = valid_files()
        self.model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))

    def make(self, rng, folder):
        content = rng.choice(self.files)
        is_archive = content[:2] == b"PK"
        kind = rng.random()
        if kind < 0.6 and is_archive:
            content = mutate_archive(rng, content)
        elif kind < 0.7:
            content = mutate_pickle(rng, content)  # of an older file: its first pickle, or what follows it
        elif kind > 0.72:
            content = mutate_bytes(rng, content, tuple(self.files), head=200 if rng.random() < 0.5 else 0)
        (folder / "iter_2.pth").write_bytes(content)
        (folder / "last_checkpoint").write_text(str(folder / "iter_2.pth") if rng.random() < 0.8 else "iter_2.pth")

    def doors(self, folder):
        path = folder / "iter_2.pth"
        yield "safe_load", lambda: check_usable(safe_load(path), path)
        yield "test", lambda: self._for_test(path)
        yield "load_from", lambda: self._load_from(path)
        yield "resume", lambda: read_to_resume(latest_checkpoint(folder))

    def _for_test(self, path):
        content = read_checkpoint(path)
        trained_classes(content)
        dataset_meta(content)
        check_average(content, self.model.state_dict(), path)
        check_fit(self.model.state_dict(), content, path)

    def _load_from(self, path):
        with own_reader():
            load_checkpoint(self.model, str(path), map_location="cpu")
        assert all(bool(value.isfinite().all()) for value in self.model.state_dict().values())
