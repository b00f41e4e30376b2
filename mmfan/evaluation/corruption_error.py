"""Mean corruption error: a model's errors as a share of those of a reference model."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmfan.evaluation.protocol import Cell
from mmfan.evaluation.selection import SummaryError, mean

if TYPE_CHECKING:  # summary.py offers mce too
    from mmfan.evaluation.summary import Summary


@dataclass(frozen=True)
class CorruptionError:
    """The corruption error of a model against a reference (1.0 = as bad as the reference; lower is better).

    Attributes:
        name: The model.
        reference: The reference model.
        protocol: The protocol of both.
        metric: The metric whose complement is the error.
        mce: Mean over the types of ``by_corruption``.
        relative_mce: The same of ``relative_by_corruption``; None if one of them is.
        by_corruption: Type -> CE.
        relative_by_corruption: Type -> relative CE; None where the type does not hurt the reference.
    """

    name: str
    reference: str
    protocol: str
    metric: str
    mce: float
    relative_mce: float | None
    by_corruption: dict[str, float]
    relative_by_corruption: dict[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        return dataclasses.asdict(self)


def mce(model: Summary, reference: Summary) -> CorruptionError:
    """The mean corruption error against a reference, and the relative one (fractions; the literature prints percent).

    As Hendrycks and Dietterich define them (arXiv 1903.12261, section 4.3), with the error E = 1 - metric summed over
    the severities s of type c, and the means over the types taken of::

        CE_c          = sum_s E_cs             / sum_s E_cs(reference)
        relative CE_c = sum_s (E_cs - E_clean) / sum_s (E_cs(reference) - E_clean(reference))

    Raises:
        SummaryError: The two are not over the same cells of the same protocol, data set and metric, one has no clean
            score, or the reference makes no error on a type.
    """
    for what in ("protocol", "dataset", "metric"):
        if getattr(model, what) != getattr(reference, what):
            raise SummaryError(
                f"{model.name!r} and {reference.name!r} differ in the {what}, so there is no mCE of them."
            )
    cells = [{Cell(name, at) for name, row in one.scores.items() for at in row} for one in (model, reference)]
    if cells[0] != cells[1] or model.clean is None or reference.clean is None:
        raise SummaryError(
            f"{model.name!r} and {reference.name!r} were not judged on the same cells, so there is no mCE of them.",
            sorted(cells[0] ^ cells[1]),
        )
    by_corruption: dict[str, float] = {}
    relative: dict[str, float | None] = {}
    for name, row in model.scores.items():
        error = math.fsum(1 - score for score in row.values())
        error_of_reference = math.fsum(1 - score for score in reference.scores[name].values())
        if error_of_reference == 0:
            raise SummaryError(
                f"The reference {reference.name!r} makes no error on {name}, so there is no mCE against it."
            )
        by_corruption[name] = error / error_of_reference
        drop = math.fsum(model.clean - score for score in row.values())
        drop_of_reference = math.fsum(reference.clean - score for score in reference.scores[name].values())
        relative[name] = drop / drop_of_reference if drop_of_reference > 0 else None
    defined = [value for value in relative.values() if value is not None]
    return CorruptionError(
        name=model.name,
        reference=reference.name,
        protocol=model.protocol,
        metric=model.metric,
        mce=mean(by_corruption.values()),
        relative_mce=mean(defined) if len(defined) == len(relative) else None,
        by_corruption=by_corruption,
        relative_by_corruption=relative,
    )
