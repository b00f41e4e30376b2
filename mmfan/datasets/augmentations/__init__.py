"""Augmentations that raise what survives corruption; each declares the corruptions of the tests that it overlaps."""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "amplitude": ["AmplitudeMix", "mix_amplitudes"],
        "augmix": ["AugMix"],
        "masking": ["MaskBlocks"],
        "oamix": ["OAMix"],
        "overlaps": ["Overlap", "overlap_of", "overlaps_of_step"],
        "painting": ["PaintByNumbers"],
        "passes": ["PassSampler", "SeedByPicture"],
        "prime": ["RandomFilter", "SmoothColour"],
        "textures": ["SwapTextures"],
        "views": ["Views"],
        "wave": ["FourierWave", "planar_wave"],
    },
)
