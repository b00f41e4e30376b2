"""Plug-ins of training, registered under the scope ``mmfan``; importing this module registers them."""

from mmfan.environment import check_environment, is_installed, register_missing

check_environment()

from mmfan.registry import MODELS  # noqa: E402
from mmfan.training.classification.image_classifier import ImageClassifier  # noqa: E402
from mmfan.training.classification.token_labelling import TokenLabeler, TokenLabelStudent  # noqa: E402
from mmfan.training.consistency import ConsistencyWrapper  # noqa: E402
from mmfan.training.hooks.amplitude_hook import AmplitudeMixHook  # noqa: E402
from mmfan.training.hooks.diversity_hook import AttentionDiversityHook  # noqa: E402
from mmfan.training.hooks.feature_hook import FeatureAugmentHook  # noqa: E402
from mmfan.training.hooks.overlap_hook import OverlapHook  # noqa: E402
from mmfan.training.hooks.resume_hook import ResumeHook  # noqa: E402
from mmfan.training.teacher import TeacherWrapper  # noqa: E402

__all__ = [
    "AmplitudeMixHook",
    "AttentionDiversityHook",
    "ConsistencyWrapper",
    "FeatureAugmentHook",
    "ImageClassifier",
    "OverlapHook",
    "ResumeHook",
    "TeacherWrapper",
    "TokenLabelStudent",
    "TokenLabeler",
]

if is_installed("mmseg"):
    from mmfan.training.shape_teacher import ShapeTeacherWrapper

    __all__ += ["ShapeTeacherWrapper"]
else:
    register_missing(MODELS, "mmseg", ("ShapeTeacherWrapper",))
