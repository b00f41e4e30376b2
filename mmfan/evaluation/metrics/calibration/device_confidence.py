"""Confidence of a segmentor where its scores are: the sums of :mod:`~..metrics.calibration.confidence` on a GPU.

The whole numbers are added on the device, so that their order, which a GPU does not keep, changes nothing.
"""

from __future__ import annotations

import math

import torch

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.calibration import (
    BINS,
    DOUBT_BITS,
    DOUBTS,
    LATTICE,
    LEAST,
    ONE,
    TEMPERATURES,
    CalibrationSums,
)
from mmfan.evaluation.metrics.calibration.confidence import Form, check_total, check_truth

_MOST_OTHERS = 1e-3  # share of the pixels whose class a model may name otherwise than its scores do


class RunningSums:
    """Sums of pictures on one device, which the program does not wait for.

    Args:
        classes: How many there are.
        form: ``'logits'`` or ``'probabilities'``.
        ignore_index: Pixels of the truth with this number do not count.
    """

    def __init__(self, classes: int, form: Form, ignore_index: int) -> None:
        self.classes, self.form, self.ignore_index = classes, form, ignore_index
        self._sums: list[torch.Tensor] | None = None
        self._ends: list[torch.Tensor] = []

    def add(self, scores: torch.Tensor, truth: torch.Tensor, said: torch.Tensor | None = None) -> None:
        """Add a picture: (C, H, W) scores, (H, W) truth on any device, and the (H, W) classes that the model says."""
        scores = scores.float()
        wanted = truth.to(scores.device, non_blocking=True).to(torch.int64)
        there = wanted != self.ignore_index
        labels = wanted.masked_fill(~there, 0)
        low, high = (labels.min(), labels.max()) if labels.numel() else (labels.new_zeros(()),) * 2
        labels = labels.clamp(0, self.classes - 1)  # a label of no class is named when the sums are read
        given = scores.softmax(0) if self.form == "logits" else scores
        total = given.sum(0)
        others = scores.new_zeros(())
        if said is not None:
            others = share_of_others(scores, said)
        ends = (low, high, given.min(), total.min(), total.max(), others)
        self._ends.append(torch.stack([one.double() for one in ends]))
        shares = given / total
        found = [*_plain(shares, labels, there), *self._tempered(scores, labels, there)]
        self._sums = (
            found if self._sums is None else [one + other for one, other in zip(self._sums, found, strict=True)]
        )

    def read(self) -> CalibrationSums:
        """The sums, when the device is done.

        Raises:
            MMFanError: Nothing was added; labels are of no class, or what stands for probabilities is none.
        """
        if self._sums is None:
            raise MMFanError("There is no picture whose confidence could be summed up.")
        for low, high, least, lowest, highest, others in torch.stack(self._ends).tolist():
            check_truth(int(low), int(high), self.classes, self.ignore_index)
            check_total(self.form, least, lowest, highest)
            check_others(others)
        nll, brier, *arrays = (one.cpu().numpy() for one in self._sums)
        return CalibrationSums(int(nll), int(brier), *arrays)

    def _tempered(
        self, scores: torch.Tensor, labels: torch.Tensor, there: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits, labels, there = (one[..., ::LATTICE, ::LATTICE] for one in (scores, labels, there))
        if self.form == "probabilities":
            logits = logits.clamp_min(LEAST).log()
        right = logits.argmax(0) == labels
        losses, bins = [], []
        for temperature in TEMPERATURES:
            shares = (logits / temperature).log_softmax(0)
            loss = (-shares.gather(0, labels[None])[0]).clamp_max(-math.log(LEAST))
            losses.append(_fixed(loss).masked_fill(~there, 0).sum())
            bins.append(_bins(_fixed(shares.amax(0).exp()), right, there))
        return torch.stack(losses), torch.stack(bins)


def share_of_others(scores: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
    """The share of the pixels of a lattice whose highest score is not that of the class that the model says."""
    best = scores[:, ::LATTICE, ::LATTICE].argmax(0)
    return (best != said[::LATTICE, ::LATTICE]).double().mean()


def check_others(share: float) -> None:
    """See that the scores are those of the prediction, and not of one of several views of the picture.

    Raises:
        MMFanError: They are not.
    """
    if share > _MOST_OTHERS:
        raise MMFanError(
            f"The classes of the highest scores (seg_logits) are not those that the model predicts, at {share:.1%} of "
            "the pixels. Test-time augmentation leaves the scores of one view alone, and a segmentor of one channel "
            "may have another threshold than 0.5: judge without the one or without calibration."
        )


def _plain(shares: torch.Tensor, labels: torch.Tensor, there: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """NLL, Brier, bins, bins of classes and doubts of a picture's probabilities."""
    best, at = shares.max(0)
    right = at == labels
    of_truth = shares.gather(0, labels[None])[0]
    nll = _fixed(-of_truth.clamp_min(LEAST).log()).masked_fill(~there, 0).sum()
    brier = _fixed((shares.square().sum(0) + 1 - 2 * of_truth).clamp_min(0)).masked_fill(~there, 0).sum()
    parts = _fixed(best)
    classes = torch.stack([_bins(_fixed(one), labels == number, there) for number, one in enumerate(shares)])
    return nll, brier, _bins(parts, right, there), classes, _doubts(parts, right, there)


def _fixed(values: torch.Tensor) -> torch.Tensor:
    return (values * ONE + 0.5).to(torch.int64)


def _bins(parts: torch.Tensor, right: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """(BINS, 3): pixels, their confidence and the right ones; each row of the picture has counters of its own."""
    places = (((parts * BINS + (ONE - 1 - BINS // 2)) >> 22) - 1).clamp_min(0)
    values = torch.stack((there, parts * there, right & there), dim=-1).to(torch.int64)
    rows = torch.zeros(len(places), BINS, 3, dtype=torch.int64, device=parts.device)
    rows.scatter_add_(1, places[..., None].expand(-1, -1, 3), values)
    return rows.sum(0)


def _doubts(parts: torch.Tensor, right: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """(DOUBTS, 2): right and wrong pixels by their doubt."""
    steps = ((ONE - parts).to(torch.float32).view(torch.int32) >> (23 - DOUBT_BITS)) - (127 << DOUBT_BITS) + 1
    places = (steps.clamp_min(0).to(torch.int64) * 2 + (~right).to(torch.int64)).flatten()
    found = torch.zeros(DOUBTS * 2, dtype=torch.int64, device=parts.device)
    return found.scatter_add_(0, places, there.to(torch.int64).flatten()).reshape(DOUBTS, 2)
