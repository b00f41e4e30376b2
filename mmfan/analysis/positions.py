"""Position encodings of a backbone: found by what they are, and exchanged for others for a while.

Three kinds are known: *computed* from the size of the map (FAN's Fourier encoding), a *table* with an entry for each
place (ViT, PVT, Swin with absolute positions), and *offsets*, a bias of attention for each difference of two places
(Swin, FAN-Swin), which knows no places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.analysis.options import AnalysisError
from mmfan.models.layers.position import FourierPosition
from mmfan.models.taps import backbone_of

ARMS = ("zero", "shuffled", "shifted", "grid")
OF_PLACES = ("shifted", "grid")  # arms that offsets have no part in
TABLE = re.compile(r"(absolute_)?pos(ition)?_?embed(ding)?s?$")
OFFSETS = "relative_position_bias_table"


@dataclass(frozen=True)
class Position:
    """One position encoding.

    Attributes:
        name: Relative to the backbone.
        kind: ``'computed'``, ``'table'`` or ``'offsets'``.
        module: Dotted name in the whole model of the module that computes or holds it.
        parameter: Name of the table in that module; '' for one that is computed.
    """

    name: str
    kind: str
    module: str
    parameter: str = ""


@dataclass(frozen=True)
class Arm:
    """What the encoding is exchanged for.

    Attributes:
        name: ``'zero'``: nothing; ``'shuffled'``: each place has that of another, all pictures alike; ``'shifted'``: of
            the place so many rows and columns away, around the border; ``'grid'``: of a map of another size,
            enlarged bilinearly to this one's.
        shift: Rows and columns.
        grid: Rows and columns of the other map; None for half as many as this one's, rounded up.
        seed: Of the order of ``'shuffled'``.
    """

    name: str
    shift: tuple[int, int] = (4, 4)
    grid: tuple[int, int] | None = None
    seed: int = 0

    def other_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the other map."""
        return self.grid if self.grid is not None else (-(-size[0] // 2), -(-size[1] // 2))

    def order(self, count: int) -> Tensor:
        """A random order of ``count`` places, drawn from the seed."""
        return torch.randperm(count, generator=torch.Generator().manual_seed(self.seed))

    def arranged(self, values: Tensor) -> Tensor:
        """The encoding of a map, (1, C, H, W), in this arm."""
        if self.name == "zero":
            return torch.zeros_like(values)
        if self.name == "shifted":
            return values.roll(self.shift, (2, 3))
        size = (values.shape[2], values.shape[3])
        if self.name == "shuffled":
            return values.flatten(2)[..., self.order(size[0] * size[1]).to(values.device)].view_as(values)
        return resized(resized(values, self.other_size(size)), size)


def resized(values: Tensor, size: tuple[int, int]) -> Tensor:
    """An encoding (1, C, H, W) on a map of another size, bilinear; itself on one of the same."""
    if tuple(values.shape[2:]) == size:
        return values
    return F.interpolate(values, size, mode="bilinear", align_corners=False)


def list_positions(model: nn.Module) -> list[Position]:
    """The position encodings of a model's backbone.

    Raises:
        AnalysisError: There is none that is known.
    """
    prefix, backbone = backbone_of(model)
    found = []
    for path, module in backbone.named_modules():
        full = f"{prefix}.{path}".strip(".")
        if isinstance(module, FourierPosition):
            found.append(Position(path, "computed", full))
        for name, value in module.named_parameters(recurse=False):
            kind = "offsets" if name == OFFSETS else "table" if _is_table(name, value) else ""
            if kind:
                found.append(Position(f"{path}.{name}".strip("."), kind, full, name))
    if not found:
        raise AnalysisError(
            f"{type(backbone).__name__} has no position encoding that is known: none computed like FAN's, no table of "
            "positions, no bias of offsets. What such a network knows of places comes from the borders of its "
            "convolutions."
        )
    return found


def takes_part(positions: Sequence[Position], arm: str) -> bool:
    """Whether an arm changes any of these encodings."""
    return arm not in OF_PLACES or any(one.kind != "offsets" for one in positions)


@contextmanager
def exchanged(model: nn.Module, positions: Sequence[Position], arm: Arm) -> Iterator[nn.Module]:
    """The model with its encodings exchanged, for a while; afterwards they are what they were, bit by bit.

    Args:
        model: The model that the positions were listed for, or one like it.
        positions: Of :func:`list_positions`; offsets stay in the arms ``'shifted'`` and ``'grid'``.
        arm: What for.

    Raises:
        AnalysisError: The rows and columns of a table are not known.
    """
    with ExitStack() as stack:
        for one in positions:
            module = model.get_submodule(one.module)
            if one.kind == "computed":
                stack.callback(module.register_forward_hook(_hook(arm)).remove)
            elif one.kind == "table" or arm.name not in OF_PLACES:
                table = getattr(module, one.parameter)
                stack.callback(table.data.copy_, table.detach().clone())
                table.data.copy_(_arranged_table(module, one, table.detach(), arm))
        yield model


def _hook(arm: Arm) -> Callable[..., Tensor]:
    def hook(module: FourierPosition, args: tuple[Any, ...], output: Tensor) -> Tensor:
        size = (int(args[0][0]), int(args[0][1]))
        if arm.name == "grid":  # computed for the other map, not reduced from this one's
            other = arm.other_size(size)
            found = resized(module.forward(other).transpose(1, 2).unflatten(2, other), size)
        else:
            found = arm.arranged(output.transpose(1, 2).unflatten(2, size))
        return found.flatten(2).transpose(1, 2)

    return hook


def _arranged_table(module: nn.Module, position: Position, table: Tensor, arm: Arm) -> Tensor:
    if position.kind == "offsets":
        return torch.zeros_like(table) if arm.name == "zero" else table[arm.order(len(table)).to(table.device)]
    if table.ndim == 4:
        return arm.arranged(table)
    size = _size_of(module, table.shape[1], position.name)
    extra = table.shape[1] - size[0] * size[1]  # of a class token, which is at no place
    places = arm.arranged(table[:, extra:].transpose(1, 2).unflatten(2, size)).flatten(2).transpose(1, 2)
    start = torch.zeros_like(table[:, :extra]) if arm.name == "zero" else table[:, :extra]
    return torch.cat((start, places), dim=1)


def _is_table(name: str, value: Tensor) -> bool:
    return TABLE.search(name) is not None and value.ndim in (3, 4) and value.shape[0] == 1


def _size_of(module: nn.Module, count: int, name: str) -> tuple[int, int]:
    """Rows and columns of a table: as the module says, else a square; one entry more may be a class token's."""
    told = [_pair(getattr(module, "pos_shape", None))]
    picture, patch = _pair(getattr(module, "img_size", None)), _pair(getattr(module, "patch_size", None))
    if picture is not None and patch is not None:
        told.append((picture[0] // patch[0], picture[1] // patch[1]))
    side = int(count**0.5 + 1e-9)
    for size in (*told, (side, side)):
        if size is not None and count - size[0] * size[1] in (0, 1):
            return size
    raise AnalysisError(f"The rows and columns of the position table {name}, of {count} entries, are not known.")


def _pair(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int):
        return value, value
    whole = isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(one, int) for one in value)
    return (value[0], value[1]) if whole else None
