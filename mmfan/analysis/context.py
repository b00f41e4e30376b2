"""Context of an analysis: one model, its own preprocessing, and pictures of its test set."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis.options import AnalysisError, Options
from mmfan.analysis.taps import Features, Tap, TapRecorder, backbone_of, choose_taps
from mmfan.apis.inference import init_model, read_for
from mmfan.apis.libraries import scope_of
from mmfan.corruptions import get_corruption, picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.classes.transforms import LoadFormedImage
from mmfan.datasets.transforms.corrupt import corrupt_bgr
from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.loop.loading.picture_names import name_pictures, root_of_names
from mmfan.utils.progress import ProgressLine

Picture8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One picture as the model gets it: after the config's test pipeline, before normalisation and padding.

    Attributes:
        name: From which the seeds of its corruption and noise are derived.
        number: Its place in the data set.
        image: (H, W, 3) uint8, BGR.
        sample: What the pipeline packed beside it.
        box: Top, left, height and width of the crop taken out of the pipeline's picture.
    """

    name: str
    number: int
    image: Picture8
    sample: Any = field(repr=False)
    box: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def rgb(self) -> Picture8:
        """(H, W, 3) uint8, RGB."""
        return np.ascontiguousarray(self.image[..., ::-1])


@dataclass
class Context:
    """One model, its own preprocessing, and pictures of its config's test set.

    Attributes:
        model: From :func:`mmfan.apis.init_model`, in eval mode.
        label: Name of the model in figures; says so where its weights are random.
        config: Path of the config.
        checkpoint: Path of the weights; None where they are from no file.
        weights: From where they are: ``'checkpoint'``, ``'random'``, or ``'memory'`` for a model that was given as it
            is.
        analysis: Name of the analysis: of its files and its progress line.
        options: The analysis' own options, of the dataclass in its specification.
        seed: Of all that is drawn.
        limit: Number of pictures, spread evenly over the set.
        cell: The corruption of the pictures; :data:`mmfan.corruptions.cell.CLEAN` for none.
        crop: Side in pixels of the central square that is looked at; None for the whole picture.
        tap_names: Taps that were asked for by name; None for those that the analysis chooses.
        out: Folder for intermediate files of long analyses.
        used_taps: Where the analysis looked.
        used_pictures: Names of the pictures that it took.
    """

    model: Any
    label: str
    config: str
    checkpoint: str | None = None
    weights: str = "checkpoint"
    analysis: str = "analysis"
    options: Any = field(default_factory=Options)
    seed: int = 0
    limit: int = 8
    cell: Cell = CLEAN
    crop: int | None = None
    tap_names: Sequence[str] | None = None
    out: Path = Path(".")
    used_taps: list[Tap] = field(default_factory=list)
    used_pictures: list[str] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @cached_property
    def dataset(self) -> Any:
        """The config's test set.

        Raises:
            ConfigError: The config has none.
            FileNotFoundError: It is not where the config says.
        """
        loader = self.model.cfg.get("test_dataloader") or self.model.cfg.get("val_dataloader") or {}
        if "dataset" not in loader:
            raise ConfigError(f"{self.config} has no test_dataloader.dataset to take pictures from.")
        with DefaultScope.overwrite_default_scope(scope_of(self.model.cfg)):
            return DATASETS.build(copy.deepcopy(loader["dataset"]))

    @cached_property
    def _names(self) -> tuple[list[str], list[str]]:
        return name_pictures(self.dataset, root_of_names(self.dataset))

    @property
    def names(self) -> list[str]:
        """Of all pictures of the data set."""
        return self._names[1]

    def numbers(self, limit: int | None = None, least: int = 1) -> list[int]:
        """Numbers of ``limit`` pictures in the data set, spread evenly; all of a smaller set.

        Raises:
            AnalysisError: There are fewer than ``least``.
        """
        chosen = spread(len(self._names[0]), self.limit if limit is None else limit)
        if len(chosen) < least:
            raise AnalysisError(
                f"The analysis needs at least {least} pictures, and gets {len(chosen)}: the test set of {self.config} "
                f"has {len(self._names[0])}, the limit is {self.limit}."
            )
        return chosen

    def pictures(self, limit: int | None = None, cell: Cell | None = None, least: int = 1) -> Iterator[Picture]:
        """Pictures of the test set, one at a time, each the same whatever came before it; progress is told.

        Args:
            limit: How many; the context's ``limit`` by default.
            cell: How they are corrupted; the context's ``cell`` by default.
            least: The number below which there is no analysis.

        Raises:
            AnalysisError: There are fewer than ``least``, or a picture is smaller than ``crop``.
        """
        numbers, progress = self.numbers(limit, least), self.progress()
        for done, number in enumerate(numbers, 1):
            picture = self.picture(number, self.cell if cell is None else cell)
            if picture.name not in self.used_pictures:
                self.used_pictures.append(picture.name)
            yield picture
            progress(done, len(numbers))

    def picture(self, number: int, cell: Cell = CLEAN) -> Picture:
        """The picture at a place of the test set, corrupted as a corrupted set has it."""
        path, name = self._names[0][number], self._names[1][number]
        image = self._formed(read_for(self.model, path), name)
        if cell != CLEAN:
            image = corrupt_bgr(image, *cell, picture_seed(self.seed, name, *cell))
        info = self.dataset.get_data_info(number)
        label = {"gt_label": info["gt_label"]} if "gt_label" in info else {}  # classifiers' pipelines pack it
        packed = self.model.pipeline({"img": image, **label})
        seen = np.ascontiguousarray(packed["inputs"].numpy().transpose(1, 2, 0))
        box = self._box(name, *seen.shape[:2])
        return Picture(name, number, _cut(seen, box), packed["data_samples"], box)

    def _formed(self, image: Picture8, name: str) -> Picture8:
        """A picture in the form that a classifier's loading step gives it before it is corrupted."""
        for dataset in innermost_datasets(self.dataset):
            for step in dataset.pipeline.transforms:
                if isinstance(step, LoadFormedImage):
                    return step.form.clean(image, name)
        return image

    def _box(self, name: str, height: int, width: int) -> tuple[int, int, int, int]:
        if self.crop is None:
            return (0, 0, height, width)
        if self.crop > min(height, width):
            raise AnalysisError(f"The picture {name} is {height} x {width}, smaller than the crop of {self.crop}.")
        return ((height - self.crop) // 2, (width - self.crop) // 2, self.crop, self.crop)

    def truth(self, picture: Picture) -> Picture8 | None:
        """Class numbers (H, W) uint8 of a picture's pixels, 255 where ignored; None where the set has no label maps."""
        sample = self.dataset[picture.number]["data_samples"]
        if "gt_sem_seg" not in sample:
            return None
        labels = sample.gt_sem_seg.data.squeeze(0).numpy().astype(np.uint8)
        full = picture.sample.img_shape[:2]
        rows, columns = (np.arange(full[axis]) * labels.shape[axis] // full[axis] for axis in (0, 1))
        return _cut(labels[rows][:, columns], picture.box)

    def inputs(self, picture: Picture, image: NDArray[Any] | None = None) -> Tensor:
        """What the model computes with: normalised, padded as the model pads.

        Args:
            picture: Of :meth:`pictures`.
            image: Another picture in its place, (H, W, 3) BGR, in the range 0 to 255; may be of floats, beyond it too.

        Returns:
            (1, 3, H', W') on the model's device, in its precision.
        """
        pixels = np.ascontiguousarray((picture.image if image is None else image).transpose(2, 0, 1))
        sample = copy.deepcopy(picture.sample)
        sample.set_metainfo({"img_shape": pixels.shape[1:]})
        packed = {"inputs": [torch.from_numpy(pixels)], "data_samples": [sample]}
        result: Tensor = self.model.data_preprocessor(packed, False)["inputs"]
        return result.to(next(self.model.parameters()).dtype)  # preprocessors give float32, whatever the model is in

    def taps(self, kinds: Sequence[str]) -> list[Tap]:
        """The taps asked for by name, else all of some kinds (:data:`mmfan.analysis.taps.KINDS`).

        Raises:
            TapError: There are none.
        """
        self.used_taps = choose_taps(self.model, self.tap_names, kinds)
        return self.used_taps

    @torch.no_grad()
    def features(self, inputs: Tensor, taps: Sequence[Tap]) -> dict[str, Features]:
        """What taps give for a batch, by their names, after one run of the backbone."""
        with TapRecorder(self.model, taps) as recorder:
            backbone_of(self.model)[1](inputs)
            return dict(recorder.features)

    def generator(self, name: str, *what: object) -> np.random.Generator:
        """Random numbers that depend on the seed, the picture and the use alone."""
        return np.random.default_rng(picture_seed(self.seed, name, "analysis " + " ".join(map(str, what)), 0))

    def progress(self, part: str = "") -> ProgressLine:
        """A line that says how far the analysis, or a part of it, is: call it with ``(done, total)``."""
        return ProgressLine(f"{f'{self.analysis} {part}'.strip()}, {self.label}")


def load_context(
    config: str | Path | Config, checkpoint: str | Path | None = None, device: str | None = None, **settings: Any
) -> Context:
    """Build a model and the context around it; without a checkpoint, with random weights drawn from the seed.

    Args:
        config: A config or its path.
        checkpoint: Weights of the model.
        device: ``'cpu'``, ``'cuda:0'``, ...; None for a GPU if there is one.
        **settings: Fields of :class:`Context`; ``label`` is the config's name by default.

    Raises:
        FileNotFoundError, ConfigError, CheckpointError: See :func:`mmfan.apis.init_model`.
    """
    torch.manual_seed(settings.get("seed", 0))
    model = init_model(config, checkpoint, device)
    if not isinstance(config, Config):
        settings["config"] = str(config)
    if checkpoint is None:
        return context_of(model, weights="random", **settings)
    return context_of(model, checkpoint=str(checkpoint), **settings)


def context_of(model: Any, label: str | None = None, **settings: Any) -> Context:
    """The context of a model that is loaded; its label says so where the weights are from no checkpoint.

    Args:
        model: From :func:`mmfan.apis.init_model`.
        label: The config's name by default.
        **settings: Fields of :class:`Context`.
    """
    file = model.cfg.filename or type(model).__name__
    told = {"random": " (random weights)", "memory": " (weights in memory)"}.get(settings.get("weights", ""), "")
    return Context(model, (label or Path(file).stem) + told, **{"config": str(file), **settings})


def parse_cell(text: str) -> Cell:
    """A corruption and severity as the command line has them.

    >>> parse_cell("fog:3"), parse_cell("clean")
    (Cell(corruption='fog', severity=3), Cell(corruption='clean', severity=0))

    Raises:
        MMFanError: The text is not of this form, or there is no such corruption or severity.
    """
    if text == CLEAN.corruption:
        return CLEAN
    parts = re.fullmatch(r"(\w+):(\d+)", text)
    if parts is None:
        raise MMFanError(f"Expected a cell as NAME:SEVERITY, e.g. fog:3, or 'clean', got {text!r}.")
    cell = Cell(parts[1], int(parts[2]))
    severities = get_corruption(cell.corruption).severities
    if cell.severity not in severities:
        raise MMFanError(f"Expected a severity of {cell.corruption} from {severities}, got {cell.severity}.")
    return cell


def _cut(picture: Any, box: tuple[int, int, int, int]) -> Any:
    top, left, height, width = box
    return np.ascontiguousarray(picture[top : top + height, left : left + width])
