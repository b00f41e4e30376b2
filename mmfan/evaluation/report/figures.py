"""Figures of a report: plots of its numbers, and grids of the pictures that the evaluation kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from mmfan.errors import MMFanError
from mmfan.evaluation.protocol.definition import family_text
from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.results.pictures import ShownPicture, find_pictures
from mmfan.utils.files import write_whole
from mmfan.utils.text import one_line, spoken
from mmfan.visualization.calibration_plots import confidence_against_accuracy, reliability_diagrams
from mmfan.visualization.grids import ModelRow, model_grid
from mmfan.visualization.robustness_plots import retention_bars, retention_map, severity_curves
from mmfan.visualization.strength_plots import strength_curves


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
            file = f"{kind.name}_{name}"
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
    """What the models see, one figure a picture; none where the evaluation kept no pictures.

    Raises:
        mmfan.evaluation.results.pictures.PictureError: A picture cannot be read.
        MMFanError: Predictions are not of their picture's size.
    """
    places = [(model.run.results, model.run.key.model) for model in report.models]
    # two checkpoints of one name in one file: nothing says whose the predictions are
    models = [model for model, place in zip(report.models, places, strict=True) if places.count(place) == 1]
    pictures = find_pictures([p for p in places if places.count(p) == 1], report.protocol.cells, limit)
    classes = next((c for model in models if (c := _classes(model))), [])
    names = [model.name for model in models]
    figures = []
    for number, picture in enumerate(pictures, 1):
        title = one_line(f"Predictions for {picture.name}")
        figures.append(Figure(f"pictures_{number}", title, _png(_grid(picture, names, classes))))
    return figures


def write_figures(figures: list[Figure], folder: str | Path) -> list[Path]:
    """Write figures as PNG files into a folder, which is made; each is whole or not there.

    Raises:
        OSError: The folder cannot be written.
    """
    paths = [Path(folder) / f"{figure.name}.png" for figure in figures]
    for path, figure in zip(paths, figures, strict=True):
        write_whole(path, figure.png)
    return paths


def _classes(model: ModelReport) -> list[str]:
    return next((list(record["classes"]) for record in model.run.records if record.get("classes")), [])


def _grid(picture: ShownPicture, models: list[str], classes: list[str]) -> np.ndarray:
    rows = [
        ModelRow(shown.picture, picture.truth, shown.predictions, str(shown.cell).replace("_", " "), name)
        for shown, name in zip(picture.cells, [picture.name] + [""] * len(picture.cells), strict=False)
    ]
    palette = [tuple(int(part) for part in colour) for colour in picture.palette]
    count = len(classes) or _highest(rows) + 1
    palette = (palette + [(shade, shade, shade) for shade in range(60, 256)])[:count]
    names = classes or [f"class {number}" for number in range(count)]
    return model_grid(rows, models, names, palette)


def _highest(rows: list[ModelRow]) -> int:
    """The highest class number in the pictures; 255 is none."""
    maps = [part for row in rows for part in (row.truth, *row.predictions) if part is not None and part.ndim == 2]
    return max((int(part[part < 255].max(initial=0)) for part in maps), default=0)


def _png(picture: np.ndarray) -> bytes:
    written, content = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not written:
        raise MMFanError(f"OpenCV cannot encode a figure of {picture.shape} {picture.dtype}.")
    return content.tobytes()
