"""Summary of changed cues: what a model keeps without one, and what it goes by where they are at odds.

Each change stands for itself: there is no mean over them. ``shape retention`` is the score without texture over the
clean one, ``texture retention`` the score without shape over the clean one. Of swapped textures the score itself says
little; the shape bias and the share of decisions that are neither do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmfan.evaluation.conditions.cue_settings import RETENTIONS, SWAPS
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record, RunKey, is_defined
from mmfan.evaluation.summary.family import scores_of_family

OF_SWAPS = ("shape_bias", "shape_bias_of_classes", "by_shape", "by_texture", "by_neither")


@dataclass(frozen=True)
class CueScore:
    """One change of cues; fractions.

    Attributes:
        name: The change.
        settings: Its settings in words; empty where it has none.
        score: Of the metric.
        kept: ``score / clean``; None without a clean score above 0.
        swaps: Of swapped textures, ``shape_bias`` and the like; None where no decision was one of the two. Empty for
            the other changes.
    """

    name: str
    settings: str
    score: float
    kept: float | None
    swaps: dict[str, float | None]


@dataclass(frozen=True)
class CueSummary:
    """One model under changes of cues.

    Attributes:
        name: The model.
        protocol: The name of the protocol, which is of one family.
        metric: Which metric.
        clean: Its score on the clean pictures; None if a partial summary has none.
        cues: The changes, in the order of the protocol.
        run: Which run the records are of.
    """

    name: str
    protocol: str
    metric: str
    clean: float | None
    cues: tuple[CueScore, ...]
    run: RunKey

    def kept(self, name: str) -> float | None:
        """What is kept under a change, the first of its name; None where it was not judged."""
        return next((one.kept for one in self.cues if one.name == name), None)

    def bias(self, name: str = SWAPS[0]) -> float | None:
        """The dense shape bias of swapped textures, the first of this name."""
        return next((one.swaps.get(OF_SWAPS[0]) for one in self.cues if one.name == name), None)

    @property
    def shape_retention(self) -> float | None:
        """The score without texture over the clean one."""
        return self.kept("texture_remove")

    @property
    def texture_retention(self) -> float | None:
        """The score without shape over the clean one."""
        return self.kept("shape_remove")

    def __str__(self) -> str:
        told = []
        for name, words in (*((one, "shape bias") for one in SWAPS), *RETENTIONS.items()):
            value = self.bias(name) if name in SWAPS else self.kept(name)
            if value is not None:
                told.append(f"{words} {value:.3f} ({name})" if name in SWAPS else f"{words} {100 * value:.2f} %")
        named = {*SWAPS, *RETENTIONS}
        told += [f"{one.name} {100 * one.score:.2f} %" for one in self.cues if one.name not in named]
        return ", ".join(told)

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        retentions = {words.replace(" ", "_"): self.kept(name) for name, words in RETENTIONS.items()}
        return {
            "name": self.name,
            "protocol": self.protocol,
            "metric": self.metric,
            "clean": self.clean,
            **retentions,
            "shape_bias": {name: self.bias(name) for name in SWAPS},
            "scores": {one.name: {"1": one.score} for one in self.cues},
            "cues": [asdict(one) for one in self.cues],
            "run": self.run._asdict(),
        }


def summarize_cues(
    records: Iterable[Record],
    protocol: str | Mapping[str, Any] | Protocol,
    metric: str = "mIoU",
    *,
    partial: bool = False,
) -> CueSummary:
    """Summarise the records of one run under changes of cues.

    Args:
        records: As in :func:`mmfan.evaluation.summary.summary.summarize`.
        protocol: Of one family.
        metric: A metric of the records.
        partial: Take what is there even if cells are missing.

    Raises:
        SummaryError: As there; cells are missing, above all, or the protocol is of several families.
    """
    wanted, run, chosen, clean, scores = scores_of_family(records, protocol, metric, partial)
    found = []
    for cell in wanted.cells:
        if cell not in scores:
            continue
        told, metrics = str(cell.condition.of_strength(None)), chosen[cell]["metrics"]
        swaps = {name: value if is_defined(value := metrics[name]) else None for name in OF_SWAPS if name in metrics}
        kept = scores[cell] / clean if clean else None
        settings = told.removeprefix(cell.corruption).strip(" ()")
        found.append(CueScore(cell.corruption, settings, scores[cell], kept, swaps))
    return CueSummary(run.model, wanted.name, metric, clean, tuple(found), run)
