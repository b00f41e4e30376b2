"""Adaptation at test time: BatchNorm statistics with a prior, TENT, SAR, CoTTA and MEMO, as works of a condition.

Needs torch.
"""

from mmfan.evaluation.conditions.adaptation.entropy import Tent, entropies, logits_of
from mmfan.evaluation.conditions.adaptation.marginal import Memo
from mmfan.evaluation.conditions.adaptation.sharpness import Sar
from mmfan.evaluation.conditions.adaptation.statistics import AdaptedStatistics, BatchNormStatistics
from mmfan.evaluation.conditions.adaptation.teacher import CoTTA
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.work import Situation, Work

__all__ = [
    "AdaptedStatistics", "BatchNormStatistics", "CoTTA", "Memo", "Sar", "Tent", "entropies", "logits_of", "work_of",
]  # fmt: skip

_WORKS = {"bn": BatchNormStatistics, "tent": Tent, "sar": Sar, "cotta": CoTTA, "memo": Memo}


def work_of(condition: Condition, situation: Situation) -> Work:
    """The work of an adaptation.

    Raises:
        NotToModelError: The model has no layers that it adapts.
    """
    settings = {key: value for key, value in condition.settings.items() if key not in ("batch", "order")}
    return _WORKS[condition.name](situation, **settings)
