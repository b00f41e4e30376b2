"""The kinds that mmfan has: adaptation at test time, attacks, patches, cues, real weather."""

from __future__ import annotations

from mmfan.evaluation.conditions.adaptation_settings import (
    cost_of_adaptation,
    is_continual,
    passes_of_adaptation,
    settings_of_adaptation,
    whole_adaptation,
)
from mmfan.evaluation.conditions.attack_settings import cost_text, passes_of_attack, settings_of_attack
from mmfan.evaluation.conditions.cue_settings import settings_of_cue, whole_cue
from mmfan.evaluation.conditions.kinds import Kind, register_kind
from mmfan.evaluation.conditions.patch_settings import (
    cost_of_patch,
    outside_reference,
    passes_of_patch,
    settings_of_patch,
    whole_patch,
)
from mmfan.evaluation.conditions.weather_adaptation import (
    adaptation_of,
    cost_of_weather,
    goes_on,
    passes_of_weather,
    unadapted,
    whole_weather,
)
from mmfan.evaluation.conditions.weather_settings import FACTS, other_reference, settings_of_weather

ADAPTATION = register_kind(
    Kind(
        "adaptation",
        "Adaptation at test time",
        reference="the clean pictures without adaptation, so that both arms are held against one score",
        comparable="papers that state the same reset rule, batch size and order of the pictures; never with scores of "
        "a model that does not adapt",
        factory="mmfan.evaluation.conditions.adaptation:work_of",
        settings=settings_of_adaptation,
        continual=is_continual,
        passes=passes_of_adaptation,
        whole=whole_adaptation,
        cost=cost_of_adaptation,
    )
)
ATTACK = register_kind(
    Kind(
        "attack",
        "Attacks",
        strength="radius in 1/255",
        comparable="papers with the same attack, norm, radius, steps and rounding; a weaker attack "
        "gives higher scores, and no mean over radii is a figure of its own",
        averaged=False,
        factory="mmfan.evaluation.conditions.attack:work_of",
        settings=settings_of_attack,
        passes=passes_of_attack,
        cost=cost_text,
    )
)
PATCH = register_kind(
    Kind(
        "patch",
        "Attacks by a patch",
        strength="area of the patch in % of the picture",
        reference="the clean pictures, scored on the same pixels",
        comparable="papers that optimise a patch for each picture, of the same shape, area, place and steps, and score "
        "the same pixels; one patch for all pictures does less, and no mean over areas is a figure of its own",
        averaged=False,
        factory="mmfan.evaluation.conditions.attack.patch:work_of",
        settings=settings_of_patch,
        passes=passes_of_patch,
        cost=cost_of_patch,
        whole=whole_patch,
        other_reference=outside_reference,
    )
)
CUE = register_kind(
    Kind(
        "cue",
        "Shape and texture",
        strength="1, the only one",
        comparable="models judged on the same pictures with the same settings; never with the shape bias of "
        "classifiers, which is of whole pictures and of decisions for 16 classes",
        averaged=False,
        each=True,
        change="mmfan.evaluation.conditions.cue_change:change_of",
        settings=settings_of_cue,
        whole=whole_cue,
    )
)
WEATHER = register_kind(
    Kind(
        "weather",
        "Real weather",
        strength="1, the only one",
        reference="the clean pictures of the set that the model was trained on",
        comparable="papers on the same split of the same set: validation and test are different lists, and the "
        "mean of the conditions is not the mIoU of all their pictures pooled",
        together=True,
        settings=settings_of_weather,
        goes_with=adaptation_of,
        plain=unadapted,
        continual=goes_on,
        passes=passes_of_weather,
        whole=whole_weather,
        cost=cost_of_weather,
        other_pictures=True,
        facts=FACTS,
        other_reference=other_reference,
    )
)
