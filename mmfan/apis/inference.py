"""A trained segmentor as two functions: from config and checkpoint to a model, from a picture to its label map.

The first builds detectors as well; what they find in a picture is in :mod:`mmfan.apis.detection`.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DATASETS, MODELS, TRANSFORMS, DefaultScope

from mmfan import picture_files
from mmfan.apis.checkpoint import check_fit, dataset_meta, read_checkpoint, state_of
from mmfan.apis.config import innermost_datasets, load_config
from mmfan.apis.libraries import library_of, scope_of
from mmfan.apis.weight_doors import own_reader
from mmfan.datasets.transforms.load_image import LoadImageFromFile
from mmfan.datasets.transforms.loading import FileLoading, TakeForm, loading_of
from mmfan.environment import check_environment
from mmfan.errors import ConfigError, MMFanError
from mmfan.models.backbones.dense_backbone import is_pretrained
from mmfan.models.safe_load import CheckpointError
from mmfan.utils.commands import command_name
from mmfan.utils.files import PICTURE_SUFFIXES
from mmfan.utils.type_names import package_and_name
from mmfan.visualization.grids import ModelRow


def init_model(config: str | Path | Config, checkpoint: str | Path | None, device: str | None = None) -> Any:
    """Build a config's segmentor or detector with the weights of a checkpoint, ready to predict.

    Args:
        config: A config or its path.
        checkpoint: A file of a training run, or its URL; every weight of the model must be in it. None for the weights
            that a training from scratch starts with: random, drawn from torch's generator; nothing is downloaded.
        device: ``'cpu'``, ``'cuda:0'``, ...; None for a GPU if there is one.

    Returns:
        The model (a ``torch.nn.Module``) in eval mode, with ``cfg``, ``pipeline``, ``checkpoint`` (its path, or None)
        and ``dataset_meta``: ``classes`` and ``palette`` of the checkpoint, else those of the config's dataset.

    Raises:
        FileNotFoundError: Config or checkpoint does not exist.
        ConfigError: The config has no model.
        CheckpointError: The checkpoint cannot be read or does not fit the model.
        MMFanError: There is no such device.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    if "model" not in cfg:
        raise ConfigError(f"{cfg.filename} has no `model`; is it a base for other configs?")
    scope = scope_of(cfg)
    check_environment(*({str(scope), library_of(cfg)} & {"mmseg", "mmdet"}))
    content = read_checkpoint(checkpoint) if checkpoint is not None else {}
    with DefaultScope.overwrite_default_scope(scope), own_reader():
        # Weights come from the checkpoint, so none are initialised or downloaded here.
        model = revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg.model)))
        if checkpoint is None:
            _init_weights(model)
    if checkpoint is not None:
        check_fit(model.state_dict(), content, checkpoint)
        try:
            model.load_state_dict(state_of(content), strict=False)
        except RuntimeError as error:
            raise CheckpointError(f"{checkpoint} could not be copied into the model: {error}") from error
    model.cfg, model.pipeline = cfg, inference_pipeline(cfg)
    model.checkpoint = None if checkpoint is None else str(checkpoint)
    model.dataset_meta = _dataset_meta(content, cfg, scope)
    return model.to(_device(device)).eval()


def _init_weights(model: Any) -> None:
    """Initialise a model as a training from scratch does, without the files it may name and without mmengine's report.

    The report is a paragraph for every weight, meant for the log of a training.
    """
    for module in model.modules():
        plans = getattr(module, "init_cfg", None)
        if plans:
            listed = plans if isinstance(plans, list) else [plans]
            module.init_cfg = [plan for plan in listed if not is_pretrained(plan)] or None
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        model.init_weights()
    finally:
        logging.disable(before)


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or get_device())
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise MMFanError(f"The device {name!r} cannot be used: {str(error).splitlines()[0]}") from error
    return device


def _dataset_meta(content: dict[str, Any], cfg: Config, scope: str | None) -> dict[str, Any]:
    """Class names and colours: what the model was trained with, not what this machine's data happen to be."""
    meta = dataset_meta(content)
    if not meta:
        dataset = innermost_datasets(cfg.get("test_dataloader", {}).get("dataset", {}))[0]
        kind = dataset.get("type", "")
        with DefaultScope.overwrite_default_scope(scope):
            kind = DATASETS.get(kind) if isinstance(kind, str) else kind
        meta = {**getattr(kind, "METAINFO", {}), **dataset.get("metainfo", {})}
    if not meta.get("classes"):
        raise ConfigError("Neither the checkpoint nor the config's test_dataloader.dataset names the classes.")
    return dict(meta)


def read_picture(path: str | Path) -> np.ndarray:
    """Read a picture file.

    Returns:
        (H, W, 3) uint8, channels in the order BGR, turned as the file's EXIF orientation says.

    Raises:
        FileNotFoundError: There is no such file.
        PictureFileError: The file is no whole picture, or too large a one; see :mod:`mmfan.picture_files`.
    """
    return picture_files.read(path)


def inference_pipeline(cfg: Config) -> Compose:
    """The config's test pipeline for a picture in memory: without the steps that read files.

    Where several test sets are joined, it is the first one's. The picture takes the form that the config's loading step
    would give it: grey, or floats. Where that step is none of mmcv's or mmfan's own, it stays as it is.

    Raises:
        ConfigError: The config has no test pipeline, or reads pictures in a way that a picture in memory cannot have.
    """
    dataset = innermost_datasets(cfg.get("test_dataloader", {}).get("dataset", {}))[0]
    steps = dataset.get("pipeline") or cfg.get("test_pipeline")
    if not steps:
        raise ConfigError(f"{cfg.filename} has no pipeline in test_dataloader.dataset and no `test_pipeline`.")
    kept = [dict(step) for step in steps if not _reads_file(step["type"])]
    scope = scope_of(cfg)
    with DefaultScope.overwrite_default_scope(scope):
        loading = [loading_of(TRANSFORMS.build(dict(step))) for step in steps if _loads_image_file(step["type"])]
        taken = {"type": "LoadImageFromNDArray"} if scope in ("mmseg", "mmdet") else _take_picture
        return Compose([TakeForm((loading or [FileLoading(LoadImageFromFile())])[0]), taken, *kept])


def _take_picture(results: dict[str, Any]) -> dict[str, Any]:
    """What mmseg's and mmdet's LoadImageFromNDArray do, where neither is the scope: for classifiers."""
    size = results["img"].shape[:2]
    # packing wants a class, which nobody knows
    return {"gt_label": 0, **results, "img_path": None, "img_shape": size, "ori_shape": size}


def _loads_image_file(kind: Any) -> bool:
    return package_and_name(kind)[1] == "LoadImageFromFile"


def _reads_file(kind: Any) -> bool:
    name = package_and_name(kind)[1]
    return name.startswith("Load") and ("Annotation" in name or "Image" in name)


def predict(model: Any, picture: str | Path | np.ndarray) -> np.ndarray:
    """The label map of one picture.

    Args:
        model: From :func:`init_model`.
        picture: A file, or an (H, W, 3) uint8 array, channels in the order BGR.

    Returns:
        (H, W) uint8: class numbers, indices into ``model.dataset_meta['classes']``.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The picture cannot be read, the array is not of the shape and type above, or the model is no
            segmentor.
    """
    result = predict_sample(model, picture)
    if "pred_sem_seg" not in result:
        raise MMFanError(
            "This config's model gives no label map: of detectors use mmfan.apis.detect, of classifiers "
            "mmfan.apis.classify."
        )
    return result.pred_sem_seg.data.squeeze(0).cpu().numpy().astype(np.uint8)


def predict_sample(model: Any, picture: str | Path | np.ndarray) -> Any:
    """What a model returns for one picture: mmseg's or mmdet's data sample.

    Args:
        model: From :func:`init_model`.
        picture: A file, or an (H, W, 3) uint8 array, channels in the order BGR.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: The picture cannot be read, or the array is not of the shape and type above; or the config's loading
            step makes something else of the file than of its 8-bit colours.
    """
    image = picture if isinstance(picture, np.ndarray) else read_for(model, picture)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise MMFanError(f"Expected a picture of shape (H, W, 3) and type uint8, got {image.shape} {image.dtype}.")
    data = model.pipeline({"img": image})
    with torch.no_grad():
        (result,) = model.test_step({"inputs": [data["inputs"]], "data_samples": [data["data_samples"]]})
    return result


def read_for(model: Any, path: str | Path) -> np.ndarray:
    """Read a picture file for a model's pipeline.

    Returns:
        As :func:`read_picture`.

    Raises:
        FileNotFoundError: There is no such file.
        MMFanError: It cannot be read, or the config's loading step makes something else of it than of its colours.
    """
    image = read_picture(path)
    for step in model.pipeline.transforms[:1]:
        if isinstance(step, TakeForm):
            step.loading.check_reading(str(path))
    return image


def find_pictures(places: Sequence[str | Path]) -> list[Path]:
    """The picture files that some paths stand for: files as they are, folders as the pictures directly in them.

    Args:
        places: Files and folders.

    Returns:
        Files, in the order given; those of a folder sorted by name.

    Raises:
        FileNotFoundError: A path does not exist, or a folder holds no picture.
        MMFanError: Two pictures have one name without its ending, so that the files written for them would collide.
    """
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            inside = sorted(path for path in place.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
            if not inside:
                raise FileNotFoundError(f"There is no picture ({', '.join(PICTURE_SUFFIXES)}) in the folder {place}.")
            found += inside
        elif place.exists():
            found.append(place)
        else:
            raise FileNotFoundError(f"The picture {place} does not exist (looked for {place.absolute()}).")
    found = list(dict.fromkeys(found))
    names: dict[str, Path] = {}
    for path in found:
        if names.setdefault(path.stem, path) != path:
            raise MMFanError(f"{names[path.stem]} and {path} would be written to the same file; take them one by one.")
    return found


def predicted_rows(model: Any, count: int) -> list[ModelRow]:
    """Pictures of the test set of a model's config, at even distances, with their truth and the model's prediction.

    Args:
        model: From :func:`init_model`.
        count: How many; all of a smaller set are taken.

    Returns:
        Rows for :func:`mmfan.visualization.model_grid` with one model.

    Raises:
        ConfigError: The config has no test set, or is a detector's or a classifier's.
        FileNotFoundError: The test set is not where the config says.
    """
    config = model.cfg.get("test_dataloader", {}).get("dataset")
    if config is None:
        raise ConfigError(f"{model.cfg.filename} has no test_dataloader.dataset to take pictures from.")
    if library_of(model.cfg) == "mmdet":
        raise ConfigError(
            f"{model.cfg.filename} is a detector's; its predictions are drawn by `{command_name('infer')}`, or by "
            f"`{command_name('test')}` with --show-dir."
        )
    with DefaultScope.overwrite_default_scope(scope_of(model.cfg)):
        dataset = DATASETS.build(copy.deepcopy(config))
    rows = []
    for index in np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)):
        sample = dataset[int(index)]["data_samples"]
        if "gt_sem_seg" not in sample:
            raise ConfigError(
                f"{model.cfg.filename} has no label maps; what a classifier says is drawn by `{command_name('infer')} "
                "CONFIG CHECKPOINT PICTURE`."
            )
        picture = read_picture(sample.img_path)
        truth = sample.gt_sem_seg.data.squeeze(0).numpy().astype(np.uint8)
        rows.append(ModelRow(picture[..., ::-1], truth, (predict(model, picture),), Path(sample.img_path).stem))
    return rows
