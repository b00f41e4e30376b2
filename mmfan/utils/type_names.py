"""Names of the types in configs.

A ``type`` is a name (``EncoderDecoder``), one with its package (``mmseg.EncoderDecoder``), the path of a class
(``mmseg.models.segmentors.EncoderDecoder``, as mmengine writes configs of classes to a file) or the class itself.
"""

from __future__ import annotations

from typing import Any


def full_name(kind: Any) -> str:
    """The name of a type as a config can hold it: what is no class keeps its own.

    >>> full_name("mmseg.EncoderDecoder"), full_name(Exception)
    ('mmseg.EncoderDecoder', 'builtins.Exception')
    """
    name = getattr(kind, "__qualname__", None)
    return f"{kind.__module__}.{name}" if isinstance(name, str) else str(kind)


def package_and_name(kind: Any) -> tuple[str, str]:
    """The package of a type, empty where none is said, and its own name.

    >>> package_and_name("mmseg.models.segmentors.EncoderDecoder"), package_and_name("EncoderDecoder")
    (('mmseg', 'EncoderDecoder'), ('', 'EncoderDecoder'))
    """
    place, _, name = full_name(kind).rpartition(".")
    return place.partition(".")[0], name


def same_type(one: Any, other: Any) -> bool:
    """Whether two types are one of the same package and name, however each is written.

    >>> (
    ...     same_type("mmfan.datasets.samplers.PassSampler", "mmfan.PassSampler"),
    ...     same_type("PassSampler", "mmfan.PassSampler"),
    ... )
    (True, False)
    """
    return package_and_name(one) == package_and_name(other)
