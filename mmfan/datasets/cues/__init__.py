"""Cues of a picture, taken away or put against each other: what is of shape, what of texture, what of colour.

Every change keeps the label map true: nothing moves out of its segment. NumPy and OpenCV alone; pictures are RGB.
"""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "removal": ["colour_only", "grey_edges", "remove_shape", "remove_texture", "smooth_texture"],
        "segments": ["Segment", "number_segments"],
        "swap": ["KEPT", "Swapped", "swap_textures"],
        "textures": ["Texture", "largest_box", "mirrored", "textures_of"],
    },
)
