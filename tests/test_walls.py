"""The walls of the house: which room may import which. Read from the source, imports inside functions too.

Each rule is a function from the list of arrows to the arrows that break it, named as ``file imports module``; one
planted violation for each rule shows that it can fail.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "mmfan"
# From the ground up; a lower floor never imports a higher one.
FLOORS = (
    {"errors", "environment", "registry", "utils", "version", "picture_files"},
    {"corruptions"},
    {"models", "datasets", "visualization"},
    {"evaluation", "training"},
    {"apis", "adapters", "benchmark"},
    {"analysis"},
    {"cli"},
    {"", "__main__"},  # mmfan/__init__.py hands out what it offers lazily
)
# Parts of evaluation, from the ground up. The loop and the report both read results and summaries, and neither needs
# the other.
STAGES = (
    {"conditions", "attacks"},
    {"protocol"},
    {"results", "metrics"},
    {"summary"},
    {"judging"},
    {"loop", "report"},
    {"function"},
    {"registered", ""},
)
TORCH_FREE = (
    "errors", "environment", "utils", "picture_files", "corruptions",
    "evaluation.conditions.adaptation_settings", "evaluation.conditions.attack_settings",
    "evaluation.conditions.cell", "evaluation.conditions.change", "evaluation.conditions.condition",
    "evaluation.conditions.cue_change", "evaluation.conditions.cue_settings",
    "evaluation.conditions.kinds", "evaluation.conditions.known", "evaluation.conditions.work",
    "evaluation.conditions.patch_settings", "evaluation.conditions.works", "evaluation.protocol", "evaluation.results",
    "evaluation.summary", "evaluation.judging", "evaluation.report", "evaluation.function",
    "evaluation.attacks.boxes", "evaluation.attacks.settings",
    "evaluation.metrics.calibration.calibration", "evaluation.metrics.classification",
    "evaluation.metrics.calibration.confidence", "evaluation.metrics.cue_conflict",
    "evaluation.metrics.dense_shape_bias", "evaluation.metrics.flips", "evaluation.metrics.perturbation_flips",
    "evaluation.metrics.labels", "evaluation.metrics.objects", "evaluation.metrics.counts",
    "datasets.corrupted", "datasets.classes.folders", "datasets.classes.picture_form", "datasets.cues",
    "datasets.cityscapes_labels", "datasets.miniature", "datasets.prepare",
    "analysis.catalogue", "analysis.options", "analysis.spec",
    "adapters.batches", "adapters.classes", "adapters.exported", "adapters.exported_classifier",
    "adapters.onnx_runtime", "adapters.openvino_runtime",
    "adapters.preprocessing", "adapters.supervision_detections", "adapters.ultralytics_results",
)  # fmt: skip
NO_OPENMMLAB = ("models.layers", "evaluation.attacks", "evaluation.conditions.adaptation", "adapters", *TORCH_FREE)
TORCH = {"torch", "torchvision"}
OPENMMLAB = {"mmengine", "mmcv", "mmseg", "mmdet", "mmpretrain"}
# Who has one of them only gets a working half: a room of segmentation names no mmdet, one of detection no mmseg.
SEGMENTATION = (
    "datasets.cityscapes", "datasets.cityscapes_c", "datasets.weather", "datasets.transforms.load_labels",
    "models.decode_heads", "training.shape_teacher", "evaluation.metrics.segmentation",
)  # fmt: skip
DETECTION = (
    "datasets.coco", "datasets.coco_c", "datasets.coco_annotations", "datasets.coco_weather",
    "evaluation.metrics.detection", "models.necks",
    "visualization.detections", "visualization.instances",
)  # fmt: skip


class Arrow(NamedTuple):
    """One import: the importing module, and the imported one, both without the leading ``mmfan.``.

    ``target`` keeps its full name where it is no part of mmfan. ``late`` are imports inside a function.
    """

    source: str
    target: str
    ours: bool
    late: bool = False

    def __str__(self) -> str:
        file = f"mmfan/{self.source.replace('.', '/')}".rstrip("/")
        return f"{file}.py imports {'mmfan.' if self.ours else ''}{self.target}"


def modules_of(package: Path) -> dict[str, Path]:
    """Name within the package -> file; a folder's ``__init__`` bears the folder's name, the package's own is ``""``."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows_of(package: Path = PACKAGE) -> list[Arrow]:
    """Every import in the package, those inside functions and under ``TYPE_CHECKING`` included."""
    modules = modules_of(package)
    arrows = []
    for source, path in modules.items():
        folder = source if path.name == "__init__.py" else source.rpartition(".")[0]
        tree = ast.parse(path.read_text(), str(path))
        functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        inner = {id(node) for function in functions for node in ast.walk(function)}
        for node in ast.walk(tree):
            for target in _targets(node, folder):
                ours = target == "mmfan" or target.startswith("mmfan.")
                named = _module(target[len("mmfan.") :], modules) if ours else target
                arrows.append(Arrow(source, named, ours, id(node) in inner))
    return [arrow for arrow in dict.fromkeys(arrows) if not (arrow.ours and arrow.source == arrow.target)]


def _targets(node: ast.AST, folder: str) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = ["mmfan", *filter(None, folder.split("."))]
            base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [base])])
        return [f"{base}.{name.name}" if base.partition(".")[0] == "mmfan" else base for name in node.names]
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
            return [str(node.args[0].value)]
    return []


def _module(target: str, modules: dict[str, Path]) -> str:
    """The module that ``target`` names, or that holds the name ``target``."""
    while target not in modules:
        target = target.rpartition(".")[0]
    return target


def within(module: str, rooms: Iterable[str]) -> bool:
    """Whether a module is one of the rooms or lies in one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def going_up(arrows: Iterable[Arrow]) -> list[str]:
    """Arrows from a lower floor to a higher one, and rooms that are on no floor."""
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for arrow in arrows:
        rooms = [module.partition(".")[0] for module in (arrow.source, *([arrow.target] if arrow.ours else []))]
        homeless = [room for room in rooms if room not in floor]
        if homeless:
            wrong.append(f"{homeless[0]} stands on no floor: {arrow}")
        elif arrow.ours and floor[rooms[0]] < floor[rooms[1]]:
            wrong.append(str(arrow))
    return wrong


def going_up_in_evaluation(arrows: Iterable[Arrow]) -> list[str]:
    """Arrows from a lower stage of judging to a higher one."""
    stage = {f"evaluation.{part}".rstrip("."): number for number, parts in enumerate(STAGES) for part in parts}

    def of(module: str) -> int:
        return stage[".".join(module.split(".")[:2])]

    inner = [arrow for arrow in arrows if arrow.ours and within(arrow.source, ["evaluation"])]
    return [
        str(arrow) for arrow in inner if within(arrow.target, ["evaluation"]) and of(arrow.source) < of(arrow.target)
    ]


def between_siblings(arrows: Iterable[Arrow]) -> list[str]:
    """Arrows between models and visualization, from models to datasets, between loop and report: each works alone."""
    apart = [("models", "visualization"), ("visualization", "models"), ("models", "datasets")]
    apart += [("evaluation.loop", "evaluation.report"), ("evaluation.report", "evaluation.loop")]
    return [
        str(arrow)
        for arrow in arrows
        if arrow.ours and any(within(arrow.source, [one]) and within(arrow.target, [other]) for one, other in apart)
    ]


def importing(arrows: Iterable[Arrow], rooms: Iterable[str], packages: set[str]) -> list[str]:
    """Arrows from the rooms to the packages, directly or by way of what they import.

    Of the rooms themselves imports inside functions count too; of other modules those that run when they are imported.
    The faces of the folders on the way to a module are run as well.
    """
    arrows, rooms = list(arrows), list(rooms)
    outside: dict[str, list[Arrow]] = {}
    inside: dict[str, set[str]] = {}
    for arrow in arrows:
        if arrow.late and not within(arrow.source, rooms):
            continue
        if arrow.ours:
            inside.setdefault(arrow.source, set()).update(_with_faces(arrow.target))
        elif arrow.target.partition(".")[0] in packages:
            outside.setdefault(arrow.source, []).append(arrow)
    wrong: dict[str, str] = {}
    for start in sorted({arrow.source for arrow in arrows if within(arrow.source, rooms)}):
        seen, ahead = {start}, [start, *_with_faces(start)[:-1]]
        while ahead:
            module = ahead.pop()
            for arrow in outside.get(module, []):
                way = "" if module == start else f", which mmfan/{start.replace('.', '/')}.py reaches"
                wrong.setdefault(str(arrow), f"{arrow}{way}")
            ahead += inside.get(module, set()) - seen
            seen |= inside.get(module, set())
    return list(wrong.values())


def _with_faces(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def circles(arrows: Iterable[Arrow]) -> list[str]:
    """Modules that import each other, in a circle of any length; one line a circle."""
    ahead: dict[str, set[str]] = {}
    for arrow in arrows:
        # the package's own face is imported before everything, and hands out lazily
        if arrow.ours and arrow.source and arrow.target:
            ahead.setdefault(arrow.source, set()).add(arrow.target)
    found: list[str] = []
    done: set[str] = set()

    def visit(module: str, trail: list[str]) -> None:
        if module in trail:
            circle = trail[trail.index(module) :]
            found.append(" -> ".join([*circle, module]))
            return
        if module in done:
            return
        for target in sorted(ahead.get(module, ())):
            visit(target, [*trail, module])
        done.add(module)

    for module in sorted(ahead):
        visit(module, [])
    return found


def reaching_tools(arrows: Iterable[Arrow]) -> list[str]:
    """Arrows from the package to tools or tests."""
    return [str(arrow) for arrow in arrows if arrow.target.partition(".")[0] in ("tools", "tests", "helpers")]


RULES = {
    "up": going_up,
    "up in evaluation": going_up_in_evaluation,
    "siblings": between_siblings,
    "torch": lambda arrows: importing(arrows, TORCH_FREE, TORCH),
    "OpenMMLab": lambda arrows: importing(arrows, NO_OPENMMLAB, OPENMMLAB),
    "mmdet in segmentation": lambda arrows: importing(arrows, SEGMENTATION, {"mmdet"}),
    "mmseg in detection": lambda arrows: importing(arrows, DETECTION, {"mmseg"}),
    "circles": circles,
    "tools": reaching_tools,
}


@pytest.fixture(scope="module")
def house() -> list[Arrow]:
    return arrows_of()


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps(rule, house):
    broken = RULES[rule](house)
    assert not broken, "\n".join(broken)


PLANTED = {
    "up": ("corruptions/fog.py", "def f():\n    from mmfan.evaluation.protocol import Protocol\n",
           "mmfan/corruptions/fog.py imports mmfan.evaluation.protocol"),
    "up in evaluation": ("evaluation/results/store.py", "from mmfan.evaluation.summary import summarize\n",
                         "mmfan/evaluation/results/store.py imports mmfan.evaluation.summary"),
    "siblings": ("models/fan.py", "from mmfan.visualization.grid import Row\n",
                 "mmfan/models/fan.py imports mmfan.visualization.grid"),
    "torch": ("evaluation/report/html.py", "from mmfan.models.layers import drop\n",
              "mmfan/models/layers/drop.py imports torch.nn, which mmfan/evaluation/report/html.py reaches"),
    "OpenMMLab": ("models/layers/init.py", "import mmengine.model\n",
                  "mmfan/models/layers/init.py imports mmengine.model"),
    "mmdet in segmentation": ("datasets/cityscapes.py", "def f():\n    import mmdet\n",
                              "mmfan/datasets/cityscapes.py imports mmdet"),
    "mmseg in detection": ("datasets/coco.py", "from mmseg.registry import DATASETS\n",
                           "mmfan/datasets/coco.py imports mmseg.registry"),
    "circles": ("utils/text.py", "from . import tables\n", "utils.tables -> utils.text -> utils.tables"),
    "tools": ("cli/commands/train.py", "from importlib import import_module\nimport_module('tools.train')\n",
              "mmfan/cli/commands/train.py imports tools.train"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_planted_violation_is_named(rule, tmp_path):
    files = {
        "__init__.py": "", "evaluation/protocol.py": "", "evaluation/summary/__init__.py": "summarize = 1\n",
        "visualization/grid.py": "", "models/layers/__init__.py": "",
        "models/layers/drop.py": "from torch.nn import Dropout\n",
        "utils/tables.py": "import mmfan.utils.text\n", "utils/text.py": "", "cli/__init__.py": "",
    }  # fmt: skip
    place, content, message = PLANTED[rule]
    for name, text in {**files, place: content}.items():
        (tmp_path / "mmfan" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mmfan" / name).write_text(text)
    assert RULES[rule](arrows_of(tmp_path / "mmfan")) == [message]


def test_every_room_of_the_package_is_read(house):
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= {arrow.source.partition(".")[0] for arrow in house}
    assert len(house) > 1000
