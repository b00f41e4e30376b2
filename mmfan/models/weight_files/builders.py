"""Names that a weight file may hold, each with what it may be used for.

Types of data, and functions that build data from data. There is no function here that takes a function, an attribute's
name or a module from the file. Where files hold ``getattr`` (mmengine's histories carry their four statistics) it
stands for exactly the methods of a list.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler import param_scheduler

from mmfan.models.weight_files import tensors
from mmfan.models.weight_files.plain_pickle import Kind, NotDataError, PickleError, plain_key

HISTORY = "mmengine.logging.history_buffer.HistoryBuffer"
CYCLE = "mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler"
_cycle = param_scheduler.OneCycleParamScheduler
# Functions that mmengine saves with its states, by the class they belong to: they compute a number from numbers.
METHODS: dict[tuple[str, str], Callable[..., Any]] = {
    **{(HISTORY, name): getattr(HistoryBuffer, name) for name in ("min", "max", "current", "mean")},
    **{(CYCLE, name): getattr(_cycle, name) for name in ("_annealing_cos", "_annealing_linear")},
}
FACTORIES = {"dict": dict, "list": list, "set": set, "int": int, "float": float, "OrderedDict": OrderedDict}
MOST_CODE = 0x10FFFF
NUMBERS = re.compile(r"[<>=|]?(?:[biufc]\d{1,2}|[US]\d{1,6}|\?)")


def _encoded(text: Any, encoding: Any) -> bytes:
    """Bytes as protocol 2 has them: text in Latin 1."""
    if type(text) is not str or encoding != "latin1":
        raise PickleError("it encodes something else than bytes")
    return text.encode("latin1")


def _bytes(content: Any = b"") -> bytes:
    return bytes(_of(content, bytes))


def _bytearray(content: Any = b"", encoding: Any = None) -> bytearray:
    return bytearray(_encoded(content, "latin1") if encoding == "latin-1" else _of(content, bytes))


def _of(value: Any, *kinds: type) -> Any:
    """A value that must be exactly of one of some types."""
    if type(value) not in kinds:
        raise PickleError(
            f"it has a {type(value).__name__} where a {' or '.join(kind.__name__ for kind in kinds)} belongs"
        )
    return value


def _set(items: Any = ()) -> set[Any]:
    return set(map(plain_key, _of(items, list, tuple)))


def _frozenset(items: Any = ()) -> frozenset[Any]:
    return frozenset(_set(items))


def _range(*ends: Any) -> range:
    return range(*(_of(end, int) for end in ends))


def _slice(*ends: Any) -> slice:
    return slice(*(_of(end, int, type(None)) for end in ends))


def _complex(real: Any, imaginary: Any) -> complex:
    return complex(_of(real, float, int), _of(imaginary, float, int))


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict((plain_key(key), value) for key, value in _of(pairs, list, tuple))


def _counter(counted: Any = None) -> Counter[Any]:
    return Counter({plain_key(key): _of(count, int) for key, count in _of(counted or {}, dict).items()})


def _default(factory: Any = None) -> defaultdict[Any, Any]:
    name = None if factory is None else getattr(factory, "name", "?").rpartition(".")[2]
    if name is not None and name not in FACTORIES:
        raise NotDataError(f"a defaultdict of {name}")
    return defaultdict(None if name is None else FACTORIES[name])


def _plain_dict(items: Any) -> dict[Any, Any]:
    """A ConfigDict of mmengine as the dictionary it is."""
    return dict(_of(items, dict))


def _method(owner: Any, name: Any) -> Callable[..., Any]:
    """The only thing that ``getattr`` is good for here."""
    found = METHODS.get((owner.name, name)) if isinstance(owner, Kind) and type(name) is str else None
    if found is None:
        raise NotDataError(f"getattr of {getattr(owner, 'name', type(owner).__name__)}")
    return found


def _dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype[Any]:
    """A type of plain numbers or text; always one of its own, so that filling it changes no other."""
    if type(code) is not str or not NUMBERS.fullmatch(code):
        raise PickleError(f"an array in it is of the type {code!r:.80}")
    return np.dtype(np.dtype(code), copy=True)


def _fill_dtype(dtype: Any, state: Any) -> None:
    """Byte order is all that may be set."""
    _, order, *rest = _of(state, tuple)
    if order not in ("<", ">", "=", "|") or len(rest) != 6 or any(part is not None for part in rest[:3]):
        raise PickleError(f"an array in it is of the type {state!r:.80}, not of plain numbers")
    if rest[3] not in (-1, dtype.itemsize) or rest[4] not in (-1, dtype.alignment):
        raise PickleError(f"an array in it has elements of {rest[3]!r:.20} bytes")
    dtype.__setstate__((3, order, None, None, None, rest[3], rest[4], 0))


def _scalar(dtype: Any, content: Any) -> Any:
    kind = _numeric(dtype)
    if len(_of(content, bytes)) != kind.itemsize:
        raise PickleError(f"a number in it has {len(content)} bytes instead of {kind.itemsize}")
    _check_text(content, kind)
    return np.frombuffer(content, kind)[0] if kind.itemsize else kind.type()


def _numeric(dtype: Any) -> np.dtype[Any]:
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biufcSU":
        raise PickleError("an array in it is not of plain numbers")
    return dtype


def _check_text(content: bytes | bytearray, kind: np.dtype[Any]) -> None:
    """Texts of numpy are made of code points, which must be some: Python breaks on others."""
    if (
        kind.kind == "U"
        and np.frombuffer(content, np.dtype("u4").newbyteorder(kind.byteorder)).max(initial=0) > MOST_CODE
    ):
        raise PickleError("a text in it is none")


def _empty_array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    if not isinstance(kind, Kind) or kind.name != "numpy.ndarray":
        raise NotDataError(f"an array of the class {getattr(kind, 'name', '?')}")
    return np.empty(0, np.int8)


def _fill_array(array: Any, state: Any) -> None:
    _, shape, dtype, fortran, content = _of(state, tuple)
    sizes, kind = tensors.counts(shape, "shape"), _numeric(dtype)
    elements = 1
    for length in sizes:
        elements *= length
    if len(_of(content, bytes)) != elements * kind.itemsize:
        raise PickleError(f"an array in it of shape {sizes} has {len(content)} bytes")
    _check_text(content, kind)
    array.__setstate__((1, sizes, kind, bool(fortran), content))


def _array(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """An array of protocol 5."""
    _check_text(_of(content, bytes, bytearray), _numeric(dtype))
    flat = np.frombuffer(content, dtype)
    return flat.reshape(tensors.counts(shape, "shape"), order="F" if order == "F" else "C").copy(order="K")


def _new_history() -> HistoryBuffer:
    return HistoryBuffer()


def _fill_history(history: Any, state: Any) -> None:
    """Values, counts and the greatest length; the statistics are those of the class."""
    parts = dict(_of(state, dict))
    parts.pop("statistics_methods", None)
    if set(parts) != {"max_length", "_log_history", "_count_history"} or not all(
        isinstance(parts[name], np.ndarray) and parts[name].ndim == 1 for name in ("_log_history", "_count_history")
    ):
        raise PickleError(f"a history in it has the parts {sorted(map(str, parts))!s:.120}")
    _of(parts["max_length"], int)
    vars(history).update(parts)


def _fill_namespace(namespace: Any, state: Any) -> None:
    parts = _of(state, dict)
    if not all(type(name) is str and not name.startswith("__") for name in parts):
        raise NotDataError("a Namespace with special names")
    vars(namespace).update(parts)


def _fill_ordered(ordered: Any, state: Any) -> None:
    """``_metadata``, the versions of modules that torch keeps with a state dict."""
    metadata = _of(state, dict).get("_metadata")
    if set(state) != {"_metadata"} or not isinstance(metadata, dict):
        raise NotDataError("attributes of an OrderedDict")
    for name, about in metadata.items():
        plain = isinstance(about, dict) and all(type(value) in (int, str, bool, type(None)) for value in about.values())
        if type(name) is not str or not plain:
            raise PickleError(f"what it says about the module {name!r:.80} is not plain")
    ordered._metadata = metadata


def _size(sizes: Any = ()) -> torch.Size:
    return torch.Size(tensors.counts(sizes, "size"))


def _device(kind: Any, number: Any = None) -> torch.device:
    return torch.device(_of(kind, str)) if number is None else torch.device(_of(kind, str), _of(number, int))


def _layout(name: Any) -> str:
    return str(_of(name, str))


FILL: Mapping[type, Callable[[Any, Any], None]] = {
    np.ndarray: _fill_array,
    HistoryBuffer: _fill_history,
    argparse.Namespace: _fill_namespace,
    OrderedDict: _fill_ordered,
    **{type(np.dtype(code)): _fill_dtype for code in ("b1", *"bBhHiIlLqQefdgFDG", "U1", "S1")},
}

_UTILS, _TENSOR = "torch._utils.", "torch._tensor."
CALLED: dict[str, Callable[..., Any]] = {
    "_codecs.encode": _encoded,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytearray,
    "builtins.set": _set,
    "builtins.frozenset": _frozenset,
    "builtins.range": _range,
    "builtins.slice": _slice,
    "builtins.complex": _complex,
    "builtins.getattr": _method,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "collections.defaultdict": _default,
    "mmengine.config.config.ConfigDict": _plain_dict,
    "numpy.dtype": _dtype,
    "numpy._core.multiarray._reconstruct": _empty_array,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.numeric._frombuffer": _array,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.serialization._get_layout": _layout,
    _UTILS + "_rebuild_tensor": tensors.strided,
    _UTILS + "_rebuild_tensor_v2": tensors.strided,
    _UTILS + "_rebuild_tensor_v3": tensors.typed,
    _UTILS + "_rebuild_parameter": tensors.parameter,
    _UTILS + "_rebuild_parameter_with_state": tensors.parameter,
    _TENSOR + "_rebuild_from_type_v2": tensors.with_attributes,
    _UTILS + "_rebuild_qtensor": tensors.not_plain("quantised"),
    _UTILS + "_rebuild_sparse_tensor": tensors.not_plain("sparse"),
    _UTILS + "_rebuild_sparse_csr_tensor": tensors.not_plain("sparse"),
    _UTILS + "_rebuild_nested_tensor": tensors.not_plain("nested"),
    _UTILS + "_rebuild_meta_tensor_no_storage": tensors.not_plain("without values (meta)"),
    _UTILS + "_rebuild_device_tensor_from_numpy": tensors.not_plain("of another device"),
    _UTILS + "_rebuild_device_tensor_from_cpu_tensor": tensors.not_plain("of another device"),
}
NEW: dict[str, Callable[..., Any]] = {
    "argparse.Namespace": argparse.Namespace,
    "collections.OrderedDict": OrderedDict,
    HISTORY: _new_history,
}
# Names that are arguments alone.
NAMED = (
    "builtins.dict", "builtins.list", "builtins.int", "builtins.float", "numpy.ndarray", "torch.Tensor",
    "torch.nn.parameter.Parameter", "torch.per_tensor_affine", "torch.per_channel_affine", CYCLE,
)  # fmt: skip


def _table() -> dict[str, Any]:
    names = {*CALLED, *NEW, *NAMED}
    table: dict[str, Any] = {name: Kind(name, CALLED.get(name), NEW.get(name)) for name in names}
    table |= {f"torch.{name}": value for name, value in vars(torch).items() if isinstance(value, torch.dtype)}
    for name, kind in tensors.storage_types().items():
        table[f"torch.{name}"] = table[f"torch.storage.{name}"] = kind
    # by protocol 4 a method is a name of its own
    table |= {f"{owner}.{name}": method for (owner, name), method in METHODS.items()}
    return table


TABLE = _table()


def find(module: str, name: str) -> Any:
    """What a name in a weight file stands for.

    Names of Python 2 (``__builtin__``) and of numpy 1 (``numpy.core``) are those of today.

    Raises:
        NotDataError: It is not in the table.
    """
    asked = f"{module}.{name}"
    if module == "__builtin__":
        asked = f"builtins.{'range' if name == 'xrange' else name}"
    elif module == "numpy.core" or module.startswith("numpy.core."):
        asked = f"numpy._core{module[len('numpy.core') :]}.{name}"
    if asked not in TABLE:
        raise NotDataError(f"{module}.{name}")
    return TABLE[asked]
