"""Pictures for people: label maps painted over pictures, legends and grids. The only room that imports matplotlib."""

from mmfan.visualization.files import save_picture
from mmfan.visualization.grid import comparison_grid
from mmfan.visualization.legend import legend, with_legend
from mmfan.visualization.overlay import overlay, paint

__all__ = ["comparison_grid", "legend", "overlay", "paint", "save_picture", "with_legend"]
