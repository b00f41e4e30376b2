"""Pictures for people: labels and objects painted over pictures, legends, grids, plots of robustness.

matplotlib is imported here and beside the figures of :mod:`mmfan.analysis`: an analysis may stand beside its figure.
"""

from mmfan.utils.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(
    __name__,
    {
        "captions": ["captioned"],
        "contact_sheets": ["contact_sheet", "corruption_rows"],
        "coco_results": ["Detections", "as_coco_results"],
        "detections": ["detections_of", "paint_detections"],
        "files": ["save_picture"],
        "grids": ["ModelRow", "model_grid"],
        "instances": ["draw_instances"],
        "legends": ["legend", "with_legend"],
        "overlays": ["overlay", "paint"],
        "robustness_plots": ["retention_bars", "retention_map", "severity_curves"],
    },
)
