"""Pictures for people: labels and objects painted over pictures, legends, grids. Only this room imports matplotlib."""

from mmfan.visualization.files import save_picture
from mmfan.visualization.grid import comparison_grid
from mmfan.visualization.instances import draw_instances
from mmfan.visualization.legend import legend, with_legend
from mmfan.visualization.overlay import overlay, paint

__all__ = ["comparison_grid", "draw_instances", "legend", "overlay", "paint", "save_picture", "with_legend"]
