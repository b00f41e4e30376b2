"""Plain loading steps in mmfan's checked form: in what a dataset builds, and in what a results file is known by."""

import pytest

from mmfan.datasets.transforms.checked import checked_steps

pytest.importorskip("mmseg")
from mmcv.transforms import LoadAnnotations as OtherAnnotations
from mmcv.transforms import LoadImageFromFile as PlainImage
from mmseg.datasets.transforms import LoadAnnotations

from mmfan.datasets import CityscapesCDataset, CityscapesDataset, LoadImageFromFile, LoadSegAnnotations
from mmfan.evaluation.loop.identity.run_key import pipelines_of
from mmfan.evaluation.results.hashes import config_hash

PLAIN = [
    {"type": "LoadImageFromFile", "backend_args": None},
    {"type": "TestTimeAug", "transforms": [[{"type": "Resize", "scale": (4, 2)}], [{"type": "LoadAnnotations"}]]},
    {"type": "mmseg.LoadAnnotations"},
]
CHECKED = [
    {"type": "mmfan.LoadImageFromFile", "backend_args": None},
    {
        "type": "TestTimeAug",
        "transforms": [[{"type": "Resize", "scale": (4, 2)}], [{"type": "mmfan.LoadSegAnnotations"}]],
    },
    {"type": "mmseg.LoadAnnotations"},  # asked for by its full name
]


def test_nested_steps_are_found_and_nothing_is_changed():
    before = str(PLAIN)
    assert checked_steps(PLAIN) == CHECKED
    assert str(PLAIN) == before
    built = LoadAnnotations()
    assert checked_steps([built, ("a", 1)]) == [built, ("a", 1)]
    assert checked_steps(CHECKED) == CHECKED


def test_steps_that_are_classes_are_what_their_names_are():
    kinds = [
        PlainImage,
        LoadAnnotations,
        "mmcv.transforms.LoadImageFromFile",
        "mmseg.datasets.transforms.LoadAnnotations",
    ]
    names = ["mmfan.LoadImageFromFile", "mmfan.LoadSegAnnotations"]
    assert [step["type"] for step in checked_steps([{"type": kind} for kind in kinds])] == names * 2
    others = [{"type": kind} for kind in (OtherAnnotations, LoadImageFromFile, "mmdet.datasets.x.LoadAnnotations")]
    assert checked_steps(others) == others


@pytest.mark.parametrize("kind", [CityscapesDataset, CityscapesCDataset])
def test_the_sets_build_the_checked_form(kind):
    cell = {"corruption": "clean", "severity": 0} if kind is CityscapesCDataset else {}
    steps = [{"type": "LoadImageFromFile", "to_float32": True}, {"type": "LoadAnnotations", "imdecode_backend": "cv2"}]
    image, labels = kind(pipeline=steps, lazy_init=True, **cell).pipeline.transforms
    assert (type(image), type(labels)) == (LoadImageFromFile, LoadSegAnnotations)
    assert (image.to_float32, labels.imdecode_backend) == (True, "cv2")


def test_both_spellings_of_a_set_are_one_run_and_other_sets_are_what_they_were():
    sets = [
        {"type": kind, "pipeline": steps}
        for kind in ("mmfan.CityscapesDataset", CityscapesCDataset)
        for steps in (PLAIN, CHECKED)
    ]
    wrapped = {"type": "ConcatDataset", "datasets": sets}
    hashes = [config_hash({}, [steps]) for steps in pipelines_of(wrapped)]
    assert hashes == [config_hash({}, [CHECKED])] * 4
    for kind in ("CityscapesDataset", "mmseg.CityscapesDataset", None):
        assert pipelines_of({"type": kind, "pipeline": PLAIN}) == [PLAIN]
