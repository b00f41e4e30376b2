"""The cross-entropy of mmseg, whose class weights go together with pixels that are ignored.

mmseg averages a weighted loss over the weights of all pixels, for which mmsegmentation 1.2.2 looks up a weight of class
255: an IndexError in every training with unlabelled pixels. Later versions leave the ignored pixels out, as torch does.
"""

from __future__ import annotations

from typing import Any

from mmseg.models.losses import CrossEntropyLoss as SegCrossEntropyLoss
from torch import Tensor

from mmfan.registry import MODELS


@MODELS.register_module()
class CrossEntropyLoss(SegCrossEntropyLoss):
    """mmseg's ``CrossEntropyLoss``; with ``class_weight`` the mean is over the weights of the pixels not ignored.

    That is ``sum(w[y] * l) / sum(w[y])`` over the pixels with a label, ``torch.nn.CrossEntropyLoss``'s definition, and
    0 where no pixel has one. Everything else, arguments included, is mmseg's.
    """

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: Tensor | float | None = None,
        reduction_override: str | None = None,
        ignore_index: int = -100,
        **kwargs: Any,
    ) -> Tensor:
        """The loss.

        Args:
            cls_score: Logits, ``(B, C, H, W)``.
            label: Class of each pixel, ``(B, H, W)``, or ``ignore_index``.
            weight: Of each pixel, ``(B, H, W)``.
            avg_factor: Divides the sum in the place of the weights.
            reduction_override: In the place of the reduction that was set.
            ignore_index: Label of the pixels that are ignored.
            kwargs: As mmseg has them.
        """
        softmax = not (self.use_sigmoid or self.use_mask)
        reduction = reduction_override or self.reduction
        if softmax and self.class_weight is not None and avg_factor is None and reduction == "mean":
            avg_factor = cls_score.new_tensor(self.class_weight)[label[label != ignore_index]].sum()
        return super().forward(cls_score, label, weight, avg_factor, reduction_override, ignore_index, **kwargs)
