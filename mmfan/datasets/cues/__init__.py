"""Cues of a picture, taken away or put against each other: what is of shape, what of texture, what of colour.

Every change keeps the label map true: nothing moves out of its segment. NumPy and OpenCV alone; pictures are RGB.
"""

from mmfan.datasets.cues.removal import colour_only, grey_edges, remove_shape, remove_texture, smooth_texture
from mmfan.datasets.cues.segments import Segment, number_segments
from mmfan.datasets.cues.swap import KEPT, Swapped, swap_textures
from mmfan.datasets.cues.textures import Texture, largest_box, mirrored, textures_of

__all__ = [
    "KEPT", "Segment", "Swapped", "Texture", "colour_only", "grey_edges", "largest_box", "mirrored", "number_segments",
    "remove_shape", "remove_texture", "smooth_texture", "swap_textures", "textures_of",
]  # fmt: skip
