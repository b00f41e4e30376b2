"""mmfan: robust dense prediction on top of OpenMMLab.

Importing this package is cheap: it loads neither torch nor a model. ``judge`` judges anything that predicts, on
``SegmentationData``, ``CocoData`` or ``ClassificationData``. Backbones, heads, datasets and transforms are
found by name (``type='mmfan.FANHybrid'``) through :mod:`mmfan.registry`.
"""

from mmfan.environment import check_environment
from mmfan.utils.lazy import lazy_face
from mmfan.version import __version__

__getattr__, __dir__, _offered = lazy_face(
    __name__, {"evaluation.function": ["ClassificationData", "CocoData", "SegmentationData", "judge"]}
)
__all__ = ["ClassificationData", "CocoData", "SegmentationData", "__version__", "check_environment", "judge"]
