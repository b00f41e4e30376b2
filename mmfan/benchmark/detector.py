"""Memory of detection at full size: backbone beside the plain form, training step with and without recomputation.

No times: on CPUs a detector's step is mostly its heads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmfan.benchmark.machine import Machine
from mmfan.benchmark.memory import MemoryUse, measure_memory
from mmfan.benchmark.page import Page
from mmfan.benchmark.plain import PlainFAN
from mmfan.benchmark.workload import ARCHS, TOLERANCE, DifferentFunctionError, relative_error, set_weights
from mmfan.errors import MMFanError
from mmfan.utils.tables import Table

STRIDE = 32  # of the coarsest map
CHECK_SIDE = 64  # of the picture on which the two backbones are compared
BASE = "mmdet::_base_/models/mask-rcnn_r50_fpn.py"
OBJECTS = 8  # in the made-up picture
MIB = 2**20


@dataclass(frozen=True)
class DetectorJob:
    """What is measured.

    Attributes:
        arch: Size of FAN-Hybrid.
        height: Of the picture, pixels; a multiple of 32.
        width: Likewise.
        threads: CPU threads.
        device: ``'cpu'`` or ``'cuda'``.
        seed: Of weights and picture.

    Raises:
        MMFanError: For sides that are no multiples of the stride, or an unknown arch.
    """

    arch: str = "small"
    height: int = 800
    width: int = 1344
    threads: int = 2
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.arch not in ARCHS:
            raise MMFanError(f"Expected arch to be one of {', '.join(ARCHS)}, but got '{self.arch}'.")
        if min(self.height, self.width) < STRIDE or self.height % STRIDE or self.width % STRIDE:
            raise MMFanError(
                f"Expected sides that are positive multiples of {STRIDE}, but got {self.width} x {self.height}."
            )


@dataclass(frozen=True)
class Row:
    """Two pieces of work and their memory.

    Attributes:
        work: What both do.
        forms: Their names, the yardstick first.
        memory: Of each; None for one that the machine has no room for.
        goal: What the second may take of the first.
    """

    work: str
    forms: tuple[str, str]
    memory: tuple[MemoryUse | None, MemoryUse | None]
    goal: float

    @property
    def ratio(self) -> float | None:
        """Memory above start, the second over the first; below 1 is less."""
        first, second = self.memory
        if first is None or second is None or not first.above_start:
            return None
        return second.above_start / first.above_start


def build_backbone(job: DetectorJob, form: str, with_cp: bool = False) -> nn.Module:
    """One form of the backbone with the stride-32 map, with the job's weights; ``form`` is 'plain' or 'mmfan'."""
    from mmfan.registry import MODELS

    torch.set_num_threads(job.threads)
    model: nn.Module = PlainFAN(f"hybrid_{job.arch}", final_downsample=True)
    set_weights(model, job.seed)
    if form == "mmfan":
        state = model.state_dict()
        config = {"type": "mmfan.FANHybrid", "arch": job.arch, "final_downsample": True, "with_cp": with_cp}
        model = MODELS.build(config)
        model.load_state_dict(state)
    return model.to(job.device)


def _picture(job: DetectorJob, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(job.seed + 1)
    return torch.randn(1, 3, height, width, generator=generator).to(job.device)


def check_same_backbone(job: DetectorJob) -> float:
    """Run both forms of the backbone on a small picture; returns the largest relative error of their maps.

    Raises:
        DifferentFunctionError: Where it exceeds what rounding explains.
    """
    picture = _picture(job, CHECK_SIDE, 2 * CHECK_SIDE)
    with torch.no_grad():
        plain, ours = (build_backbone(job, form).eval()(picture) for form in ("plain", "mmfan"))
    error = relative_error(plain, ours)
    if not error <= TOLERANCE[torch.float32]:
        raise DifferentFunctionError(f"The two forms of the backbone differ by {error:.1e}.")
    return error


def backbone_work(job: DetectorJob, form: str, training: bool, with_cp: bool = False) -> Callable[[], object]:
    """One run of a backbone on the full picture: its maps, or with ``training`` also the backward pass."""
    model = build_backbone(job, form, with_cp).train(training)

    def run(height: int, width: int) -> object:
        picture = _picture(job, height, width)
        if not training:
            with torch.no_grad():
                return model(picture)
        sum(o.float().square().mean() for o in model(picture)).backward()
        return None

    run(CHECK_SIDE, CHECK_SIDE)  # libraries are in place; activations and gradients are not
    model.zero_grad(set_to_none=True)
    return partial(run, job.height, job.width)


def build_detector(job: DetectorJob, with_cp: bool) -> Any:
    """Mask R-CNN of mmdetection (FPN, RPN, box and mask heads of 80 classes) on FAN-Hybrid."""
    from mmengine.hub import get_config
    from mmengine.registry import MODELS, DefaultScope

    model = get_config(BASE).model
    backbone = {
        "type": "mmfan.FANHybrid",
        "arch": job.arch,
        "final_downsample": True,
        "drop_path_rate": 0.0,
        "with_cp": with_cp,
    }
    with torch.device("meta"):
        widths = MODELS.build(backbone).out_channels
    model.backbone = backbone
    model.neck.in_channels = list(widths)
    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    with DefaultScope.overwrite_default_scope("mmdet"):
        return MODELS.build(model).to(job.device).train()


def _objects(job: DetectorJob, height: int, width: int) -> Any:
    """A data sample of mmdetection with boxes and masks in a row."""
    import numpy as np
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    step = width / OBJECTS
    boxes = torch.tensor([[n * step, 0.2 * height, (n + 0.8) * step, 0.7 * height] for n in range(OBJECTS)])
    masks = np.zeros((OBJECTS, height, width), np.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes.int().tolist(), strict=True):
        mask[top:bottom, left:right] = 1
    found = InstanceData(bboxes=boxes, labels=torch.arange(OBJECTS), masks=BitmapMasks(masks, height, width))
    shape = (height, width)
    meta = dict.fromkeys(("img_shape", "batch_input_shape", "pad_shape", "ori_shape"), shape) | {"scale_factor": (1, 1)}
    return DetDataSample(metainfo=meta, gt_instances=found.to(job.device), ignored_instances=found[:0].to(job.device))


def detector_work(job: DetectorJob, with_cp: bool) -> Callable[[], object]:
    """One training step of the detector: losses, backward pass, AdamW step."""
    model = build_detector(job, with_cp)

    def step(height: int, width: int) -> object:
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
        losses = model.loss(_picture(job, height, width), [_objects(job, height, width)])
        parts = [
            part
            for name, value in losses.items()
            if "loss" in name
            for part in (value if isinstance(value, list) else [value])
        ]
        torch.stack([part.sum() for part in parts]).sum().backward()
        optimizer.step()
        return optimizer

    step(CHECK_SIDE, CHECK_SIDE)
    model.zero_grad(set_to_none=True)
    return partial(step, job.height, job.width)


PIECES: dict[str, Callable[[DetectorJob], Callable[[], object]]] = {
    "plain inference": partial(backbone_work, form="plain", training=False),
    "mmfan inference": partial(backbone_work, form="mmfan", training=False),
    "plain training": partial(backbone_work, form="plain", training=True),
    "mmfan training": partial(backbone_work, form="mmfan", training=True),
    "mmfan training, with_cp": partial(backbone_work, form="mmfan", training=True, with_cp=True),
    "step": partial(detector_work, with_cp=False),
    "step, with_cp": partial(detector_work, with_cp=True),
}
# what is set against what, and which share of the first the second may take
PAIRS: tuple[tuple[str, str, str, float], ...] = (
    ("backbone, inference", "plain inference", "mmfan inference", 0.25),
    ("backbone, forward + backward", "plain training", "mmfan training", 0.25),
    ("backbone, forward + backward", "plain training", "mmfan training, with_cp", 0.25),
    ("detector, training step", "step", "step, with_cp", 0.4),
)


def measure_detector(job: DetectorJob, say: Callable[[str], None] = lambda _: None) -> list[Row]:
    """Measure everything, each piece of work in a process of its own.

    Args:
        job: What is measured.
        say: Receives a line of progress now and then.

    Raises:
        DifferentFunctionError: Where the two backbones do not compute the same: then nothing is measured.
        MemoryNotMeasurableError: On a CPU system other than Linux.
    """
    say(f"same function, largest relative error {check_same_backbone(job):.1e}")
    found: dict[str, MemoryUse | None] = {}
    for name, build in PIECES.items():
        try:
            found[name] = measure_memory(partial(build, job), job.device)
        except (MemoryError, torch.cuda.OutOfMemoryError):
            found[name] = None
        say(f"{name}: {_mib(found[name])} MiB")
    return [Row(work, (first, second), (found[first], found[second]), goal) for work, first, second, goal in PAIRS]


def _mib(use: MemoryUse | None) -> str:
    return "does not fit" if use is None else f"{use.above_start / MIB:.0f}"


def detector_page(job: DetectorJob, rows: Sequence[Row], machine: Machine) -> Page:
    """Two lines a row, one for each form."""
    notes = (f"Mask R-CNN with FPN on FAN-{job.arch}-Hybrid, one picture of {job.width} x {job.height}, float32.",)
    cells = []
    for row in rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        (first, second), (plain, ours) = row.memory, row.forms
        cells += [(row.work, plain, _mib(first), "1", ""), (row.work, ours, _mib(second), ratio, f"{row.goal:.2f}")]
    head = ("work", "form", "memory above start, MiB", "of the first", "goal")
    figures = {"job": job, "rows": [{**asdict(row), "ratio": row.ratio} for row in rows]}
    return Page(machine, notes, (Table("", "", head, tuple(cells), texts=2),), figures)
