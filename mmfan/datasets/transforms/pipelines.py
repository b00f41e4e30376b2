"""Places in a pipeline: where the picture is loaded, where the sample is packed.

Works on pipelines that have been built (mmengine's ``Compose``), and needs no OpenMMLab package itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmfan.errors import MMFanError


def walk(step: Any) -> Iterator[Any]:
    """A step of a pipeline, or a pipeline, and all that is nested in it."""
    if isinstance(step, (list, tuple)):
        for inner in step:
            yield from walk(inner)
        return
    yield step
    for nested in ("transforms", "subroutines"):  # Compose, RandomChoice, ...; TestTimeAug
        yield from walk(getattr(step, nested, ()) or ())


def loads_picture(step: Any) -> bool:
    """Whether a step loads the picture of a sample, by its name: LoadImageFromFile, LoadImageFromNDArray, ..."""
    name = type(step).__name__
    return name.startswith("Load") and "Image" in name


def corrupts(step: Any) -> bool:
    """Whether a step is mmfan.Corrupt, or an older transform of that name."""
    return any(kind.__name__ == "Corrupt" for kind in type(step).__mro__)


def check_uncorrupted(pipeline: Any, whose: str) -> None:
    """Check that a pipeline does not corrupt by itself.

    Args:
        pipeline: Built pipeline.
        whose: What corrupts the pictures already, for the message.

    Raises:
        MMFanError: It does.
    """
    if any(corrupts(step) for step in walk(pipeline)):
        raise MMFanError(
            f"The pipeline holds a Corrupt step, but {whose}: pictures would be corrupted twice. Take the step out of "
            "the pipeline."
        )


def place_of_loading(pipeline: Any, whose: str = "the pipeline") -> int:
    """Where a built pipeline loads the picture: the step's number in ``transforms``.

    Args:
        pipeline: Object with the list ``transforms``.
        whose: What pipeline it is, for the message.

    Raises:
        MMFanError: The pipeline loads no picture, or more than one.
    """
    places = [at for at, known in enumerate(pipeline.transforms) if loads_picture(known)]
    if len(places) != 1:
        names = ", ".join(type(known).__name__ for known in pipeline.transforms) or "no step at all"
        raise MMFanError(
            f"Expected one step in {whose} that loads the picture (LoadImageFromFile), to corrupt after it, got "
            f"{len(places)}: {names}."
        )
    return places[0]


def carry_meta_keys(pipeline: Any, keys: Sequence[str]) -> None:
    """Have the packing steps of a built pipeline take more keys into the metainfo of the data samples.

    Args:
        pipeline: Built pipeline; its steps whose name starts with ``Pack`` and that have ``meta_keys`` are changed.
        keys: The keys; those that are there already are not added again.
    """
    for step in walk(pipeline):
        known = getattr(step, "meta_keys", None)
        if type(step).__name__.startswith("Pack") and isinstance(known, (list, tuple)):
            step.meta_keys = tuple(dict.fromkeys((*known, *keys)))


def innermost_datasets(dataset: Any) -> list[Any]:
    """The datasets that have a pipeline, inside concatenations and other wrappers.

    Raises:
        MMFanError: There is none.
    """
    if hasattr(getattr(dataset, "pipeline", None), "transforms"):
        return [dataset]
    inner = getattr(dataset, "datasets", None) or ([dataset.dataset] if hasattr(dataset, "dataset") else [])
    if not inner:
        raise MMFanError(
            f"Expected a dataset with a pipeline of mmengine, or wrappers around such datasets, got "
            f"{type(dataset).__name__}, which has neither `pipeline` nor `dataset` nor `datasets`."
        )
    return [found for one in inner for found in innermost_datasets(one)]
