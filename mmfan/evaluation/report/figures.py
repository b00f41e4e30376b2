"""Figures of a report: plots of its numbers, and grids of the pictures that the evaluation kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import plain_of
from mmfan.evaluation.protocol.definition import family_text
from mmfan.evaluation.report.contents import Report, Run
from mmfan.evaluation.report.shown_cells import CellWords, cells_with_words, classes_of, runs_with_pictures
from mmfan.evaluation.results.pictures import ShownPicture, evenly, find_pictures
from mmfan.utils.files import write_whole
from mmfan.utils.text import one_line, spoken
from mmfan.visualization.calibration_plots import confidence_against_accuracy, reliability_diagrams
from mmfan.visualization.grids import ModelRow, model_grid
from mmfan.visualization.robustness_plots import retention_bars, retention_map, severity_curves
from mmfan.visualization.strength_plots import strength_curves

PAIRS = 3  # cells of a grid that shows each without and with an adaptation


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: Of its file, without suffix.
        title: For people.
        png: The file's content.
    """

    name: str
    title: str
    png: bytes


def plots(report: Report) -> list[Figure]:
    """Retention as bars and as a map, scores as curves; models without a clean score are left out.

    Returns:
        ``retention_by_corruption``, ``score_by_severity``, ``retention_map`` and, of models judged with calibration,
        ``confidence_by_accuracy`` and ``reliability``, if a model has a clean score; and the curve over the strength of
        each family without means (``attack_segpgd``).
    """
    models = [replace(model.summary, name=model.name) for model in report.models if model.summary.clean is not None]
    if not models:
        return _of_strengths(report)
    groups = report.protocol.groups
    labels = dict.fromkeys(model.summary.label for model in report.models)
    subtitle = f"{report.metric}; {'; '.join(labels) if len(labels) <= 2 else 'partial, see the notes'}"
    drawn = (
        ("retention_by_corruption", "Retention by corruption", retention_bars(models, groups, subtitle)),
        ("score_by_severity", "Score by severity", severity_curves(models, groups, report.metric, subtitle)),
        ("retention_map", "Retention by model and corruption", retention_map(models, groups, subtitle)),
    )
    shown = drawn if report.protocol.graded else drawn[::2]  # no curve over severities where there are none
    made = [Figure(name, title, _png(picture)) for name, title, picture in (*shown, *_of_calibration(report, subtitle))]
    return [*made, *_of_strengths(report)]


def _of_strengths(report: Report) -> list[Figure]:
    """Curves over strengths: a figure for each type of each family that has no means."""
    made: dict[str, Figure] = {}
    for section in report.sections:
        kind, told = section.protocol.kind, family_text(section.protocol.first) if section.curves else ""
        for name in dict.fromkeys(name for one in section.curves for name in one.scores):
            drawn = strength_curves(section.curves, name, report.metric, kind.strength or "strength", told)
            file = _file_name(f"{kind.name}_{name}")
            file = file if file not in made else f"{file}_{len(made)}"
            made[file] = Figure(file, f"{spoken(name)}: {told}", _png(drawn))
    return list(made.values())


def _of_calibration(report: Report, subtitle: str) -> list[tuple[str, str, np.ndarray]]:
    """Plots of what confidence is worth, of the models that were judged with it."""
    models = [(model.name, model.calibration) for model in report.models if model.calibration is not None]
    if not models:
        return []
    protocol = subtitle.partition("; ")[2]
    return [
        ("confidence_by_accuracy", "Loses accuracy, and knows it?", confidence_against_accuracy(models, protocol)),
        ("reliability", "Reliability", reliability_diagrams(models, protocol)),
    ]


def picture_grids(report: Report, limit: int = 4) -> list[Figure]:
    """What the models see, one figure a picture and family of cells; none where the evaluation kept no pictures.

    Args:
        report: Whose cells and models are looked for.
        limit: No more pictures of a family than this.

    Returns:
        ``pictures_1`` and so on of the cells of the protocol, ``attack_pgd_pictures_1`` of a section's.

    Raises:
        mmfan.evaluation.results.pictures.PictureError: A picture cannot be read.
        MMFanError: Predictions are not of their picture's size.
    """
    runs = list(runs_with_pictures(report).values())
    words = cells_with_words(report)
    models = [(run.results, run.key.model) for run in runs]
    found = find_pictures(models, report.protocol.cells, limit) if report.models else []
    figures = [_grid_of(picture, runs, words, f"pictures_{number}") for number, picture in enumerate(found, 1)]
    numbers: Counter[str] = Counter()
    shown = set(report.protocol.cells) if report.models else set()
    for section in report.sections:
        condition = section.protocol.first.condition
        name = _file_name(section.protocol.kind.name + (f"_{condition.name}" if condition else ""))
        cells = [cell for cell in section.protocol.cells if cell not in shown]  # the lowest of attacks are theirs
        shown |= set(cells)
        for picture in find_pictures(models, _beside_plain(cells), limit, needed=cells):
            numbers[name] += 1
            file = f"{name}_pictures_{numbers[name]}"
            figures.append(_grid_of(picture, runs, words, file, f" ({section.title})"))
    return figures


def _file_name(text: str) -> str:
    """A name for a file of what records call a condition, which may lead to no other folder.

    >>> _file_name("attack_pgd"), _file_name("attack_x/../../y")
    ('attack_pgd', 'attack_x_.._.._y')
    """
    return re.sub(r"[^\w.+-]+", "_", text, flags=re.ASCII)[:80]


def _beside_plain(cells: Sequence[Cell]) -> Sequence[Cell]:
    """A few cells of models that adapt, each after the same pictures with the model as it is; others as they are."""
    plain = {cell: found for cell in cells if (found := plain_of(cell)) is not None}
    return [one for cell in evenly(list(plain), PAIRS) for one in (plain[cell], cell)] if plain else cells


def write_figures(figures: list[Figure], folder: str | Path) -> list[Path]:
    """Write figures as PNG files into a folder, which is made; each is whole or not there.

    Raises:
        OSError: The folder cannot be written.
    """
    paths = [Path(folder) / f"{figure.name}.png" for figure in figures]
    for path, figure in zip(paths, figures, strict=True):
        write_whole(path, figure.png)
    return paths


def _grid_of(
    picture: ShownPicture, runs: Sequence[Run], words: Mapping[Cell, CellWords], file: str, told: str = ""
) -> Figure:
    """The figure of one picture under some cells, rows, and what runs say of it, columns."""
    rows = [
        ModelRow(shown.picture, picture.truth, shown.predictions, _label(shown.cell, words), name)
        for shown, name in zip(picture.cells, [picture.name] + [""] * len(picture.cells), strict=False)
    ]
    classes = classes_of(runs)
    palette = [tuple(int(part) for part in colour) for colour in picture.palette]
    count = len(classes) or _highest(rows) + 1
    palette = (palette + [(shade, shade, shade) for shade in range(60, 256)])[:count]
    names = classes or [f"class {number}" for number in range(count)]
    title = one_line(f"Predictions for {picture.name}{told}")
    return Figure(file, title, _png(model_grid(rows, [run.name for run in runs], names, palette)))


def _label(cell: Cell, words: Mapping[Cell, CellWords]) -> str:
    """What a row is called: short where there are severities."""
    known = words.get(cell)
    named = str(cell) if known is None or known.step.startswith("severity") else known.said
    return named.replace("_", " ")


def _highest(rows: list[ModelRow]) -> int:
    """The highest class number in the pictures; 255 is none."""
    maps = [part for row in rows for part in (row.truth, *row.predictions) if part is not None and part.ndim == 2]
    return max((int(part[part < 255].max(initial=0)) for part in maps), default=0)


def _png(picture: np.ndarray) -> bytes:
    written, content = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not written:
        raise MMFanError(f"OpenCV cannot encode a figure of {picture.shape} {picture.dtype}.")
    return content.tobytes()
