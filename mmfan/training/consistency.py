"""``ConsistencyWrapper``: the same prediction asked for on a picture and on changed copies of it.

AugMix (arXiv 1912.02781) adds to the loss on the clean picture the Jensen-Shannon divergence between the predictions on
it and on two changed copies. For dense prediction the divergence is that of each place, meant over places: pixels of a
segmentor (those with a label, on the logits before they are enlarged), anchors and regions of a detector (OA-DG, AAAI
2024: weight 0.1 on region proposals, 10 on regions, none on boxes). The paper's weight of 12 is for one prediction a
picture; of pixels start with 1.

The copies go through backbone, neck and head with the pictures, as one batch, and the pictures' pass serves both
losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.registry import MODELS as ROOT_MODELS
from torch import Tensor, nn

from mmfan.datasets.augmentations.steps import number
from mmfan.errors import ConfigError
from mmfan.registry import MODELS
from mmfan.training.comparison.class_scores import Along, check_comparable, watched
from mmfan.training.comparison.divergence import bernoulli_divergence, divergence, mean_over
from mmfan.training.view_batches import copies_of, extend, take_views

# kind of head -> its weight by default
WEIGHTS = {"pixels": 1.0, "rpn": 0.1, "dense": 0.1, "roi": 10.0}
LOSS = "loss_consistency"


class Consistent:
    """Mixed into the class of a segmentor or detector: its loss asks for consistency as well.

    Attributes:
        consistency_weights: Kind of head -> weight.
    """

    consistency_weights: Mapping[str, float] = WEIGHTS
    _features: Any = None

    def extract_feat(self, *inputs: Any, **more: Any) -> Any:
        """As the model has it; within its loss the features that are there already."""
        if self._features is not None:
            return self._features
        return super().extract_feat(*inputs, **more)  # type: ignore[misc]

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Any]:
        """The losses of the model on the pictures, and a loss of consistency for each kind of head.

        Args:
            inputs: ``(B + copies, 3, H, W)``, as :class:`mmfan.training.view_batches.TakesViews` makes it.
            data_samples: B of them.
        """
        size, copies = len(data_samples), copies_of(data_samples)
        features = super().extract_feat(inputs)  # type: ignore[misc]
        parts = [level.split([size, level.shape[0] - size]) for level in features]
        try:
            self._features = tuple(clean for clean, _ in parts)
            along = Along(tuple(changed for _, changed in parts), *copies) if copies.each else None
            with watched(self, data_samples, along) as scored:  # type: ignore[arg-type]
                losses: dict[str, Any] = super().loss(inputs[:size], data_samples)  # type: ignore[misc]
        finally:
            self._features = None
        sums = {f"{LOSS}_{one.kind}": inputs.new_zeros(()) for one in scored}
        for one in scored if copies.each else ():
            views = [one.own(copies.rows), *one.copies]
            values = divergence(views) if one.exclusive else bernoulli_divergence(views)
            found = mean_over(values, one.valid(copies.rows))
            sums[f"{LOSS}_{one.kind}"] = sums[f"{LOSS}_{one.kind}"] + self.consistency_weights[one.kind] * found
        return {**losses, **sums}


@MODELS.register_module(name="ConsistencyWrapper")
def ConsistencyWrapper(  # noqa: N802
    of: str, consistency: Mapping[str, float] | None = None, **model: Any
) -> nn.Module:
    """A segmentor or detector whose training asks for the same prediction on changed copies of a picture.

    The config of a model stays what it is but for its type, so that everything that reads or changes it goes on
    working; the model has the same parts, the same weights by the same names and the same predictions, and its
    checkpoints are those of the plain model::

        model = dict(type="mmfan.ConsistencyWrapper", of="EncoderDecoder", consistency=dict(pixels=1.0))
        train_pipeline = [..., dict(type="mmfan.Views", views=3, steps=[dict(type="mmfan.AugMix")]), pack]

    A batch without copies costs what it did. With V views of every picture, an iteration costs nearly V times as much;
    ``prob`` of :class:`mmfan.Views` gives copies to a share of the pictures.

    Args:
        of: Type of the model: a segmentor of mmsegmentation with one decode head, or a detector of mmdetection with
            region proposals, regions or a dense head.
        consistency: Weights by kind of head: ``pixels`` (1), ``rpn`` (0.1), ``roi`` (10; each stage of a cascade), and
            ``dense`` (0.1; one-stage detectors).
        model: The rest of the model's config.

    Raises:
        ConfigError: The model cannot be trained so, or a weight is of an unknown kind.
    """
    if not isinstance(consistency, (Mapping, type(None))):
        raise ConfigError(f"Expected `consistency` to be weights by kind of head, got {consistency!r:.80}.")
    weights = dict(consistency or {})
    unknown = sorted(set(weights) - set(WEIGHTS))
    if unknown:
        raise ConfigError(f"`consistency` has weights for {', '.join(WEIGHTS)}, got {', '.join(unknown)}.")
    built = ROOT_MODELS.build({"type": of, **model})
    check_comparable(built, "mmfan.ConsistencyWrapper", of)
    take_views(built, "mmfan.ConsistencyWrapper")
    extend(built, Consistent, "Consistent")
    built.consistency_weights = {**WEIGHTS, **{name: number(name, value) for name, value in weights.items()}}
    return built
