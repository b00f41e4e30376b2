"""Augmentations that raise what survives corruption; each declares the corruptions of the tests that it overlaps."""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "augmix": ["AugMix"],
        "overlaps": ["Overlap", "overlap_of", "overlaps_of_step"],
        "passes": ["PassSampler", "SeedByPicture"],
        "views": ["Views"],
    },
)
