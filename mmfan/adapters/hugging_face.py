"""Models of Hugging Face's transformers, with their image processors, as models that are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer
from mmfan.adapters.classes import ClassFit, Names
from mmfan.adapters.placed_module import PlacedModule
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data
from mmfan.visualization.coco_results import Detections


class _HuggingFace:
    """What both kinds share: the processor before and after the model, and the model's own names of its classes."""

    after = ""  # the processor's method

    def __init__(
        self,
        model: Any,
        processor: Any,
        data: Data | Sequence[str],
        *,
        classes: Names | None = None,
        rename: Mapping[str, str] | None = None,
        device: Any = None,
        dtype: Any = None,
        autocast: Any = None,
    ) -> None:
        if not callable(processor) or not hasattr(processor, self.after):
            raise MMFanError(
                f"Expected `processor` to be an image processor with `{self.after}`, got {type(processor).__name__}."
            )
        self.processor = processor
        self._module = PlacedModule(model, device, dtype, autocast)
        own = getattr(getattr(model, "config", None), "id2label", None)
        self.fit = ClassFit(data, own if classes is None else classes, rename)

    def _processed(self, pictures: list[Picture], **settings: Any) -> list[Any]:
        """What the processor makes of what the model says of each picture, in the picture's size."""
        inputs = self.processor(images=pictures, return_tensors="pt", input_data_format="channels_last")
        placed = {name: self._place(value) for name, value in inputs.items()}
        sizes = [picture.shape[:2] for picture in pictures]
        return getattr(self.processor, self.after)(self._module.call(**placed), target_sizes=sizes, **settings)

    def _place(self, value: Any) -> Any:
        if not hasattr(value, "is_floating_point"):
            return value
        return value.to(self._module.device, self._module.dtype if value.is_floating_point() else None)


class HuggingFaceSegmentor(_HuggingFace):
    """A model of semantic segmentation with its image processor, as ``predict`` of ``judge``.

    Any whose processor has ``post_process_semantic_segmentation``: SegFormer, UPerNet, DPT, BEiT, MaskFormer,
    Mask2Former. The processor resizes and normalises pictures, and brings what the model says to their size.

    Args:
        model: ``SegformerForSemanticSegmentation`` or another. It is set to evaluation.
        processor: Its image processor.
        data: What it is judged on, or the names of its classes.
        classes: Names of the model's classes; ``model.config.id2label`` by default.
        rename: See :class:`ClassFit`.
        device: Where to move the model; by default it stays where it is.
        dtype: The precision to turn the model to; by default it is left.
        autocast: The precision of automatic mixed precision; None for none.

    Raises:
        MMFanError: The classes do not fit, or the processor is of another kind.
    """

    after = "post_process_semantic_segmentation"

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The label map, (H, W) integers, of a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._label_maps)

    def _label_maps(self, pictures: list[Picture]) -> list[NDArray[np.integer]]:
        return [self.fit.labels(one.cpu().numpy()) for one in self._processed(pictures)]


class HuggingFaceDetector(_HuggingFace):
    """A model of object detection with its image processor, as ``predict`` of ``judge``.

    Any whose processor has ``post_process_object_detection``: DETR, Deformable DETR, RT-DETR, YOLOS.

    Args:
        model: ``DetrForObjectDetection`` or another. It is set to evaluation.
        processor: Its image processor.
        data: What it is judged on, or the names of its classes.
        classes: Names of the model's classes; ``model.config.id2label`` by default.
        rename: See :class:`ClassFit`.
        threshold: Objects of lower scores are left out; average precision wants them all.
        device: Where to move the model; by default it stays where it is.
        dtype: The precision to turn the model to; by default it is left.
        autocast: The precision of automatic mixed precision; None for none.

    Raises:
        MMFanError: The classes do not fit, or the processor is of another kind.
    """

    after = "post_process_object_detection"

    def __init__(self, *parts: Any, threshold: float = 0.0, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.threshold = threshold

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The objects, :class:`Detections`, in a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._objects)

    def _objects(self, pictures: list[Picture]) -> list[Detections]:
        found = self._processed(pictures, threshold=self.threshold)
        return [
            self.fit.objects(
                Detections(
                    one["boxes"].float().cpu().numpy().reshape(-1, 4),
                    one["scores"].float().cpu().numpy(),
                    one["labels"].long().cpu().numpy(),
                    None,
                )
            )
            for one in found
        ]
