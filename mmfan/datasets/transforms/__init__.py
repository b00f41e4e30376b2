"""Steps of a data pipeline: loading, corrupting, changing pictures. Imported when one of them is asked for."""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "band_noise": ["BandNoise"],
        "choices": ["expand_corruptions"],
        "corrupt": ["Corrupt", "corrupt_bgr"],
        "load_image": ["LoadImageFromFile"],
        "load_labels": ["LoadSegAnnotations"],
        "patch_drop": ["PatchDrop"],
    },
)
