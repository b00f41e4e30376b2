"""Recognition of a model by what it says of one picture: a callable cannot be hashed.

Records of a callable name the picture that was tried first and a signature of the prediction. A run that goes on with a
results file compares its own: another model under the same name would otherwise go on in the middle of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmfan.errors import MMFanError
from mmfan.evaluation.results.store import Record


class OtherModelError(MMFanError):
    """A results file holds cells of another model under the same name."""


def probe_entry(picture: str, signature: Sequence[float]) -> dict[str, Any]:
    """What a record says of it."""
    return {"picture": picture, "signature": list(signature)}


def differing(records: Iterable[Record], probe: Mapping[str, Any], tolerance: float) -> list[Record]:
    """Those records whose model said something else of the same picture.

    Args:
        records: Of one run.
        probe: From :func:`probe_entry`, of the model at hand.
        tolerance: Share of the signature that may differ.
    """
    found = []
    for record in records:
        other = record.get("probe")
        if not isinstance(other, Mapping) or other.get("picture") != probe["picture"]:
            continue
        if not alike(other.get("signature"), probe["signature"], tolerance):
            found.append(record)
    return found


def alike(one: Any, other: Sequence[float], tolerance: float) -> bool:
    """Whether two signatures are of one model; ``tolerance``: the share of the larger that may differ."""
    if not isinstance(one, Sequence) or len(one) != len(other):
        return False
    scale = max(sum(map(abs, one)), sum(map(abs, other)), 1.0)
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) <= tolerance * scale
