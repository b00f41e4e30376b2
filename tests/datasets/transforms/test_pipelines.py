"""Finding the loading step and the packing steps."""

from types import SimpleNamespace

import pytest

from mmfan.datasets.transforms.pipelines import (
    carry_meta_keys,
    check_uncorrupted,
    corrupts,
    loads_picture,
    place_of_loading,
    walk,
)


def step(name, **attributes):
    return type(name, (), attributes)()


def pipeline(*steps):
    return SimpleNamespace(transforms=list(steps))


LOADING = [
    "LoadImageFromFile",
    "LoadImageFromNDArray",
    "LoadImageFromWebcam",
    "LoadMultiChannelImageFromFiles",
    "LoadSingleRSImageFromFile",
    "LoadBiomedicalImageFromFile",
]


def test_what_loads_a_picture():
    assert all(loads_picture(step(name)) for name in LOADING)
    assert not any(loads_picture(step(name)) for name in ("LoadAnnotations", "LoadSegAnnotations", "Resize", "Loader"))


def test_the_place_of_the_loading_step():
    assert place_of_loading(pipeline(step("LoadAnnotations"), step("LoadImageFromFile"), step("Resize"))) == 1


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "got 0: no step at all"),
        (["Resize"], "got 0: Resize"),
        (["LoadImageFromFile", "LoadImageFromFile"], "got 2: LoadImageFromFile, LoadImageFromFile"),
    ],
)
def test_no_single_loading_step(steps, said):
    with pytest.raises(ValueError, match=rf"Expected one step in the pipeline that loads .*, {said}"):
        place_of_loading(pipeline(*map(step, steps)))


def test_nested_steps_are_found():
    inner = step("Corrupt")
    for outer in (
        step("RandomChoice", transforms=[pipeline(step("A")), pipeline(inner)]),
        step("TestTimeAug", subroutines=[pipeline(inner)]),
    ):
        assert inner in list(walk(pipeline(step("LoadImageFromFile"), outer)))
        with pytest.raises(ValueError, match="this set does: pictures would be corrupted twice"):
            check_uncorrupted(pipeline(outer), "this set does")
    check_uncorrupted(pipeline(step("LoadImageFromFile"), step("Resize", transforms=None)), "nobody")


def test_subclasses_corrupt_too():
    base = type("Corrupt", (), {})
    assert corrupts(type("MyCorrupt", (base,), {})())
    assert not corrupts(step("CorruptionReport"))


def test_meta_keys_of_packing_steps_only():
    pack, other = step("PackSegInputs", meta_keys=("img_path", "corruption")), step("Collect", meta_keys=("a",))
    carry_meta_keys(pipeline(step("TestTimeAug", subroutines=[pipeline(pack)]), other), ("corruption", "severity"))
    assert pack.meta_keys == ("img_path", "corruption", "severity")
    assert other.meta_keys == ("a",)
