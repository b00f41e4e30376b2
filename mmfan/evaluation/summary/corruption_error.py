"""Mean corruption error: a model's errors as a share of those of a reference model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mmfan.evaluation.summary.averages import mean
from mmfan.evaluation.summary.selection import SummaryError


class Scored(Protocol):
    """What :func:`mce` compares: a :class:`Summary`, or a published row; scores are fractions."""

    @property
    def name(self) -> str:
        """The model."""

    @property
    def dataset(self) -> str:
        """The data set."""

    @property
    def protocol(self) -> str | None:
        """The name of the protocol."""

    @property
    def metric(self) -> str:
        """Which metric."""

    @property
    def clean(self) -> float | None:
        """The score on the clean pictures."""

    @property
    def by_corruption(self) -> Mapping[str, float]:
        """Type -> mean over its severities."""


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


def mce(model: Scored, reference: Scored) -> CorruptionError:
    """The mean corruption error against a reference, and the relative one (fractions; the literature prints percent).

    As Hendrycks and Dietterich define them (arXiv 1903.12261, section 4.3), with the error E = 1 - metric summed over
    the severities s of type c, and the means over the types taken of::

        CE_c          = sum_s E_cs             / sum_s E_cs(reference)
        relative CE_c = sum_s (E_cs - E_clean) / sum_s (E_cs(reference) - E_clean(reference))

    Both have the same severities of a type, so that the sums may be replaced by the means of the type: of a published
    reference they are all that is known.

    Raises:
        SummaryError: The two are not over the same cells of the same protocol, data set and metric, one has no clean
            score, or the reference makes no error on a type.
    """
    _check_comparable(model, reference)
    clean, clean_of_reference = model.clean or 0.0, reference.clean or 0.0
    by_corruption: dict[str, float] = {}
    relative: dict[str, float | None] = {}
    for name, score in model.by_corruption.items():
        score_of_reference = reference.by_corruption[name]
        if score_of_reference == 1:
            raise SummaryError(f"The reference {reference.name!r} makes no error on {name}, so there is no mCE by it.")
        by_corruption[name] = (1 - score) / (1 - score_of_reference)
        drop = clean_of_reference - score_of_reference
        relative[name] = (clean - score) / drop if drop > 0 else None
    defined = [value for value in relative.values() if value is not None]
    return CorruptionError(
        name=model.name,
        reference=reference.name,
        protocol=model.protocol or "",
        metric=model.metric,
        mce=mean(by_corruption.values()),
        relative_mce=mean(defined) if len(defined) == len(relative) else None,
        by_corruption=by_corruption,
        relative_by_corruption=relative,
    )


def _check_comparable(model: Scored, reference: Scored) -> None:
    names = f"{model.name!r} and {reference.name!r}"
    for what in ("protocol", "dataset", "metric"):
        values = getattr(model, what), getattr(reference, what)
        if values[0] != values[1]:
            raise SummaryError(
                f"{names} differ in the {what} ({values[0]} and {values[1]}), so there is no mCE of them."
            )
    # a published row is whole by definition, and has no cells
    odd = set(getattr(model, "missing", ())) ^ set(getattr(reference, "missing", ()))
    if odd or model.by_corruption.keys() != reference.by_corruption.keys() or None in (model.clean, reference.clean):
        raise SummaryError(f"{names} were not judged on the same cells, so there is no mCE of them.", sorted(odd))
