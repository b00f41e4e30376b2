"""Architectures of a family of backbones: an ``arch`` by name, or a dict of the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.errors import MMFanError, WrongTypeError


def resolve_arch(
    arch: str | Mapping[str, Any],
    table: Mapping[str, Mapping[str, Any]],
    required: Sequence[str],
    optional: Sequence[str] = (),
) -> dict[str, Any]:
    """Look up or check an ``arch``.

    Args:
        arch: A name in ``table`` or a dict of numbers.
        table: The published sizes.
        required: Numbers that a dict must give.
        optional: Numbers that it may give.

    Raises:
        MMFanError: An unknown name; a dict with missing or unknown numbers; the message lists the legal ones.
        TypeError: Neither a name nor a dict.

    >>> resolve_arch({"embed_dims": 64, "depth": 2}, {}, ("embed_dims", "depth"))
    {'embed_dims': 64, 'depth': 2}
    """
    if isinstance(arch, str):
        if arch not in table:
            raise MMFanError(f"Expected arch to be one of {list(table)} or a dict of numbers, got {arch!r}.")
        return dict(table[arch])
    if not isinstance(arch, Mapping):
        raise WrongTypeError(f"Expected arch to be a name or a dict of numbers, got {type(arch).__name__}.")
    missing = [name for name in required if name not in arch]
    unknown = [name for name in arch if name not in (*required, *optional)]
    if missing or unknown:
        raise MMFanError(
            f"Expected the arch dict to give {list(required)}"
            + (f" and perhaps {list(optional)}" if optional else "")
            + (f"; missing: {missing}" if missing else "")
            + (f"; unknown: {unknown}" if unknown else "")
            + "."
        )
    for name, value in arch.items():
        for number in value if isinstance(value, (tuple, list)) else [value]:
            if not isinstance(number, Mapping) and (not isinstance(number, int) or number < 1):
                raise MMFanError(f"Expected arch[{name!r}] to be made of positive whole numbers, got {value!r}.")
    return dict(arch)


def per_stage(values: Any, name: str, stages: int = 4) -> tuple[int, ...]:
    """Check that there is one number for each stage.

    Args:
        values: The numbers.
        name: What they are called, for messages.
        stages: How many stages there are.

    Raises:
        MMFanError: There is another number of them.

    >>> per_stage([2, 2, 6, 2], "arch['depths']")
    (2, 2, 6, 2)
    """
    if not isinstance(values, (tuple, list)) or len(values) != stages:
        raise MMFanError(f"Expected {name} to be {stages} numbers, one a stage, got {values!r}.")
    return tuple(values)


def check_out_indices(out_indices: Sequence[int], depth: int) -> tuple[int, ...]:
    """Check the blocks to tap: rising, distinct, in 0 .. depth - 1.

    Raises:
        MMFanError: With the index and the legal range.
    """
    if isinstance(out_indices, int):
        raise WrongTypeError(f"Expected out_indices to be a sequence of block indices, got the number {out_indices}.")
    indices = tuple(out_indices)
    for index in indices:
        if not isinstance(index, int) or not 0 <= index < depth:
            raise MMFanError(f"Expected out_indices to be blocks 0 to {depth - 1}, got {index!r} in {indices}.")
    if list(indices) != sorted(set(indices)):
        raise MMFanError(f"Expected out_indices to rise without repeats, got {indices}.")
    return indices


def check_out_levels(out_levels: Sequence[int] | None, count: int, name: str = "out_levels") -> tuple[int, ...]:
    """Check which of ``count`` outputs to hand on: rising, distinct, the last among them; ``None`` stands for all.

    Without the last output, the layers that only it depends on would be computed and never learn.

    Raises:
        MMFanError: With what was given and the legal range.

    >>> check_out_levels(None, 3), check_out_levels([1, 2], 3)
    ((0, 1, 2), (1, 2))
    """
    if out_levels is None:
        return tuple(range(count))
    levels = tuple(out_levels) if isinstance(out_levels, Sequence) else (out_levels,)
    if list(levels) != sorted(set(levels) & set(range(count))) or count - 1 not in levels:
        raise MMFanError(
            f"Expected {name} to be rising positions of outputs from 0 to {count - 1} that end with {count - 1}, "
            f"got {out_levels!r}."
        )
    return levels
