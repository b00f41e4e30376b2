"""Specification of an analysis, and the document of its numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmfan.analysis.options import Options
from mmfan.errors import WrongTypeError
from mmfan.utils.versions import versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mmfan.utils.tables import Table


@dataclass(frozen=True)
class AnalysisSpec:
    """An analysis: what is known of it before its module, and with it torch, is imported.

    The module of its name in :mod:`mmfan.analysis.analyses` has ``run``, from a
    :class:`mmfan.analysis.context.Context` to results that JSON can hold, and ``draw``, from the results and labels of
    one or more models to the figure. It may have ``table``, from the same to a :class:`mmfan.utils.tables.Table`. Keys
    of results that begin with ``_`` are for the figure alone.

    Attributes:
        name: On the command line.
        help: What it asks, in one line.
        definition: What is computed, in short, with its source; goes into the JSON. docs/analysis.md has it in full.
        options: The dataclass of its options; a context has them as ``context.options``.
        pictures: How many it takes by default.
        needs_score: It judges the model, and so needs a checkpoint and labels.
    """

    name: str
    help: str
    definition: str
    options: type[Options] = Options
    pictures: int = 8
    needs_score: bool = False

    @property
    def module(self) -> Any:
        """The module, imported now."""
        return import_module(f"mmfan.analysis.analyses.{self.name.replace('-', '_')}")

    def run(self, context: Any) -> dict[str, Any]:
        """The results of one model, given as a :class:`mmfan.analysis.context.Context`."""
        results: dict[str, Any] = self.module.run(context)
        return results

    def draw(self, results: Sequence[dict[str, Any]], labels: Sequence[str]) -> Figure:
        """The figure of the results of one or more models."""
        figure: Figure = self.module.draw(list(results), list(labels))
        return figure

    def table(self, results: Sequence[dict[str, Any]], labels: Sequence[str]) -> Table | None:
        """The table of the results of one or more models; None where the analysis has none."""
        make = getattr(self.module, "table", None)
        return None if make is None else make(list(results), list(labels))


def make_document(spec: AnalysisSpec, contexts: Sequence[Any], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is written as JSON: results, and all that is needed to repeat them.

    A setting that is not the same for all models, as contexts may have their own, stands with each model instead.

    Args:
        spec: The analysis.
        contexts: One a model, after the analysis has run.
        results: One a model.
    """
    settings = [_settings(context) for context in contexts]
    common = {key: value for key, value in settings[0].items() if all(other[key] == value for other in settings)}
    return {
        "analysis": spec.name,
        "definition": spec.definition,
        **common,
        "options": asdict(contexts[0].options),
        "versions": versions("torch", "numpy", "cv2", "mmengine"),
        "models": [
            {
                "label": context.label,
                "config": context.config,
                "checkpoint": context.checkpoint,
                "weights": context.weights,
                **{key: value for key, value in own.items() if key not in common},
                "taps": [vars(tap) for tap in context.used_taps],
                "pictures": context.used_pictures,
                "result": _public(result),
            }
            for context, own, result in zip(contexts, settings, results, strict=True)
        ],
    }


def _settings(context: Any) -> dict[str, Any]:
    """What decides which pictures a model was given, and what was drawn."""
    return {"seed": context.seed, "limit": context.limit, "cell": list(context.cell), "crop": context.crop}


def to_json(document: dict[str, Any]) -> str:
    """The text of a document; null stands for what is not a finite number."""
    return json.dumps(document, indent=1, allow_nan=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise WrongTypeError(f"A {type(value).__name__} cannot be written as JSON.")


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _public(inner) for key, inner in value.items() if not str(key).startswith("_")}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_public(inner) for inner in value] if isinstance(value, (list, tuple)) else value
