"""Judging anything that predicts: a function of a picture, on pictures and truth. Without torch and OpenMMLab."""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "sources.classes": ["ClassificationData", "PictureForm"],
        "cue_conflict": ["judge_cue_conflict"],
        "imagenet_p": ["judge_imagenet_p"],
        "judge_anything": ["judge"],
        "result": ["Judgement", "NotAsRequiredError", "Worst"],
        "sources.sources": ["CocoData", "SegmentationData"],
    },
)
