"""Heads of detectors that give class logits; the outputs of others are not compared.

What a head gives is written in its forward pass, so that a head is known by the class that defines it: a head derived
from a known one, without a pass of its own, gives what the known one does. Any other may give probabilities, or boxes
and classes in one map, whose divergence would be a number without a meaning.
"""

from __future__ import annotations

from typing import Any

from mmfan.errors import ConfigError

# mmdetection's classes whose pass gives class logits as its first output, the same when it trains and when it predicts
KNOWN = frozenset(
    {
        # of places: a list of levels (B, priors * classes, H, W)
        *("ATSSHead", "AnchorFreeHead", "AnchorHead", "AutoAssignHead", "CenterNetUpdateHead", "CondInstBboxHead"),
        *("DDODHead", "FCOSHead", "FSAFHead", "FoveaHead", "GFLHead", "RPNHead", "RTMDetHead", "RTMDetInsHead"),
        *("RTMDetInsSepBNHead", "RTMDetSepBNHead", "RepPointsHead", "RetinaHead", "RetinaSepBNHead", "SABLRetinaHead"),
        *("SSDHead", "VFNetHead", "YOLACTHead", "YOLOFHead", "YOLOXHead"),
        # of regions: (regions, classes)
        *("BBoxHead", "ConvFCBBoxHead", "DoubleConvFCBBoxHead", "SABLHead", "SCNetBBoxHead"),
    }
)

WHY = {
    "CascadeRPNHead": "its stages are heads of their own, and it has no pass over the features itself",
    "CenterNetHead": "it gives probabilities",
    "CornerHead": "it scores two corners of each object, in two outputs",
    "EmbeddingRPNHead": "its proposals are queries, without scores",
    "GuidedAnchorHead": "in prediction, as a teacher, it leaves places out",
    "MultiInstanceBBoxHead": "it gives the scores of several objects a region in one row",
    "TOODHead": "it gives probabilities",
    "YOLOV3Head": "it gives boxes, objectness and classes in one map",
}


def check_logits(head: Any) -> None:
    """Check that a head of a detector gives class logits, one a class and at most one more for the background.

    A head of one's own, with a pass of its own, says so by ``gives_class_logits = True``.

    Args:
        head: A dense head or a head of regions.

    Raises:
        ConfigError: It is not known to, or its loss splits the scores into several sets.
    """
    kinds = type(head).__mro__
    name = type(head).__name__
    writes = next(kind for kind in kinds if "forward" in vars(kind) or "forward_single" in vars(kind))
    known = writes.__name__ in KNOWN and writes.__module__.startswith("mmdet.")
    if not known and not getattr(head, "gives_class_logits", False):
        why = next((WHY[kind.__name__] for kind in kinds if kind.__name__ in WHY), "what it gives is not known")
        raise ConfigError(
            f"Expected a head whose first output is class logits, to compare them, got {name}: {why}. Train it as a "
            "plain model; a head of your own that gives them has `gives_class_logits = True` in its class."
        )
    loss: Any = getattr(head, "loss_cls", None)
    if not getattr(loss, "custom_cls_channels", False):
        return
    classes = head.num_classes
    channels = loss.get_cls_channels(classes)
    if channels > classes + 1:
        raise ConfigError(
            f"Expected {name} to give a logit for each of its {classes} classes and one for the background, to compare "
            f"them, got {channels} by its {type(loss).__name__}: they are several sets of scores, not one. Give it "
            "another `loss_cls` (CrossEntropyLoss), or train it as a plain model."
        )
