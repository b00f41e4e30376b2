"""Analysis of one or several models as one call: its numbers and its figure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from matplotlib.figure import Figure
from mmengine.config import Config
from torch import nn

from mmfan.analysis.catalogue import Settings, get_analysis
from mmfan.analysis.context import Context, context_of, load_context, parse_cell
from mmfan.analysis.options import AnalysisError, OptionError, make_options
from mmfan.analysis.spec import make_document, to_json
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import WrongTypeError
from mmfan.utils.files import write_whole
from mmfan.utils.tables import Table, markdown_table
from mmfan.visualization.files import save_picture
from mmfan.visualization.style import draw


@dataclass(frozen=True)
class Analysis:
    """What an analysis found.

    Attributes:
        numbers: The JSON document: ``models`` has a ``result`` for each model, beside its taps and pictures; around it
            stands all that is needed to repeat them. docs/analysis.md says what the numbers are.
        figure: All models in one.
        table: The main numbers of all models, of ``depth`` and ``position``; None of others.
    """

    numbers: dict[str, Any]
    figure: Figure
    table: Table | None = None

    def save(self, folder: str | Path) -> tuple[Path, Path]:
        """Write ``NAME.json``, ``NAME.png`` and, with a table, ``NAME.md``, each whole; returns the first two paths."""
        path = Path(folder) / f"{self.numbers['analysis']}.json"
        write_whole(path, to_json(self.numbers).encode())
        if self.table is not None:
            text = f"{self.table.title}. {self.table.caption}\n\n{markdown_table(self.table)}\n"
            write_whole(path.with_suffix(".md"), text.encode())
        return path, save_picture(path.with_suffix(".png"), draw(self.figure))


def analyze(
    name: str,
    models: Any,
    *,
    limit: int | None = None,
    seed: int | None = None,
    cell: str | Cell | None = None,
    crop: int | None = None,
    taps: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    device: str | None = None,
    out: str | Path | None = None,
    **options: Any,
) -> Analysis:
    """Ask one question of one or several models: what ``mmfan analyze`` does.

    Args:
        name: Of the analysis, of :data:`mmfan.analysis.ANALYSES`.
        models: A model or a list of them, each one of: a config or its path, for random weights; a tuple ``(config,
            checkpoint)``; a model from :func:`mmfan.apis.init_model`; a context from
            :func:`mmfan.analysis.load_context`, whose settings hold where none are given here.
        limit: Pictures of the config's test set, spread evenly over it; for ``hessian`` and ``landscape`` batches.
        seed: Of corruptions and of all that is drawn; 0 by default.
        cell: Corruption of the pictures, ``"fog:3"`` or a Cell; ``"clean"`` by default.
        crop: Side in pixels of the central square that is looked at; whole pictures by default.
        taps: Places to look at; those that the analysis chooses by default.
        labels: Names of the models, one each; those of their configs by default.
        device: Where models are loaded; a GPU by default, if there is one.
        out: Folder for the numbers and the figure, and for what long analyses keep so that they go on after a kill;
            None writes nothing.
        **options: The analysis' own, fields of ``get_analysis(name).options``.

    Raises:
        AnalysisError: There is no such analysis or option, or the models or pictures do not allow it.
        OptionError: A value is out of range.
        FileNotFoundError, ConfigError, CheckpointError: A model cannot be loaded.
    """
    spec = get_analysis(name)
    if isinstance(cell, Cell):
        cell = CLEAN.corruption if cell == CLEAN else f"{cell.corruption}:{cell.severity}"
    common = Settings(limit=limit, seed=seed, cell=cell, crop=crop, taps=taps, labels=labels, device=device)  # type: ignore[arg-type]
    own = make_options(spec.options, options, name, also=[one.name for one in fields(Settings)])
    listed = _listed(models)
    if common.labels is not None and len(common.labels) != len(listed):
        raise OptionError("labels", f"expected {len(listed)} names, one a model, got {len(common.labels)}")
    if spec.needs_score and any(_checkpoint_of(model) is None for model in listed):
        raise AnalysisError(f"{name} judges predictions: give every model a checkpoint.")
    given: dict[str, Any] = {
        "limit": common.limit, "seed": common.seed, "crop": common.crop, "tap_names": common.taps,
        "cell": None if common.cell is None else parse_cell(common.cell), "analysis": name, "options": own,
    }  # fmt: skip
    given = {key: value for key, value in given.items() if value is not None}
    with ExitStack() as stack:
        given["out"] = Path(stack.enter_context(TemporaryDirectory()) if out is None else out)
        names = common.labels or [None] * len(listed)
        contexts = [
            _context(model, label, common.device, spec.pictures, given)
            for model, label in zip(listed, names, strict=True)
        ]
        results = [spec.run(context) for context in contexts]
    document = make_document(spec, contexts, results)
    told = [context.label for context in contexts]
    found = Analysis(json.loads(to_json(document)), spec.draw(results, told), spec.table(results, told))
    if out is not None:
        found.save(out)
    return found


def _listed(models: Any) -> list[Any]:
    several = isinstance(models, (list, tuple)) and not _is_pair(models)
    listed = list(models) if several else [models]
    for model in listed:
        built = isinstance(model, nn.Module) and hasattr(model, "cfg") and hasattr(model, "pipeline")
        if not (built or _is_pair(model) or isinstance(model, (str, Path, Config, Context))):
            raise WrongTypeError(
                "Expected a config, a tuple (config, checkpoint), a model from mmfan.apis.init_model or a context, got "
                f"{type(model).__name__}."
            )
    if not listed:
        raise AnalysisError("Expected at least one model, got none.")
    return listed


def _is_pair(model: Any) -> bool:
    if not (isinstance(model, tuple) and len(model) == 2 and isinstance(model[0], (str, Path, Config))):
        return False
    return model[1] is None or (isinstance(model[1], (str, Path)) and Path(model[1]).suffix != ".py")


def _checkpoint_of(model: Any) -> Any:
    if isinstance(model, tuple):
        return model[1]
    return getattr(model, "checkpoint", None) if isinstance(model, (Context, nn.Module)) else None


def _context(model: Any, label: str | None, device: str | None, pictures: int, given: dict[str, Any]) -> Context:
    """The context of one of the models that :func:`analyze` takes."""
    if isinstance(model, Context):
        return replace(model, label=label or model.label, used_taps=[], used_pictures=[], **given)
    settings = {"label": label, "limit": pictures, **given}
    if isinstance(model, nn.Module):
        checkpoint = _checkpoint_of(model)
        return context_of(
            model, checkpoint=checkpoint, weights="checkpoint" if checkpoint is not None else "memory", **settings
        )
    config, checkpoint = model if isinstance(model, tuple) else (model, None)
    return load_context(config, checkpoint, device, **settings)
