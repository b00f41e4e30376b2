"""API reference: one page a room, made from ``__all__`` and docstrings into docs/reference.

A page shows the head of the module, a table of its names, then each of them. Constants have no docstrings, so what
they hold is said here.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from mirrored_pages import DOCS, write_if_new
from sphinx.application import Sphinx
from sphinx.config import Config


class Part(NamedTuple):
    """Names of one module under one heading.

    Attributes:
        heading: "" where the page has one part.
        module: The public one that the names are imported from.
        names: None for all that the module's ``__all__`` has.
    """

    heading: str
    module: str
    names: list[str] | None = None


# page -> what it shows
ROOMS: dict[str, tuple[str, list[Part]]] = {
    "mmfan": (
        "mmfan",
        [
            Part("The package", "mmfan"),
            Part("Errors", "mmfan.errors", ["MMFanError", "WrongTypeError", "ConfigError"]),
            Part("Environment", "mmfan.environment", ["EnvironmentMismatchError", "is_installed"]),
        ],
    ),
    "corruptions": (
        "mmfan.corruptions",
        [Part("", "mmfan.corruptions"), Part("Cells", "mmfan.corruptions.cell", ["Cell", "CLEAN"])],
    ),
    "datasets": (
        "mmfan.datasets",
        [
            Part(
                "Data sets",
                "mmfan.datasets",
                ["CityscapesDataset", "CityscapesCDataset", "CocoDataset", "CocoCDataset"],
            ),
            Part(
                "Real weather",
                "mmfan.datasets",
                ["ACDCDataset", "ACDCReferenceDataset", "DarkZurichDataset", "NightDrivingDataset", "MUSESDataset",
                 "BDD100KDataset", "CocoODataset", "ExDarkDataset"],
            ),
            Part("Packing predictions for ACDC's server", "mmfan.datasets.prepare.acdc_submission",
                 ["write_archive", "check_archive", "Archive", "SubmissionError"]),
            Part("Pipeline steps", "mmfan.datasets.transforms"),
            Part("Augmentations", "mmfan.datasets.augmentations"),
            Part("Corrupted sets on disk", "mmfan.datasets.corrupted"),
            Part("Cues of pictures", "mmfan.datasets.cues"),
            Part("Miniature sets", "mmfan.datasets.miniature"),
            Part("Preparing Cityscapes", "mmfan.datasets.prepare.cityscapes", ["prepare", "Preparation"]),
            Part("Preparing CamVid", "mmfan.datasets.prepare.camvid", ["prepare"]),
        ],
    ),
    "evaluation": (
        "mmfan.evaluation",
        [
            Part("Judging", "mmfan.evaluation", ["RobustnessLoop", "RetentionEvaluator"]),
            Part("Judging a function", "mmfan.evaluation.function"),
            Part("Models of other libraries", "mmfan.adapters"),
            Part(
                "Protocols",
                "mmfan.evaluation.protocol",
                ["PROTOCOLS", "Protocol", "get_protocol", "make_protocol", "protocol_of_cells", "read_description",
                 "ProtocolError"],
            ),
            Part("Results", "mmfan.evaluation.results"),
            Part("Summaries", "mmfan.evaluation.summary"),
            Part("Reports", "mmfan.evaluation.report"),
            Part("Formats of reports", "mmfan.evaluation.report.formats",
                 ["as_markdown", "as_json", "as_csv", "as_latex", "as_dict"]),
            Part("Reports as HTML", "mmfan.evaluation.report.html", ["as_html"]),
            Part("Pictures of a page", "mmfan.evaluation.report.page.embedded", ["gallery", "Gallery"]),
            Part("Published rows", "mmfan.evaluation.report.published", ["PublishedRow", "published_rows"]),
            Part("Cards", "mmfan.evaluation.report.card",
                 ["write_card", "read_card", "card_of", "differences_from_card", "other_versions", "Card",
                  "CardError"]),
            Part("Groups of runs", "mmfan.evaluation.summary.uncertainty.spread",
                 ["summarize_group", "spread", "GroupSummary", "Spread"]),
            Part("Differences", "mmfan.evaluation.summary.uncertainty.differences",
                 ["differences", "Differences", "Difference"]),
            Part("Gate", "mmfan.evaluation.report.gate",
                 ["read_expectations", "write_expectations", "differences", "Expectations", "Expected",
                  "ExpectationError"]),
        ],
    ),
    "models": (
        "mmfan.models",
        [
            Part("Backbones", "mmfan.models", ["FAN", "FANHybrid", "FANSwin", "AlterNet", "FrozenBlocks"]),
            Part("What backbones share", "mmfan.models.backbones.dense_backbone", ["DenseBackbone"]),
            Part("What FAN and FANHybrid share", "mmfan.models.backbones.fan_base", ["FANBackbone"]),
            Part("Heads, necks, classifier", "mmfan.models",
                 ["FANSegformerHead", "LinearProbeHead", "SimpleFeaturePyramid", "FANClassifier"]),
            Part("Official weights", "mmfan.models.official_weights",
                 ["read_official_weights", "convert_official"]),
            Part("Reading weight files", "mmfan.models.safe_load", ["safe_load", "CheckpointError"]),
        ],
    ),
    "training": ("mmfan.training", [Part("", "mmfan.training")]),
    "apis": ("mmfan.apis", [Part("", "mmfan.apis")]),
    "analysis": ("mmfan.analysis", [Part("", "mmfan.analysis")]),
    "visualization": ("mmfan.visualization", [Part("", "mmfan.visualization")]),
    "picture_files": ("mmfan.picture_files", [Part("", "mmfan.picture_files")]),
}  # fmt: skip

CONSTANTS = {
    "mmfan.corruptions.BUILT_IN": "``CORRUPTIONS``, then ``CBAR`` and ``IMAGENET_C``.",
    "mmfan.corruptions.CBAR": "The ten types of ImageNet-C-bar, used where they are named.",
    "mmfan.corruptions.CBAR_STRENGTHS": "Type of ``CBAR`` -> the strength behind each of its severities.",
    "mmfan.corruptions.COMMON": "The 15 types of the common benchmarks, in the order of the reference package.",
    "mmfan.corruptions.CORRUPTIONS": "All 19 types: ``COMMON``, then ``EXTRA``.",
    "mmfan.corruptions.ENGINE_VERSION": "Version of the built-in corruptions; another one makes other bytes.",
    "mmfan.corruptions.EXTRA": "The four held-out types.",
    "mmfan.corruptions.GROUPS": "Group (noise, blur, weather, digital) -> its types.",
    "mmfan.corruptions.IMAGENET_C": "The type whose form in ImageNet-C is another one, in that form.",
    "mmfan.corruptions.IMAGENET_C_PARAMETERS": "Type of ``IMAGENET_C`` -> the numbers behind each of its severities.",
    "mmfan.corruptions.PARAMETERS": "Type -> the numbers behind each of its severities.",
    "mmfan.corruptions.SEVERITIES": "The severities of the built-in types.",
    "mmfan.corruptions.SMALLEST_SIDE": "The least number of pixels of a side of a picture that can be corrupted.",
    "mmfan.corruptions.cell.CLEAN": "The cell of the untouched pictures.",
    "mmfan.evaluation.protocol.PROTOCOLS": "Name -> protocol: those of the literature.",
    "mmfan.evaluation.results.Record": "One line of a results file, a dict: see the page on the results file.",
    "mmfan.training.RECIPES": "Name of a recipe -> what it does, and the function that puts it into a config.",
    "mmfan.analysis.ANALYSES": "Name -> :class:`~mmfan.analysis.AnalysisSpec` of the seventeen analyses.",
    "mmfan.picture_files.FORMATS": "The formats that are read, known by their content.",
    "mmfan.picture_files.LIMIT_VARIABLE": "The environment variable with the largest number of megapixels.",
}
LONGEST_VALUE = 90


def names_of(part: Part) -> list[str]:
    """The names that a part shows: constants first, then functions, then classes, errors last."""
    module = import_module(part.module)
    if part.names is not None:
        return part.names
    names = [name for name in module.__all__ if not name.startswith("_")]
    return sorted(names, key=lambda name: (_kind(getattr(module, name), f"{part.module}.{name}"), name))


def _kind(value: Any, name: str) -> int:
    if name in CONSTANTS:
        return 0
    if inspect.isclass(value):
        return 3 if issubclass(value, BaseException) else 2
    return 1


def _constant(module: str, name: str, value: Any) -> str:
    shown, whole = repr(value), f"{module}.{name}"
    lines = [f".. py:data:: {name}", f"   :type: {type(value).__name__}"]
    if len(shown) <= LONGEST_VALUE:
        lines.append(f"   :value: {shown}")
    return "\n".join([*lines, "", f"   {CONSTANTS[whole]}", ""])


def _entry(module: str, name: str) -> str:
    value, whole = getattr(import_module(module), name), f"{module}.{name}"
    if whole in CONSTANTS:
        return _constant(module, name, value)
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        return f".. {kind}:: {name}\n   :members:\n   :show-inheritance:\n"
    return f".. autofunction:: {name}\n"


def _table(module: str, names: list[str]) -> str:
    """The names with the first lines of their docstrings."""
    listed = [name for name in names if f"{module}.{name}" not in CONSTANTS]
    if len(listed) < 2:
        return ""
    return ".. autosummary::\n   :nosignatures:\n\n" + "".join(f"   {name}\n" for name in listed) + "\n"


def page_of(title: str, parts: list[Part]) -> str:
    """A page in reStructuredText."""
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", "   :no-members:", ""]
    for part in parts:
        if part.heading:
            lines += [part.heading, "-" * len(part.heading), ""]
        if part.module != title:
            lines += [f"In :mod:`{part.module}`.", ""]
        names = names_of(part)
        lines += [f".. currentmodule:: {part.module}", ""]
        lines.append(_table(part.module, names))
        shown = documented()
        for name in names:  # what two modules hand out is shown under the first of them
            if shown[id(getattr(import_module(part.module), name))] == f"{part.module}.{name}":
                lines.append(_entry(part.module, name))
    return "\n".join(lines)


def index_page() -> str:
    """The list of the pages."""
    title = "API reference"
    rows = "".join(f"   {page}\n" for page in ROOMS)
    return (
        f"{title}\n{'=' * len(title)}\n\nFrom the docstrings, by room. Examples of all of it, which the tests run, are "
        "in :doc:`../api`.\n\n.. toctree::\n   :maxdepth: 2\n\n" + rows
    )


def write_pages(app: Sphinx, config: Config) -> None:
    """Write the pages; those of rooms that are gone are removed."""
    folder = DOCS / "reference"
    pages = {"index": index_page(), **{page: page_of(*room) for page, room in ROOMS.items()}}
    for page, text in pages.items():
        write_if_new(folder / f"{page}.rst", text)
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()


@cache
def documented() -> dict[int, str]:
    """Identity of every object that the reference shows -> the name that it is shown under."""
    found = {}
    for _, parts in ROOMS.values():
        for part in parts:
            module = import_module(part.module)
            for name in names_of(part):
                found.setdefault(id(getattr(module, name)), f"{part.module}.{name}")
    return found


def skip_member(app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, whose docstrings say nothing: the class' own names them."""
    document = getattr(value, "__doc__", None) or ""
    return True if document.startswith("Alias for field number") else None


def untyped(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Say that what is returned, or a property, has no type before its first colon: annotations have the types."""
    if what in ("property", "attribute") and lines:
        lines[0] = f": {lines[0]}"
    for place, line in enumerate(lines[:-1]):
        if line.strip() in ("Returns:", "Yields:"):
            text = lines[place + 1]
            indent = len(text) - len(text.lstrip())
            lines[place + 1] = f"{text[:indent]}: {text[indent:]}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx' hook of extensions."""
    app.connect("config-inited", write_pages)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("autodoc-process-docstring", untyped, priority=400)  # before napoleon, which reads the sections
    return {"parallel_read_safe": True, "parallel_write_safe": True}
