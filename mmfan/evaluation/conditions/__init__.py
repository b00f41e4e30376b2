"""Conditions: what is done beside corrupting pictures, with strengths and a clean reference of its own.

A condition changes the model (adaptation), model and picture (attack), the cues of a picture (shape and texture), or
takes other pictures (weather). A cell of a corruption has none. Kinds are registered; the core is data and free of
torch.
"""

from mmfan.evaluation.conditions.cell import ConditionCell, cell_of
from mmfan.evaluation.conditions.condition import Condition, ConditionError, read_condition
from mmfan.evaluation.conditions.kinds import (
    CORRUPTION,
    Kind,
    at_work,
    beside_of,
    family_of,
    get_kind,
    has_own_truth,
    is_continual,
    kind_names,
    kind_of,
    make_condition,
    passes_of,
    plain_of,
    reference_of,
    reference_text,
    register_kind,
    whole_cells,
    without_facts,
)
from mmfan.evaluation.conditions.known import ADAPTATION, ATTACK, CUE, PATCH, WEATHER
from mmfan.evaluation.conditions.work import NotToModelError, PictureBatch, Situation, Work

__all__ = [
    "ADAPTATION", "ATTACK", "CORRUPTION", "CUE", "PATCH", "WEATHER", "Condition", "ConditionCell", "ConditionError",
    "Kind", "NotToModelError", "PictureBatch", "Situation", "Work", "at_work", "beside_of", "cell_of", "family_of",
    "get_kind", "has_own_truth", "is_continual", "kind_names", "kind_of", "make_condition", "passes_of", "plain_of",
    "read_condition", "reference_of", "reference_text", "register_kind", "whole_cells", "without_facts",
]  # fmt: skip
