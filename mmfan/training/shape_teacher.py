"""``ShapeTeacherWrapper``: a second read-out of a segmentor learns from a frozen teacher of shapes.

The dense form of shape distillation (Naseer et al., arXiv 2105.10497, section 3.2, where one model so holds two
opinions, one by shape and one by texture). The teacher was trained where textures say nothing, on swapped textures
(:class:`mmfan.SwapTextures`) for instance; its label map of each training picture is what
:class:`mmfan.ShapeTokenHead` learns, beside the labels that the decode head learns. Both read one backbone.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import torch
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.structures import PixelData
from torch import Tensor, nn
from torch.nn import functional

from mmfan.errors import ConfigError
from mmfan.models.backbones.dense_backbone import is_pretrained
from mmfan.models.decode_heads.shape_token_head import SHAPE_LABELS, ShapeTokenHead
from mmfan.models.safe_load import compare_states, misfit, safe_load
from mmfan.registry import MODELS
from mmfan.training.comparison.class_scores import watched
from mmfan.training.view_batches import extend

READS = ("dropped", "averaged")
COSINE = "shape_cosine"


class ShapeTaught:
    """Mixed into the class of a segmentor: its second read-out learns what the teacher says.

    Attributes:
        shape_teacher: The teacher, in a tuple, so that it is no part of the model: neither trained nor saved.
        shape_checkpoint: Its weights, loaded when the model's own are initialised; empty once they are there.
        shape_read: What the second read-out does in testing.
    """

    shape_teacher: tuple[nn.Module]
    shape_checkpoint: str
    shape_read: str

    def init_weights(self) -> None:
        """Initialise the model, and load the teacher."""
        super().init_weights()  # type: ignore[misc]
        self.load_teacher()

    def load_teacher(self) -> None:
        """Load the teacher's weights, once.

        Raises:
            FileNotFoundError: There is no such file.
            CheckpointError: It cannot be read.
            ConfigError: They are of another model.
        """
        if not self.shape_checkpoint:
            return
        content = safe_load(self.shape_checkpoint)
        state = content.get("state_dict", content) if isinstance(content, dict) else {}
        teacher = self.shape_teacher[0]
        own = teacher.state_dict()
        missing, _, misshapen = compare_states(own, state)
        if missing or misshapen:
            told = misfit(missing, (), misshapen)
            raise ConfigError(f"The weights {self.shape_checkpoint} are not those of `teacher`: {told}")
        teacher.load_state_dict({name: state.get(name, value) for name, value in own.items()})
        self.shape_checkpoint = ""

    @property
    def shape_head(self) -> ShapeTokenHead:
        """The second read-out."""
        return _shape_head(self)  # type: ignore[arg-type]

    @torch.no_grad()
    def shape_labels(self, inputs: Tensor) -> Tensor:
        """What the teacher says of normalised pictures: (B, H, W) class numbers.

        Args:
            inputs: (B, 3, H, W).
        """
        self.load_teacher()
        teacher: Any = self.shape_teacher[0].to(inputs.device)
        logits = teacher.decode_head(teacher.extract_feat(inputs))
        size, corners = inputs.shape[2:], teacher.align_corners
        return functional.interpolate(logits, tuple(size), mode="bilinear", align_corners=corners).argmax(1)

    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Any]:
        """The losses of the model, that of its second read-out among them; and how alike both read-outs speak.

        Returns:
            As the model has them, and ``shape_cosine``, which is no loss: the mean over pixels of the cosine between
            the class logits of both, less their means over the classes.
        """
        said = self.shape_labels(inputs)
        for sample, labels in zip(data_samples, said, strict=True):
            sample.set_data({SHAPE_LABELS: PixelData(data=labels[None])})
        with watched(self, data_samples) as scored:  # type: ignore[arg-type]
            losses: dict[str, Any] = super().loss(inputs, data_samples)  # type: ignore[misc]
        [own] = [one for one in scored if one.kind == "pixels"]
        other = self.shape_head.last_logits
        if other is not None:
            losses[COSINE] = cosine_of(own.own(range(len(data_samples))).detach(), other)
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """The class logits (B, C, H, W); with ``'averaged'`` the logarithm of both read-outs' mean probability."""
        if self.shape_read != "averaged":
            return super().encode_decode(inputs, batch_img_metas)  # type: ignore[misc]
        model: Any = self
        features = model.extract_feat(inputs)
        heads = model.decode_head, self.shape_head
        logits = [head.predict(features, batch_img_metas, model.test_cfg) for head in heads]
        return torch.stack([one.float().softmax(1) for one in logits]).mean(0).clamp_min(1e-12).log()


def cosine_of(first: Tensor, second: Tensor) -> Tensor:
    """The mean cosine between class logits at the same places, less their means over the classes.

    Args:
        first: (B, C, h, w).
        second: (B, C, h', w'), brought to the size of the first.
    """
    if second.shape[2:] != first.shape[2:]:
        second = functional.interpolate(second, tuple(first.shape[2:]), mode="bilinear", align_corners=False)
    first, second = (one.float() - one.float().mean(1, keepdim=True) for one in (first, second))
    return functional.cosine_similarity(first, second, dim=1).mean()


def _shape_head(model: nn.Module) -> ShapeTokenHead:
    heads = getattr(model, "auxiliary_head", None)
    several = heads if isinstance(heads, nn.ModuleList) else [heads]
    found = [head for head in several if isinstance(head, ShapeTokenHead)]
    if len(found) != 1:
        raise ConfigError(
            f"mmfan.ShapeTeacherWrapper needs one mmfan.ShapeTokenHead as `auxiliary_head`, got {len(found)}."
        )
    return found[0]


def has_weights(config: Mapping[str, Any]) -> bool:
    """Whether the config of a segmentor loads weights for its decode head: a pretrained backbone is no teacher."""
    wanted: list[Any] = []
    for part in (config, config.get("decode_head")):
        told = part.get("init_cfg") if isinstance(part, Mapping) else None
        wanted += told if isinstance(told, (list, tuple)) else [told]
    return any(isinstance(one, Mapping) and is_pretrained(one) and one.get("checkpoint") for one in wanted)


@MODELS.register_module(name="ShapeTeacherWrapper")
def ShapeTeacherWrapper(  # noqa: N802
    of: str, teacher: dict[str, Any], checkpoint: str | PathLike[str] | None = None, read: str = "dropped", **model: Any
) -> nn.Module:
    """A segmentor with a second read-out that learns from a frozen teacher.

    As :class:`mmfan.ConsistencyWrapper` it leaves the config, the parts and the names what they are. The teacher is not
    saved with the model; the second read-out is, as the auxiliary head that it is::

        model = dict(
            type="mmfan.ShapeTeacherWrapper",
            of="EncoderDecoder",
            teacher={{_base_.model}},
            checkpoint="work_dirs/swapped/iter_1200.pth",
            auxiliary_head=dict(type="mmfan.ShapeTokenHead", in_channels=192, num_classes=19),
        )

    Args:
        of: Type of the model, a segmentor of mmsegmentation with one decode head.
        teacher: Config of the teacher, of the same classes. It gets the pictures as the model's own
            ``data_preprocessor`` normalises them.
        checkpoint: File of its weights; None for those that its config has, a ``Pretrained`` as its ``init_cfg``.
        read: What the second read-out does in testing: ``'dropped'`` nothing, ``'averaged'``: the mean of both
            read-outs' probabilities decides.
        model: The rest of the model's config.

    Raises:
        ConfigError: The model has no such head, teacher and model have different classes, one of them has one logit
            for two classes, ``teacher`` is no config or has no weights, ``checkpoint`` is no path, or ``read`` is
            something else.
    """
    if read not in READS:
        raise ConfigError(f"Expected `read` to be {' or '.join(map(repr, READS))}, got {read!r:.80}.")
    built = ROOT_MODELS.build({"type": of, **model})
    head = _shape_head(built)
    if not isinstance(teacher, dict) or "type" not in teacher:
        raise ConfigError(f"Expected `teacher` to be the config of a segmentor, got {teacher!r:.80}.")
    if checkpoint is not None and (not isinstance(checkpoint, (str, PathLike)) or not str(checkpoint)):
        raise ConfigError(f"Expected `checkpoint` to be the file of the teacher's weights, got {checkpoint!r:.80}.")
    if checkpoint is None and not has_weights(teacher):
        raise ConfigError(
            "The teacher has no weights to teach by: give `checkpoint`, the file of its training, or its config "
            "init_cfg=dict(type='Pretrained', checkpoint=...)."
        )
    settings = {key: value for key, value in teacher.items() if key != "data_preprocessor"}
    made = ROOT_MODELS.build(settings).requires_grad_(False).eval()
    if isinstance(getattr(made, "decode_head", None), (type(None), nn.ModuleList)):
        raise ConfigError("mmfan.ShapeTeacherWrapper needs a teacher with one decode head.")
    for whose, one in (("teacher", made.decode_head), ("model", built.decode_head), ("second read-out", head)):
        if getattr(one, "out_channels", 0) == 1:
            raise ConfigError(f"The {whose} gives one logit for both classes: train it with a logit a class instead.")
    if made.num_classes != head.num_classes:
        raise ConfigError(f"The teacher knows {made.num_classes} classes, mmfan.ShapeTokenHead {head.num_classes}.")
    if checkpoint is None:
        made.init_weights()
    extend(built, ShapeTaught, "ShapeTaught")
    built.shape_teacher, built.shape_checkpoint, built.shape_read = (made,), str(checkpoint or ""), read
    return built
