"""Picture files: one reader behind every door through which a picture enters.

A file is checked before a decoder sees it: its format by its content, the size that its header states, whether it is
whole, and that it is one still picture. Decoders fill what a cut file lacks with grey, allocate what a header asks
for, and some die on a damaged one.

What a file shows is what OpenCV's ``IMREAD_COLOR`` makes of it, and so what ``mmcv.imread`` gives a model: three
channels of 8 bits, turned as the EXIF orientation says where OpenCV reads it (JPEG, PNG, TIFF); palettes are looked up,
alpha is left out, grey is three equal channels, 16 bits are divided by 256, CMYK is converted. Of a TIFF of several
pages it is the first. Animations, and pictures of floating point, are refused.
"""

from mmfan.picture_files.check import check_content, is_picture
from mmfan.picture_files.header import FORMATS, PictureFileError, PictureHeader
from mmfan.picture_files.limit import LIMIT_VARIABLE, pixel_limit
from mmfan.picture_files.read import content_of, decode, open_with_pillow, read, stated_size

__all__ = [
    "FORMATS",
    "LIMIT_VARIABLE",
    "PictureFileError",
    "PictureHeader",
    "check_content",
    "content_of",
    "decode",
    "is_picture",
    "open_with_pillow",
    "pixel_limit",
    "read",
    "stated_size",
]
