"""Probes that are fitted, and the samples they were fitted to, in a file, so that a run that was killed goes on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmfan.analysis.probing.depths import Depth, joined
from mmfan.analysis.probing.linear import LinearProbe, fit_linear
from mmfan.analysis.probing.task import Samples, Task
from mmfan.utils.files import write_whole

Fitted = tuple[list[LinearProbe], Samples]


def fit(task: Task, depths: Sequence[Depth], decay: float, progress: Callable[[int, int], None]) -> Fitted:
    """A linear probe for each depth, and the samples; without their features where no read-out compares with them.

    Args:
        task: Gives the samples.
        depths: Which blocks each probe reads.
        decay: Weight of the squared norm of a probe's matrix in its loss.
        progress: Called with (done, total) after each probe.
    """
    samples = task.samples()
    probes = []
    for done, depth in enumerate(depths, 1):
        probes.append(fit_linear(joined(samples.features, depth), samples.labels, decay))
        progress(done, len(depths))
    return probes, samples if "knn" in task.readouts else Samples([], samples.labels)


def write_fitted(path: Path, key: str, fitted: Fitted) -> None:
    """Write probes and samples, whole or not at all."""
    probes, samples = fitted
    arrays: dict[str, Any] = {"key": np.array(key), "labels": samples.labels}
    arrays |= {f"features{place}": values.numpy() for place, values in enumerate(samples.features)}
    for place, probe in enumerate(probes):
        arrays |= {f"weight{place}": probe.weight.cpu().numpy(), f"bias{place}": probe.bias.cpu().numpy()}
    arrays["classes"] = probes[0].classes
    content = io.BytesIO()
    np.savez(content, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())


def read_fitted(path: Path, key: str, depths: int, blocks: int) -> Fitted | None:
    """What :func:`write_fitted` wrote under the same key; None where there is no such file, or it is none."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if str(arrays["key"]) != key:
                return None
            probes = [
                LinearProbe(
                    torch.from_numpy(arrays[f"weight{place}"]),
                    torch.from_numpy(arrays[f"bias{place}"]),
                    arrays["classes"],
                )
                for place in range(depths)
            ]
            features = [torch.from_numpy(arrays[f"features{place}"]) for place in range(blocks)]
            return probes, Samples(features, arrays["labels"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
