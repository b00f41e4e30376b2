"""Seeds a picture and pass: draws of a training pipeline that do not depend on the number of loading processes.

OpenMMLab's transforms draw from NumPy's and Python's generators of the process they run in, so what a picture gets
depends on which process loads it. Two pieces change that for a whole pipeline, mmfan's transforms or others::

    train_dataloader = dict(
        sampler=dict(type="mmfan.PassSampler", sampler=dict(type="InfiniteSampler", shuffle=True)),
        dataset=dict(pipeline=[dict(type="mmfan.SeedByPicture", seed=0), dict(type="LoadImageFromFile"), ...]),
    )

The sampler hands on, with each number of a picture, the pass through the set that it belongs to; the first step of the
pipeline seeds both generators by (seed, name of the picture, pass).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS as ROOT_SAMPLERS
from torch.utils.data import Sampler

from mmfan.corruptions import picture_seed
from mmfan.datasets.transforms.corrupt import name_of_sample
from mmfan.errors import ConfigError, MMFanError
from mmfan.registry import DATA_SAMPLERS, TRANSFORMS
from mmfan.utils.checks import whole_number


class NumberInPass(int):
    """Number of a picture that also knows its pass; a plain int to everybody else.

    Datasets made of others work out the number within one of them by ``%`` (repetition) and ``-`` (concatenation): the
    result keeps the pass, and of a repetition its count.

    Attributes:
        turn: The pass through the set, then the counts of repetitions inside it.

    >>> number = NumberInPass(7, (2,))
    >>> number % 5, (number % 5).turn, (number - 3).turn
    (2, (2, 1), (2,))
    """

    turn: tuple[int, ...]

    def __new__(cls, number: int, turn: tuple[int, ...]) -> NumberInPass:  # noqa: D102
        made = super().__new__(cls, number)
        made.turn = turn
        return made

    def __reduce__(self) -> Any:
        return NumberInPass, (int(self), self.turn)

    def __mod__(self, size: int) -> NumberInPass:
        return NumberInPass(int(self) % size, (*self.turn, int(self) // size))

    def __sub__(self, other: int) -> NumberInPass:
        return NumberInPass(int(self) - other, self.turn)


@DATA_SAMPLERS.register_module()
class PassSampler(Sampler):
    """The order of another sampler, each number with its pass.

    The pass is the epoch that the loop told the sampler; of an endless sampler it is counted, over all processes, so
    that it depends neither on their number nor on where a run was resumed.

    Args:
        dataset: The set; mmengine gives it.
        sampler: Config of the sampler whose order it is.
        seed: Of the order; mmengine gives it.

    Raises:
        ConfigError: ``sampler`` is no config of a sampler.
    """

    def __init__(self, dataset: Any, sampler: Mapping[str, Any] | None = None, seed: int | None = None) -> None:
        if not isinstance(sampler, Mapping) or not sampler.get("type"):
            raise ConfigError(
                "mmfan.PassSampler hands on the order of another sampler: sampler=dict(type='InfiniteSampler', "
                f"shuffle=True), got {sampler!r:.80}."
            )
        self.dataset = dataset
        self.sampler = ROOT_SAMPLERS.build(dict(sampler), default_args={"dataset": dataset, "seed": seed})
        self.skipped = 0

    def __iter__(self) -> Iterator[NumberInPass]:
        rank, ranks = get_dist_info()
        size, epoch = len(self.dataset), getattr(self.sampler, "epoch", None)
        for at, number in enumerate(self.sampler, self.skipped):
            turn = (rank + ranks * at) // size if epoch is None else int(epoch)
            yield NumberInPass(int(number), (turn,))

    def __len__(self) -> int:
        return len(self.sampler)

    def set_epoch(self, epoch: int) -> None:
        """Tell the order which epoch begins, if it wants to know."""
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)

    def __getattr__(self, name: str) -> Any:
        # mmengine winds samplers forward that have `skip`, and does it otherwise for those that have not
        if name == "skip" and hasattr(self.__dict__.get("sampler"), "skip"):
            return self._skip
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _skip(self, samples: int) -> None:
        self.sampler.skip(samples)
        self.skipped = samples


@TRANSFORMS.register_module()
class SeedByPicture(BaseTransform):
    """Seed NumPy's and Python's generators by picture and pass; the first step of a training pipeline.

    Needs :class:`PassSampler`, which tells the pass: without it every pass would get the same draws. Steps that draw
    from torch's generator are left as they are: in a run without loading processes it is the model's as well.

    Where a step drops a picture, a dataset of mmengine draws another one in its place, by a number that knows no pass:
    it counts to the pass of the one that was dropped.

    Required Keys:

    - img_path (str)
    - sample_idx (NumberInPass): From :class:`PassSampler`.

    Args:
        seed: Base seed, at least 0.
        root: The folder that names of pictures are relative to, as in :class:`mmfan.Corrupt`.

    Raises:
        MMFanError: At work, the sample does not tell its pass.
    """

    overlaps: frozenset[str] = frozenset()

    def __init__(self, seed: int = 0, root: str | None = None) -> None:
        self.seed, self.root = whole_number("seed", seed, 0), root
        self._number: NumberInPass | None = None
        self._dropped = 0

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Seed the generators; the sample stays as it is."""
        number = results.get("sample_idx")
        if isinstance(number, NumberInPass):
            self._number, self._dropped = number, 0
        elif self._number is not None:
            self._dropped += 1
        else:
            raise MMFanError(
                "mmfan.SeedByPicture does not know which pass through the set this picture is for: wrap the sampler of "
                "the training, sampler=dict(type='mmfan.PassSampler', sampler=dict(type='InfiniteSampler', "
                "shuffle=True)). (Sets that pick pictures by a table, as ClassBalancedDataset does, cannot tell it.)"
            )
        turn = ".".join(map(str, self._number.turn))
        if self._dropped:
            turn += f"-for-{int(self._number)}-{self._dropped}"
        seed = picture_seed(self.seed, name_of_sample(results, self.root), f"pass-{turn}", 0)
        random.seed(seed)
        np.random.seed(np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint32))
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(seed={self.seed}, root={self.root!r})"
