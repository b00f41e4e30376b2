"""Tensors of a weight file, built from its storages without trusting what it says about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmfan.models.weight_files.plain_pickle import PickleError

# An expanded tensor (stride 0) has more elements than its storage; one of many more would fill the memory when copied.
MOST_EXPANDED = 1 << 26

ELEMENTS = {
    "Double": torch.float64, "Float": torch.float32, "Half": torch.float16, "BFloat16": torch.bfloat16,
    "Long": torch.int64, "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8,
    "Bool": torch.bool, "ComplexDouble": torch.complex128, "ComplexFloat": torch.complex64,
    "QUInt8": torch.quint8, "QInt8": torch.qint8, "QInt32": torch.qint32,
    "QUInt4x2": torch.quint4x2, "QUInt2x4": torch.quint2x4,
}  # fmt: skip
QUANTISED = frozenset(dtype for name, dtype in ELEMENTS.items() if name.startswith("Q"))


@dataclass(frozen=True)
class NotPlain:
    """A tensor that is no plain array of numbers: quantised, sparse, without values, ...

    Attributes:
        what: Its kind, as messages have it.
    """

    what: str


@dataclass(frozen=True)
class StorageType:
    """A class of storages as a file names it: the type of its elements; None for bytes."""

    dtype: torch.dtype | None


class Storage:
    """A stretch of the file, read when the first tensor of it is built.

    Args:
        dtype: Of its elements; None for bytes.
        size: In bytes.
        read: Gives its content, (size,) uint8.
    """

    def __init__(self, dtype: torch.dtype | None, size: int, read: Callable[[], Tensor]) -> None:
        self.dtype, self.size, self._read = dtype, size, read
        self._content: Tensor | None = None

    @property
    def content(self) -> Tensor:
        """(size,) uint8; the same memory each time."""
        if self._content is None:
            self._content = self._read()
        return self._content


def storage_types() -> dict[str, StorageType]:
    """The storage classes of torch by their names."""
    return {f"{name}Storage": StorageType(dtype) for name, dtype in ELEMENTS.items()} | {
        name: StorageType(None) for name in ("UntypedStorage", "_UntypedStorage")
    }


def counts(values: Any, what: str) -> tuple[int, ...]:
    """A tuple of whole numbers of at least 0.

    Raises:
        PickleError: It is none.
    """
    if not isinstance(values, (tuple, list)) or not all(type(value) is int and value >= 0 for value in values):
        raise PickleError(f"the {what} of a tensor in it is {values!r:.80}")
    return tuple(values)


def strided(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False, hooks: Any = None, meta: Any = None
) -> Tensor | NotPlain:
    """A tensor over a part of a storage (``_rebuild_tensor_v2``)."""
    if not isinstance(storage, Storage) or storage.dtype is None:
        raise PickleError("a tensor in it has no storage of numbers")
    return typed(storage, offset, size, stride, requires_grad, hooks, storage.dtype, meta)


def typed(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: Any,
    meta: Any = None,
) -> Tensor | NotPlain:
    """A tensor of a type over a part of a storage of bytes (``_rebuild_tensor_v3``)."""
    if not isinstance(storage, Storage) or not isinstance(dtype, torch.dtype):
        raise PickleError("a tensor in it has no storage or no type")
    (start,), shape, steps = counts((offset,), "offset"), counts(size, "size"), counts(stride, "stride")
    if len(shape) != len(steps) or len(shape) > 64:
        raise PickleError(f"a tensor in it has {len(shape)} sizes and {len(steps)} strides")
    if meta:
        return NotPlain("conjugated or negated")
    if storage.dtype in QUANTISED or dtype in QUANTISED:
        return NotPlain("quantised")
    content = storage.content
    if len(content) % dtype.itemsize:
        raise PickleError(f"a storage in it has {len(content)} bytes, no multiple of {dtype.itemsize}")
    there = len(content) // dtype.itemsize
    elements = 1
    for length in shape:
        elements *= length
    last = start + sum((length - 1) * step for length, step in zip(shape, steps, strict=True)) if elements else start
    if last + bool(elements) > there or elements > max(there, MOST_EXPANDED):
        raise PickleError(f"a tensor in it of shape {shape} is larger than its storage of {there} numbers")
    tensor = torch.empty(0, dtype=dtype).set_(content.untyped_storage(), start, shape, steps)
    return tensor.requires_grad_(bool(requires_grad) and (tensor.is_floating_point() or tensor.is_complex()))


def parameter(data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Tensor | NotPlain:
    """A parameter (``_rebuild_parameter``); Python attributes that it had are left out."""
    if isinstance(data, NotPlain):
        return data
    if not isinstance(data, Tensor):
        raise PickleError("a parameter in it has no tensor")
    return torch.nn.Parameter(data.detach(), bool(requires_grad))


def with_attributes(build: Any, kind: Any, arguments: Any, state: Any = None) -> Tensor | NotPlain:
    """A tensor that had Python attributes (``_rebuild_from_type_v2``), without them."""
    call = getattr(build, "call", None)
    if call not in (strided, typed, parameter) or type(arguments) is not tuple:
        raise PickleError("a tensor in it is made by something else than a function for tensors")
    tensor: Tensor | NotPlain = call(*arguments)
    return tensor


def not_plain(what: str) -> Callable[..., NotPlain]:
    """A builder that says what the tensor is, whatever its arguments."""
    return lambda *arguments: NotPlain(what)
