"""Names of a dataset's pictures, which the seeds of corruptions are derived from, and their paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmfan.corruptions import picture_name
from mmfan.datasets.corrupted.layout import clean_set
from mmfan.datasets.transforms.corrupt import NAME_ROOT_KEY
from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.errors import MMFanError
from mmfan.evaluation.judging.pictures import check_names


def path_of(sample: Mapping[str, Any]) -> str:
    """The path of a sample's picture.

    Raises:
        MMFanError: It has none.
    """
    path = sample.get("img_path")
    if not path:
        held = ", ".join(sorted(map(str, sample))) or "nothing"
        raise MMFanError(
            "A sample has no `img_path`, from which the seed of its corruption is derived; it holds "
            f"{held}. Have the dataset's load_data_list give `img_path`."
        )
    return str(path)


def name_pictures(dataset: Any, root: str | None = None) -> tuple[list[str], list[str]]:
    """Paths of the clean pictures and the names that their seeds are derived from, in the order of the dataset.

    Args:
        dataset: A dataset of OpenMMLab, or wrappers around some.
        root: The folder that names are relative to; None finds it by the layout of the set.

    Raises:
        MMFanError: The dataset does not tell the paths, or two of its pictures have one name.
    """
    if not hasattr(dataset, "get_data_info"):
        raise MMFanError(
            f"{type(dataset).__name__} has no get_data_info, by which the paths of its pictures are found."
        )
    infos = [dataset.get_data_info(number) for number in range(len(dataset))]
    paths = [path_of(info) for info in infos]
    names = [
        picture_name(path, info.get(NAME_ROOT_KEY) if root is None else root)
        for path, info in zip(paths, infos, strict=True)
    ]
    check_names(paths, names, "give the folder that holds all pictures as `picture_root` of RobustnessLoop")
    return paths, names


def root_of_names(dataset: Any) -> str | None:
    """The folder that names of pictures are relative to, as ``mmfan corrupt`` takes it for this dataset.

    Returns:
        None where the layout of the set says it (Cityscapes, COCO), or the dataset does not say where its pictures are.
    """
    inner = innermost_datasets(dataset)
    prefix = getattr(inner[0], "data_prefix", None) if len(inner) == 1 else None
    folder = (prefix.get("img_path") or prefix.get("img")) if isinstance(prefix, Mapping) else None
    return clean_set(str(folder)).name_root if folder else None
