"""Workloads: one model in plain form and in mmfan's, for inference or for one training step.

Both forms get the same weights. :func:`check_same_function` runs both and compares; without its agreement a speed-up
means nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfan.benchmark.plain import PLAIN_ARCHS, STRIDE, PlainSegmentor
from mmfan.errors import MMFanError

Task = Literal["inference", "training"]
Form = Literal["plain", "mmfan"]
FORMS: tuple[Form, ...] = ("plain", "mmfan")
ARCHS = tuple(name.removeprefix("hybrid_") for name in PLAIN_ARCHS if name.startswith("hybrid_"))

IGNORED = 255  # label of pixels without a class
LEARNING_RATE = 6e-5  # of the published recipe
CHECK_SIZE = 128  # side of the picture on which a training step is compared
# Largest relative error of two forms of one function: rounding alone gives about 1e-15, 1e-6 and 1e-2.
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4, torch.bfloat16: 1e-1}


class DifferentFunctionError(MMFanError, RuntimeError):
    """The two forms do not compute the same."""


@dataclass(frozen=True)
class Job:
    """One workload, without the form.

    Attributes:
        task: ``'inference'``: logits in eval mode without gradients. ``'training'``: forward, resize to the picture,
            cross-entropy, backward, AdamW step.
        size: Sides of the square picture, in pixels; a multiple of 16.
        arch: Size of FAN-Hybrid.
        num_classes: Channels of the logits.
        embed_dim: Width of the head.
        batch: Pictures at once.
        device: ``'cpu'`` or ``'cuda'``.
        threads: CPU threads.
        amp: Autocast to bfloat16.
        compiled: ``torch.compile`` mmfan's form.
        recompute: What mmfan's backbone computes again in the backward pass: ``'none'``, ``'light'``, ``'full'``.
        seed: Of weights, picture and labels.

    Raises:
        MMFanError: For a size that is not a multiple of the stride, or an unknown task or arch.
    """

    task: Task = "inference"
    size: int = 1024
    arch: str = "tiny"
    num_classes: int = 19
    embed_dim: int = 768
    batch: int = 1
    device: str = "cpu"
    threads: int = 2
    amp: bool = False
    compiled: bool = False
    recompute: str = "light"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.task not in ("inference", "training"):
            raise MMFanError(f"Expected task to be 'inference' or 'training', but got '{self.task}'.")
        if self.size < STRIDE or self.size % STRIDE:
            raise MMFanError(f"Expected a picture side that is a positive multiple of {STRIDE}, but got {self.size}.")
        if self.arch not in ARCHS:
            raise MMFanError(f"Expected arch to be one of {', '.join(ARCHS)}, but got '{self.arch}'.")

    @property
    def dtype(self) -> torch.dtype:
        """Of the matrix products."""
        return torch.bfloat16 if self.amp else torch.float32

    def autocast(self) -> AbstractContextManager[Any]:
        """The context that every forward pass runs in."""
        return torch.autocast(self.device, dtype=torch.bfloat16) if self.amp else nullcontext()


class MmfanSegmentor(nn.Module):
    """mmfan's backbone and head, built by name from the registry; the parameter names are those of the plain form.

    Args:
        job: What to build.
        dropout_ratio: Of the head's channels, in training.
    """

    def __init__(self, job: Job, dropout_ratio: float = 0.1) -> None:
        super().__init__()
        from mmfan.registry import MODELS  # here: the plain form alone needs no OpenMMLab

        self.backbone = MODELS.build(
            {"type": "mmfan.FANHybrid", "arch": job.arch, "drop_path_rate": 0.0, "recompute": job.recompute}
        )
        channels = self.backbone.out_channels
        self.decode_head = MODELS.build(
            {
                "type": "mmfan.FANSegformerHead",
                "in_channels": channels,
                "in_index": tuple(range(len(channels))),
                "num_classes": job.num_classes,
                "embed_dim": job.embed_dim,
                "dropout_ratio": dropout_ratio,
                "norm_cfg": {"type": "BN", "requires_grad": True},
                # not used here; mmseg warns of its own default
                "loss_decode": {"type": "CrossEntropyLoss", "avg_non_ignore": True},
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) to logits (B, num_classes, H / 4, W / 4)."""
        return self.decode_head(self.backbone(x))


def set_weights(model: nn.Module, seed: int) -> None:
    """Random weights under which every layer matters (a fresh model would hide its stem behind a 1e-6 layer scale).

    Matrices and kernels are drawn from N(0, 1 / fan_in); scales and variances are near 1, biases and means near 0.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, t in model.state_dict().items():
        if not t.is_floating_point():
            continue
        n = torch.randn(t.shape, generator=generator)
        if t.ndim >= 2 and not name.endswith("temperature"):
            n = n / t[0].numel() ** 0.5
        elif name.endswith(("bias", "running_mean")):
            n = 0.1 * n
        else:
            n = 1 + 0.1 * (n.abs() if name.endswith("running_var") else n)
        t.copy_(n)  # the tensors of a state dict are the model's own


def build_model(job: Job, form: Form, dropout_ratio: float = 0.1) -> nn.Module:
    """One form with the job's weights, on its device, in the mode of its task.

    Raises:
        DifferentFunctionError: Where the parameters of the two forms differ in name or shape.
    """
    torch.set_num_threads(job.threads)
    if job.device == "cuda":  # float32 means float32 for both forms, and for the floor
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    model: nn.Module = PlainSegmentor(f"hybrid_{job.arch}", job.num_classes, job.embed_dim, dropout_ratio=dropout_ratio)
    set_weights(model, job.seed)
    if form == "mmfan":
        state = model.state_dict()
        model = MmfanSegmentor(job, dropout_ratio)
        own = model.state_dict()
        odd = sorted(
            k for k in own.keys() | state.keys() if k not in own or k not in state or own[k].shape != state[k].shape
        )
        if odd:
            raise DifferentFunctionError(
                f"mmfan's form does not take the plain form's weights: {len(odd)} parameters differ in name or shape, "
                f"such as {', '.join(odd[:3])}."
            )
        model.load_state_dict(state)
    return model.to(job.device).train(job.task == "training")


def make_batch(job: Job) -> tuple[Tensor, Tensor]:
    """Pictures (B, 3, size, size), standard normal, and labels (B, size, size) from 0 to num_classes - 1."""
    generator = torch.Generator().manual_seed(job.seed + 1)
    pictures = torch.randn(job.batch, 3, job.size, job.size, generator=generator)
    labels = torch.randint(job.num_classes, (job.batch, job.size, job.size), generator=generator)
    return pictures.to(job.device), labels.to(job.device)


def _compiled(module: nn.Module, job: Job, form: Form) -> Callable[[Tensor], Tensor]:
    return torch.compile(module) if job.compiled and form == "mmfan" else module


def loss_of(model: Callable[[Tensor], Tensor], pictures: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the logits resized to the labels."""
    logits = F.interpolate(
        _at_least_float32(model(pictures)), size=labels.shape[-2:], mode="bilinear", align_corners=False
    )
    return F.cross_entropy(logits, labels, ignore_index=IGNORED)


def _at_least_float32(t: Tensor) -> Tensor:
    return t.float() if t.dtype == torch.bfloat16 else t


def build_work(job: Job, form: Form) -> Callable[[], Tensor]:
    """The piece of work to measure: one call is one inference (returns logits) or one training step (returns loss)."""
    module = build_model(job, form)
    return _work_of(job, module, _compiled(module, job, form))


def build_warm_work(job: Job, form: Form) -> Callable[[], Tensor]:
    """The same for measuring memory: libraries and compiled code are in place; activations and gradients are not.

    A compiled form is run once in full, since what the compiler needs is not what the model needs.
    """
    if not (job.compiled and form == "mmfan"):
        build_work(replace(job, size=4 * STRIDE), form)()
        return build_work(job, form)
    module = build_model(job, form)
    model = _compiled(module, job, form)
    _work_of(job, module, model)()
    module.zero_grad(set_to_none=True)
    return _work_of(job, module, model)  # with a fresh optimizer


def _work_of(job: Job, module: nn.Module, model: Callable[[Tensor], Tensor]) -> Callable[[], Tensor]:
    pictures, labels = make_batch(job)

    @torch.no_grad()
    def infer() -> Tensor:
        with job.autocast():
            return model(pictures)

    if job.task == "inference":
        return infer

    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=LEARNING_RATE)

    def step() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        with job.autocast():
            loss = loss_of(model, pictures, labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def check_same_function(job: Job) -> float:
    """Run both forms on the same input and compare.

    Inference compares the logits at the job's size and precision. Training compares the loss and every gradient of one
    step without dropout, at a size of at most 128 and in float64: in float32 the gradients of one and the same
    function differ by 1e-4 as soon as one unit of a ReLU falls on the other side of 0.

    Returns:
        The largest relative error, see :func:`relative_error`.

    Raises:
        DifferentFunctionError: Where it exceeds what rounding explains.
    """
    if job.task == "inference":
        tolerance = TOLERANCE[job.dtype]
        plain, ours = ([build_work(job, form)().float()] for form in FORMS)
        error = relative_error(plain, ours)
    else:
        tolerance = TOLERANCE[torch.float64]
        job = replace(job, size=min(job.size, CHECK_SIZE), amp=False)
        plain, ours = (_loss_and_gradients(job, form) for form in FORMS)
        error = max(relative_error(plain[:1], ours[:1]), relative_error(plain[1:], ours[1:]))
    if not error <= tolerance:  # so that NaN fails too
        raise DifferentFunctionError(
            f"The two forms differ by {error:.1e} in {job.task}, where rounding explains {tolerance:.0e}: no speed-up "
            "is reported for a different function."
        )
    return error


def relative_error(expected: Sequence[Tensor], got: Sequence[Tensor]) -> float:
    """Largest difference over the largest value expected, all tensors taken together; 0 is best."""
    pairs = list(zip(expected, got, strict=True))
    difference = max((a.double() - b.double()).abs().max().item() for a, b in pairs)
    largest = max(a.abs().max().item() for a, _ in pairs)
    return difference / largest if largest else float("inf")


def _loss_and_gradients(job: Job, form: Form) -> list[Tensor]:
    """The loss, then the gradient of every parameter by name; one that takes no part has a gradient of zero."""
    module = build_model(job, form, dropout_ratio=0.0).double()
    pictures, labels = make_batch(job)
    loss = loss_of(_compiled(module, job, form), pictures.double(), labels)
    loss.backward()
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for _, p in sorted(module.named_parameters())]
    return [loss.detach(), *gradients]
