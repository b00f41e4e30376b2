"""Pictures for people: labels and objects painted over pictures, legends, grids, plots of robustness.

matplotlib is imported here and beside the figures of :mod:`mmfan.analysis`: an analysis may stand beside its figure.
"""

from mmfan.visualization.files import save_picture
from mmfan.visualization.grid import comparison_grid
from mmfan.visualization.instances import draw_instances
from mmfan.visualization.legend import legend, with_legend
from mmfan.visualization.overlay import overlay, paint

__all__ = ["comparison_grid", "draw_instances", "legend", "overlay", "paint", "save_picture", "with_legend"]
