"""Attacks as works of a condition: all four, and patches, on segmentors, FGSM and PGD on detectors. Needs torch."""

from mmfan.evaluation.conditions.attack.work import AttackWork, FunctionWork, LoopWork
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.work import FUNCTION, Situation

__all__ = ["AttackWork", "FunctionWork", "LoopWork", "work_of"]


def work_of(condition: Condition, situation: Situation) -> AttackWork:
    """The work of an attack; see :attr:`mmfan.evaluation.conditions.kinds.Kind.factory`.

    Raises:
        MMFanError: The attack cannot be done to this model.
    """
    return (FunctionWork if situation.driver == FUNCTION else LoopWork)(condition, situation)
