"""The compiled operators of two builds of mmcv, held against each other: the same inputs, the same bytes?

    python tests/reliability/operators.py a.npz          # in the environment of one build
    python tests/reliability/operators.py b.npz          # in that of the other
    python tests/reliability/operators.py --compare a.npz b.npz

Each operator that has a form for the CPU runs on inputs of a fixed seed, forward and, where it has one, backward. Seeds
and shapes lie in this file alone, so two runs differ by the build only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch
from mmcv import ops

Case = Callable[[torch.Generator], "Iterator[torch.Tensor]"]


def normal(seed: torch.Generator, *shape: int) -> torch.Tensor:
    """Standard normal values that keep their gradient."""
    return torch.randn(*shape, generator=seed).requires_grad_()


def corners(seed: torch.Generator, count: int, size: float = 60.0) -> torch.Tensor:
    """(count, 4) boxes as x1, y1, x2, y2 that overlap a good deal."""
    start = torch.rand(count, 2, generator=seed) * size
    return torch.cat([start, start + 1 + torch.rand(count, 2, generator=seed) * size / 2], 1)


def rotated(seed: torch.Generator, count: int) -> torch.Tensor:
    """(count, 5) boxes as x, y, width, height, angle in radians."""
    place = torch.rand(count, 2, generator=seed) * 40
    return torch.cat(
        [place, 2 + torch.rand(count, 2, generator=seed) * 20, torch.rand(count, 1, generator=seed) * 3], 1
    )


def quadrilaterals(seed: torch.Generator, count: int) -> torch.Tensor:
    """(count, 8) convex quadrilaterals, the corners in turn."""
    box = corners(seed, count)
    x1, y1, x2, y2 = box.unbind(1)
    shift = torch.rand(count, generator=seed) * 3
    return torch.stack([x1 + shift, y1, x2, y1 + shift, x2 - shift, y2, x1, y2 - shift], 1)


def with_gradients(output: torch.Tensor, *inputs: torch.Tensor) -> Iterator[torch.Tensor]:
    """An output, and the gradient of each input under a fixed weighting of it."""
    weights = torch.linspace(-1, 1, output.numel()).reshape(output.shape)
    yield output
    yield from torch.autograd.grad((output * weights).sum(), inputs)


def regions(seed: torch.Generator, count: int, pictures: int) -> torch.Tensor:
    """(count, 5) regions as picture, x1, y1, x2, y2."""
    index = torch.randint(pictures, (count, 1), generator=seed).float()
    return torch.cat([index, corners(seed, count)], 1)


def overlaps(seed: torch.Generator) -> Iterator[torch.Tensor]:
    """Of boxes, rotated boxes and quadrilaterals; the backward pass of none is compiled."""
    a, b = corners(seed, 40), corners(seed, 30)
    for mode in ("iou", "iof"):
        yield ops.bbox_overlaps(a, b, mode=mode)
        yield ops.bbox_overlaps(a[:30], b, mode=mode, aligned=True, offset=1)
        yield ops.box_iou_rotated(rotated(seed, 40), rotated(seed, 30), mode=mode)
        yield ops.box_iou_quadri(quadrilaterals(seed, 40), quadrilaterals(seed, 30), mode=mode)


def suppression(seed: torch.Generator) -> Iterator[torch.Tensor]:
    """The NMS operators: what is kept, in what order, and its scores."""
    boxes, scores = corners(seed, 300), torch.rand(300, generator=seed)
    classes = torch.randint(5, (300,), generator=seed)
    yield from ops.nms(boxes, scores, 0.5)
    yield from ops.nms(boxes, scores, 0.3, offset=1, score_threshold=0.2, max_num=20)
    for method in ("naive", "linear", "gaussian"):
        yield from ops.soft_nms(boxes, scores, 0.3, sigma=0.5, min_score=1e-3, method=method)
    yield from ops.batched_nms(boxes, scores, classes, {"type": "nms", "iou_threshold": 0.5})
    groups = ops.nms_match(torch.cat([boxes, scores[:, None]], 1), 0.5)
    yield torch.tensor([len(group) for group in groups])
    yield torch.cat([torch.as_tensor(group) for group in groups])
    turned, corners4 = rotated(seed, 200), quadrilaterals(seed, 200)
    yield from ops.nms_rotated(turned, scores[:200], 0.3)
    yield from ops.nms_quadri(corners4, scores[:200], 0.3)


def region_pooling(seed: torch.Generator) -> Iterator[torch.Tensor]:
    """RoIAlign in its forms, forward and backward."""
    for mode in ("avg", "max"):
        for aligned in (True, False):
            maps = normal(seed, 2, 5, 20, 24)
            yield from with_gradients(ops.roi_align(maps, regions(seed, 12, 2), (7, 5), 0.25, 2, mode, aligned), maps)
    maps = normal(seed, 2, 5, 20, 24)
    turned = torch.cat([torch.randint(2, (9, 1), generator=seed).float(), rotated(seed, 9)], 1)
    yield from with_gradients(ops.roi_align_rotated(maps, turned, (7, 5), 0.5, 2, True, False), maps)
    curves = torch.cat([torch.randint(2, (6, 1), generator=seed).float(), torch.rand(6, 16, generator=seed) * 20], 1)
    yield from with_gradients(ops.bezier_align(maps, curves, (8, 16), 1.0, 2), maps)


def deformable(seed: torch.Generator) -> Iterator[torch.Tensor]:
    """Deformable convolutions, plain and modulated."""
    maps, weight = normal(seed, 2, 8, 11, 13), normal(seed, 6, 4, 3, 3)
    offset, mask = normal(seed, 2, 18, 11, 13), normal(seed, 2, 9, 11, 13)
    yield from with_gradients(ops.deform_conv2d(maps, offset, weight, 1, 1, 1, 2, 1), maps, offset, weight)
    bias = normal(seed, 6)
    output = ops.modulated_deform_conv2d(maps, offset, mask, weight, bias, 1, 1, 1, 2, 1)
    yield from with_gradients(output, maps, offset, mask, weight, bias)


def rotations(seed: torch.Generator) -> Iterator[torch.Tensor]:
    """Rotating filters and aligning features by rotated boxes."""
    filters = normal(seed, 4, 2, 8, 3, 3)
    indices = torch.randint(1, 73, (8, 3, 3, 8), generator=seed, dtype=torch.int32)
    yield from with_gradients(ops.active_rotated_filter(filters, indices), filters)
    maps = normal(seed, 2, 3, 9, 10)
    best = torch.rand(2, 9, 10, 5, generator=seed) * 8
    for points in (1, 5):
        yield from with_gradients(ops.rotated_feature_align(maps, best, 1.0, points), maps)


def attention_and_groups(seed: torch.Generator) -> Iterator[torch.Tensor]:
    """Pointwise spatial attention's masks, and pixels grouped to kernels."""
    for kind in ("collect", "distribute"):
        maps = normal(seed, 2, 7 * 7, 5, 5)
        yield from with_gradients(ops.PSAMask(kind, (7, 7))(maps), maps)
    score = torch.rand(20, 20, generator=seed)
    labels = torch.zeros(20, 20, dtype=torch.int32)
    labels[2:8, 2:8], labels[11:18, 10:18] = 1, 2
    yield from (torch.tensor(group) for group in ops.pixel_group(
        score, score > 0.3, torch.rand(20, 20, 4, generator=seed), labels, (score > 0.2).byte(), 3, 0.5,
    ))  # fmt: skip


def voxels(seed: torch.Generator) -> Iterator[torch.Tensor]:
    """Points to voxels, and which points lie in which box."""
    points = torch.rand(2000, 4, generator=seed) * 10
    yield from ops.voxelization(
        points, torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0.0, 0, 0, 10, 10, 10]), 8, 900, True
    )
    yield ops.voxelization(points, torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0.0, 0, 0, 10, 10, 10]), -1, -1)
    boxes = torch.rand(1, 6, 7, generator=seed) * 5
    yield ops.points_in_boxes_cpu(points[None, :, :3], boxes)


CASES: dict[str, Case] = {
    function.__name__: function
    for function in (
        overlaps,
        suppression,
        region_pooling,
        deformable,
        rotations,
        attention_and_groups,
        voxels,
    )
}


def outputs() -> dict[str, np.ndarray]:
    """What each operator gives; a case that cannot run on this build ends the run."""
    torch.set_num_threads(1)
    found = {}
    for number, (name, case) in enumerate(CASES.items()):
        seed = torch.Generator().manual_seed(number)
        for index, value in enumerate(case(seed)):
            found[f"{name}/{index:02d}"] = value.detach().numpy()
    return found


def differences(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> list[str]:
    """One line for each output that is not equal, to the last bit."""
    lines = [f"{key}: only in one of the two" for key in sorted(set(first) ^ set(second))]
    for key in sorted(set(first) & set(second)):
        a, b = first[key], second[key]
        if a.shape != b.shape:
            lines.append(f"{key}: shapes {a.shape} and {b.shape}")
        elif a.tobytes() != b.tobytes():
            unequal = a != b
            largest = np.abs(a.astype(float) - b.astype(float)).max()
            lines.append(f"{key}: {unequal.sum()} of {a.size} values differ, by at most {largest:.3g}")
    return lines


def main() -> int:
    """Write the outputs of this build, or compare those of two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    if not arguments.compare:
        found = outputs()
        np.savez(arguments.files[0], **found)
        print(f"{arguments.files[0]}: {len(found)} outputs of {len(CASES)} groups of operators")
        return 0
    first, second = (dict(np.load(file)) for file in arguments.files)
    lines = differences(first, second)
    print("\n".join(lines) or f"{len(first)} outputs, equal to the last bit")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
