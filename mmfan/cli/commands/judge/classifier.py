"""``mmfan judge --classifier`` and ``--onnx FILE --classification``: classifiers on folders of pictures.

The model is a network in ONNX's format, a whole official FAN file, or what a name in a Python file or module stands
for: a ``torch.nn.Module``, a function that returns one, or a function of a picture.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.util
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from mmfan.cli.commands.judge.function import Model, judge_function, preprocessing_given, with_weights
from mmfan.cli.commands.judge.onnx import OF_CONFIGS
from mmfan.cli.options import whole
from mmfan.cli.problems import exits_on_problem
from mmfan.cli.stopping import status_of
from mmfan.errors import ConfigError, MMFanError

# What only classifiers have: attribute of the arguments -> the words of the command line.
OWN = {
    "outputs": "--outputs", "stored": "--stored", "resize": "--resize", "crop": "--crop", "quality": "--quality",
    "imagenet_c": "--imagenet-c", "cue_conflict": "--cue-conflict", "ema": "--ema",
    "imagenet_p": "--imagenet-p", "flip_reference": "--flip-reference",
}  # fmt: skip
# What label maps have and classes have not.
OF_LABEL_MAPS = {
    "image_suffix": "--image-suffix", "label_suffix": "--label-suffix", "ignore_index": "--ignore-index",
    "reduce_zero_label": "--reduce-zero-label", "flips": "--flips", "cues": "--cues",
    "weather": "--weather",
}  # fmt: skip
# What a measure of its own (cue conflict, ImageNet-P) has no use for.
OF_SETS = {
    "protocol": "--protocol", "corruptions": "--corruptions", "severities": "--severities", "adapt": "--adapt",
    "attack": "--attack", "calibration": "--calibration", "picture_root": "--picture-root", "seed": "--seed",
    "dataset_name": "--dataset-name", "pictures": "--pictures", "workers": "--workers", "cache": "--cache",
    "labels": "--labels", "classes": "--classes", "outputs": "--outputs", "stored": "--stored", "resize": "--resize",
    "crop": "--crop", "quality": "--quality", "imagenet_c": "--imagenet-c",
}  # fmt: skip
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # what the official files were trained with


def add_classifier_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--classifier`` and what its sets need."""
    group = parser.add_argument_group("a classifier in the place of CONFIG CHECKPOINT (--images, --mean ... too)")
    group.add_argument(
        "--classifier", metavar="MODEL",
        help="a whole official FAN file, or FILE.py:NAME or module:NAME: a torch module, a function that returns one, "
        "or a function of a picture",
    )  # fmt: skip
    group.add_argument("--classification", action="store_true", help="the network of --onnx classifies")
    group.add_argument(
        "--outputs", metavar="FILE",
        help="names of the model's classes, one a line or JSON, in the order of its columns, where the set has others "
        "(ImageNet-A, -R); or a folder with a folder for each, as imagenet/val; or how many",
    )  # fmt: skip
    group.add_argument("--stored", metavar="DIR", help="corrupted pictures, as TYPE/SEVERITY/ and the clean one's path")
    group.add_argument("--resize", type=whole(1), metavar="N", help="shorter side of the pictures, first")
    group.add_argument("--crop", type=whole(1), metavar="N", help="side of the square cut from their middle, then")
    group.add_argument("--quality", type=whole(1), metavar="N", help="JPEG quality that corrupted pictures get")
    group.add_argument(
        "--imagenet-c", action="store_true",
        help="the form of ImageNet-C: --resize 256 --crop 224, and --quality 85 without --stored",
    )  # fmt: skip
    group.add_argument("--ema", action="store_true", help="of an official file, the averaged weights")
    group.add_argument("--cue-conflict", metavar="DIR", help="measure the shape bias on these pictures instead")
    group.add_argument("--imagenet-p", metavar="DIR", help="measure the flips in these sequences instead")
    group.add_argument(
        "--flip-reference", metavar="FILE", help="what --imagenet-p wrote of the model that flip rates are taken over"
    )


def is_classifier(args: argparse.Namespace) -> bool:
    """Whether the command line is of a classifier."""
    return args.classifier is not None or bool(args.classification)


def check_form(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse options of another form beside this one, and of this one beside another."""
    if not is_classifier(args):
        given = [words for name, words in OWN.items() if getattr(args, name)]
        if given:
            told = "is" if len(given) == 1 else "are"
            parser.error(f"{', '.join(given)} {told} for --classifier MODEL or --onnx FILE --classification")
        return
    if args.classification and args.onnx is None:
        parser.error("--classification needs --onnx FILE; other models go by --classifier MODEL")
    if args.classifier is not None and args.onnx is not None:
        parser.error("take --classifier or --onnx, not both")
    others = {name: words for name, words in OF_CONFIGS.items() if name != "calibration"} | OF_LABEL_MAPS
    given = [words for name, words in others.items() if getattr(args, name)]
    if given or args.launcher != "none":
        parser.error(f"{', '.join(given or ['--launcher'])} cannot stand beside a classifier")
    if sum(map(bool, (args.images, args.cue_conflict, args.imagenet_p))) != 1:
        parser.error("a classifier needs --images DIR or --cue-conflict DIR or --imagenet-p DIR")
    measure = "--cue-conflict" if args.cue_conflict else "--imagenet-p" if args.imagenet_p else ""
    unused = [words for name, words in OF_SETS.items() if getattr(args, name) not in (None, False)]
    if measure and unused:
        parser.error(f"{', '.join(unused)} cannot stand beside {measure}, whose pictures are taken as they are")
    if args.flip_reference and not args.imagenet_p:
        parser.error("--flip-reference is for --imagenet-p")
    if args.imagenet_c and (args.resize or args.crop or args.quality):
        parser.error("take --imagenet-c or --resize, --crop and --quality, not both")
    if args.imagenet_c and not args.stored:
        _check_types(parser, args)


def _check_types(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """See that pictures in ImageNet-C's form are corrupted with its constants, where they are made."""
    from mmfan.corruptions import IMAGENET_C
    from mmfan.evaluation.protocol import PROTOCOLS

    named = PROTOCOLS[args.protocol].corruptions if args.protocol in PROTOCOLS else args.corruptions or ()
    own = {name.removesuffix("_imagenet_c"): name for name in IMAGENET_C}
    wrong = next((name for name in named if name in own), None)
    if wrong is not None:
        parser.error(
            f"ImageNet-C has its own constants of {wrong}: beside --imagenet-c take {own[wrong]}, or --protocol "
            "imagenet_c or imagenet_c19; or --resize 256 --crop 224 --quality 85 in its place"
        )


def model_of(args: argparse.Namespace) -> Model:
    """The model that the command line names.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: It is no model, or an option does not fit it.
    """
    from mmfan.adapters import Preprocessing
    from mmfan.evaluation.results.hashes import config_hash, file_hash

    known = preprocessing_given(args)
    spec = args.onnx or args.classifier
    official = args.onnx is None and ":" not in spec.removeprefix("http:").removeprefix("https:")
    if official and spec.endswith(".py"):
        raise ConfigError(f"Expected the name of a model in {spec}, as {spec}:model, got the file alone.")
    if args.ema and not official:
        raise MMFanError("--ema is for official files.")
    if official and "mean" not in known and "std" not in known:
        known |= IMAGENET
    preprocessing = Preprocessing(**known, bgr=args.bgr)
    files = [Path(spec)] if official else []
    if args.onnx is not None:
        from mmfan.adapters import OnnxClassifier

        predict: Any = OnnxClassifier(spec, preprocessing)
        files = with_weights(Path(spec))
    else:
        found = _official(spec, args.ema) if official else named(spec)
        predict = _callable(found, preprocessing, known)
    hashes = [file_hash(path) for path in files if path.is_file()]
    version = config_hash(hashes, dataclasses.asdict(preprocessing), ema=args.ema) if hashes else None
    name = Path(spec.partition(":")[0]).name.removesuffix(".tar").removesuffix(".pth").removesuffix(".onnx")
    return Model(predict, args.name or (name if files else spec.rpartition(":")[2]), version)


def _official(path: str, ema: bool) -> Any:
    from mmfan.models import FANClassifier

    return FANClassifier.of_file(path, ema)


def named(spec: str) -> Any:
    """What ``FILE.py:NAME`` or ``module:NAME`` stands for; of a function without arguments, what it returns.

    Raises:
        FileNotFoundError: There is no such file.
        ConfigError: There is no such module, or nothing of this name in it.
    """
    where, _, name = spec.rpartition(":")
    if where.endswith(".py"):
        if not Path(where).is_file():
            raise FileNotFoundError(f"The Python file {Path(where).absolute()} does not exist.")
        made = importlib.util.spec_from_file_location(Path(where).stem, where)
        if made is None or made.loader is None:
            raise ConfigError(f"{where} is no file that Python can run.")
        module = importlib.util.module_from_spec(made)
        made.loader.exec_module(module)
    else:
        try:
            module = importlib.import_module(where)
        except ModuleNotFoundError as error:
            raise ConfigError(f"There is no module {error.name!r} (for --classifier {spec}).") from error
    if not hasattr(module, name):
        there = [one for one in vars(module) if not one.startswith("_")]
        raise ConfigError(f"There is no {name!r} in {where}; it has {', '.join(there)}.")
    found = getattr(module, name)
    if inspect.isfunction(found) and not inspect.signature(found).parameters:
        found = found()
    return found


def _callable(found: Any, preprocessing: Any, given: dict[str, Any]) -> Any:
    """A function of a picture, of a module or of one already."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(found, torch.nn.Module):
        from mmfan.adapters import TorchClassifier

        device = "cuda" if torch.cuda.is_available() else None
        return TorchClassifier(found, preprocessing, device=device)
    if not callable(found):
        raise ConfigError(f"Expected a torch module or a function of a picture, got {type(found).__name__}.")
    if given:
        raise ConfigError(
            f"A function prepares its pictures itself: leave {', '.join(f'--{one}' for one in given)} out."
        )
    return found


def data_of(args: argparse.Namespace) -> Any:
    """The pictures that the command line names.

    Raises:
        FileNotFoundError, MMFanError: As :class:`mmfan.ClassificationData`.
    """
    from mmfan.evaluation.function import ClassificationData, PictureForm

    form = PictureForm(args.resize, args.crop, args.quality)
    if args.imagenet_c:
        form = PictureForm(256, 224, None if args.stored else 85)
    outputs = int(args.outputs) if args.outputs and args.outputs.isdigit() else args.outputs
    classes = args.classes and (str_range(int(args.classes)) if args.classes.isdigit() else args.classes)
    return ClassificationData(
        args.images,
        classes,
        labels=args.labels,
        outputs=outputs,
        stored=args.stored,
        form=form,
        root=args.picture_root,
        name="imagenet" if args.imagenet_c else None,
    )


def str_range(count: int) -> list[str]:
    """The names of classes that have none: their numbers."""
    return list(map(str, range(count)))


def judge_classifier(args: argparse.Namespace, parser: argparse.ArgumentParser, results_name: str) -> int:
    """Read, judge, print; the exit status."""
    if args.cue_conflict:
        return cue_conflict(args, parser)
    if args.imagenet_p:
        return imagenet_p(args, parser)
    return judge_function(args, parser, model_of(args), data_of(args), "imagenet_c19", results_name)


def cue_conflict(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Measure the shape bias, print it and keep it as JSON; the exit status."""
    from mmfan.evaluation.function import judge_cue_conflict
    from mmfan.evaluation.metrics.cue_conflict import PUBLISHED_SHAPE_BIAS

    model = model_of(args)
    with exits_on_problem(parser.prog, code=1):
        found = judge_cue_conflict(model.predict, args.cue_conflict, batch_size=args.batch_size or 1, limit=args.limit)
        kept = keep(args, model, "cue_conflict.json", found.to_dict())
        print(f"{model.name}: {found}")
        for name, bias in found.by_class.items():
            print(f"  {name:10} {'-' if bias is None else f'{bias:.3f}'}")
        print("published, on all 1200 pictures:")
        for name, bias in PUBLISHED_SHAPE_BIAS.items():
            print(f"  {bias:.3f} {name}")
        print(f"wrote {kept}", file=sys.stderr)
    return 0


def imagenet_p(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Measure the flips, print them and keep them as JSON; the exit status."""
    from mmfan.evaluation.function import judge_imagenet_p
    from mmfan.evaluation.function.judge_anything import told

    model = model_of(args)
    with exits_on_problem(parser.prog, code=1):
        reference = None if args.flip_reference is None else probabilities_in(Path(args.flip_reference))
        size, place = args.batch_size or 1, result_path(args, model, "imagenet_p.json").with_suffix(".sequences.jsonl")
        try:
            with told(not args.quiet):
                found = judge_imagenet_p(
                    model.predict, args.imagenet_p, batch_size=size, limit=args.limit, kept=place, version=model.version
                )
        except KeyboardInterrupt as stop:
            print("\nStopped; the same command goes on with the sequence that was in work.", file=sys.stderr)
            return status_of(stop)
        rates = {} if reference is None else found.rates(reference)
        kept = keep(args, model, "imagenet_p.json", {**found.to_dict(), **({"rates": rates} if rates else {})})
        print(f"{model.name}: {found}" + (f", mFR {100 * rates['mFR']:.2f} %" if rates else ""))
        for name, flips in found.by_type.items():
            rate = f"  rate {100 * rates[name]:.2f} %" if rates else ""
            print(f"  {name:15} {100 * flips.share:.2f} %{rate}")
        print(f"wrote {kept}", file=sys.stderr)
    return 0


def probabilities_in(path: Path) -> dict[str, float]:
    """The flip probabilities by type in a file that ``--imagenet-p`` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: It is no such file.
    """
    from mmfan.utils.json_files import parse_json

    if not path.is_file():
        raise FileNotFoundError(f"The file {path.absolute()} does not exist.")
    try:
        found = parse_json(path.read_bytes())
    except ValueError as error:
        raise MMFanError(f"{path} is no JSON file: {error}.") from error
    told = found.get("by_type") if isinstance(found, dict) else None
    if not isinstance(told, dict) or not all(isinstance(one, (int, float)) for one in told.values()):
        raise MMFanError(f"Expected {path} to hold what --imagenet-p wrote, flip probabilities under `by_type`.")
    return told


def result_path(args: argparse.Namespace, model: Model, name: str) -> Path:
    """Where a measure is written."""
    return Path(args.results or Path(args.work_dir or Path("work_dirs") / model.name) / name)


def keep(args: argparse.Namespace, model: Model, name: str, content: dict[str, Any]) -> Path:
    """Write what was measured as JSON; returns where."""
    from mmfan.utils.files import write_whole

    kept = result_path(args, model, name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_whole(
        kept, (json.dumps({"model": model.name, "version": model.version, **content}, indent=2) + "\n").encode()
    )
    return kept
