"""mmfan: robust dense prediction on top of OpenMMLab.

Importing this package is cheap: it loads neither torch nor a model. Backbones, heads, datasets and transforms are
found by name (``type='mmfan.FANHybrid'``) through :mod:`mmfan.registry`.
"""

from mmfan.environment import check_environment
from mmfan.version import __version__

__all__ = ["__version__", "check_environment"]
