"""Plug-ins of training that raise what survives corruption, for any backbone; the transforms are in datasets.

Each is found by name in a config (``type='mmfan.X'``) and leaves the trained model what it is: the same config without
it loads the checkpoint.
"""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "hooks.amplitude_hook": ["AmplitudeMixHook"],
        "consistency": ["ConsistencyWrapper"],
        "diversity": ["attention_rows", "likeness"],
        "hooks.diversity_hook": ["AttentionDiversityHook"],
        "feature_augment": ["augment", "mean_direction"],
        "hooks.feature_hook": ["FeatureAugmentHook"],
        "hooks.overlap_hook": ["OverlapHook"],
        "hooks.resume_hook": ["ResumeHook"],
        "recipes": ["RECIPES", "apply_recipes"],
        "token_labels": ["labeler_loss", "sampled_labels", "student_loss"],
        "teacher": ["TeacherWrapper"],
    },
)
