"""What a training pipeline shows of the tests: by step, as a union, and beyond FAN's own recipe."""

import sys

import mmengine.registry
import pytest
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

import mmfan.registry
from mmfan.apis import load_config
from mmfan.corruptions import BUILT_IN
from mmfan.datasets.augmentations import overlap_of, overlaps_of_step
from mmfan.datasets.augmentations.overlaps import FOREIGN, check_still, hooks_that_show
from mmfan.errors import MMFanError

PHOTOMETRIC = ("brightness", "contrast", "saturate")
STEPS = [
    {"type": "LoadImageFromFile"},
    {
        "type": "RandomChoice",
        "transforms": [[{"type": "PhotoMetricDistortion"}], [{"type": "RandomFlip", "prob": 1.0}]],
    },
    {"type": "mmfan.AugMix", "ops": ["posterize"]},
    {"type": "mmfan.Corrupt", "corruption": ["fog", "noise"], "severity": 1, "seed": None},
    {"type": "PackSegInputs"},
]


@pytest.mark.parametrize("built", [False, True])
def test_the_union_of_nested_steps(built):
    with DefaultScope.overwrite_default_scope("mmseg"):
        found = overlap_of(Compose(STEPS) if built else STEPS)
    noises = ("gaussian_noise", "shot_noise", "impulse_noise")
    assert found.types == (*noises, "fog", "brightness", "contrast", "speckle_noise", "saturate")
    assert found.by_step == {
        "PhotoMetricDistortion": PHOTOMETRIC,
        "Corrupt": (*noises, "fog", "speckle_noise"),
    }
    assert found.added == (*noises, "fog", "speckle_noise")
    assert found.unknown == ()


def test_the_recipe_of_fan_adds_nothing_to_itself():
    found = overlap_of(load_config("fan_segformer_cityscapes").train_pipeline)
    assert (found.types, found.added, found.unknown) == (PHOTOMETRIC, (), ())


@pytest.mark.parametrize("name", ["fan_segformer_mini", "fan_segformer_camvid", "fan_mask_rcnn_mini",
                                  "fan_cascade_rcnn_bccd", "fan-t-hybrid_mask-rcnn_fpn_8xb2-36e_coco"])  # fmt: skip
def test_every_step_of_the_shipped_configs_is_known(name):
    loader = load_config(name).train_dataloader.dataset
    while "pipeline" not in loader:
        loader = loader.dataset
    assert overlap_of(loader.pipeline).unknown == ()


def test_steps_that_nobody_knows_are_told():
    found = overlap_of([{"type": "Albu", "transforms": []}, {"type": "some.FancyBlur"}])
    assert found.unknown == ("Albu", "FancyBlur")


def test_users_declare_theirs():
    class Rain:
        overlaps = frozenset({"snow", "drizzle"})

    class Wrong:
        overlaps = "snow"

    assert overlap_of([Rain()]).types == ("snow", "drizzle")
    with pytest.raises(MMFanError, match="`overlaps` of Wrong to be names"):
        overlaps_of_step(Wrong())


@pytest.mark.parametrize("name", ["AutoAugment", "RandAugment"])
def test_policies_are_looked_at_one_by_one(name):
    key = {"AutoAugment": "policies", "RandAugment": "aug_space"}[name]
    assert overlap_of([{"type": name, key: [[{"type": "Color"}, {"type": "Rotate"}]]}]).types == ("saturate",)
    assert {*PHOTOMETRIC, "gaussian_blur"} <= set(overlap_of([{"type": name}]).types)


@pytest.mark.parametrize(("registry", "kind"), [("mmengine", "Sleet"), ("mmfan", "Sleet"), ("mmfan", "mmfan.Sleet")])
def test_a_registered_step_of_ones_own_is_known_before_it_is_built(registry, kind):
    class Sleet:
        overlaps = frozenset({"snow"})

        def __init__(self, file):
            raise FileNotFoundError(file)

    home = {"mmengine": mmengine.registry.TRANSFORMS, "mmfan": mmfan.registry.TRANSFORMS}[registry]
    home.register_module(module=Sleet)
    try:
        assert overlaps_of_step({"type": kind, "file": "nowhere"}) == ("Sleet", {"snow"})
        assert overlaps_of_step({"type": Sleet, "file": "nowhere"}) == ("Sleet", {"snow"})
        assert overlaps_of_step({"type": "other.Sleet"}) == ("Sleet", None)
    finally:
        del home.module_dict["Sleet"]


def test_classes_are_known_as_their_names_are():
    from mmcv.transforms import RandomFlip
    from mmseg.datasets.transforms import PhotoMetricDistortion, RandomCrop

    from mmfan.datasets.augmentations import AugMix, Views
    from mmfan.datasets.transforms import Corrupt

    steps = [
        {"type": RandomCrop, "crop_size": (8, 8)},
        {"type": RandomFlip},
        {"type": PhotoMetricDistortion},
        {"type": Corrupt, "corruption": "fog", "severity": 1},
        {"type": Views, "views": 2, "steps": [{"type": AugMix}]},
    ]
    found = overlap_of(steps)
    assert found.by_step == {"PhotoMetricDistortion": PHOTOMETRIC, "Corrupt": ("fog",), "Views": ("contrast",)}
    assert found.unknown == ()
    names = ["mmseg.datasets.transforms.transforms.RandomCrop", "mmfan.datasets.augmentations.masking.MaskBlocks"]
    assert overlap_of([{"type": name} for name in names]).types == ("checkerboard_cutout",)
    with pytest.raises(MMFanError, match=r"as mmseg\.datasets\.transforms\.transforms\.RandomCrop would"):
        check_still("It", steps[:1])


def test_a_step_of_ones_own_by_its_path(monkeypatch):
    class Sleet:
        overlaps = frozenset({"snow"})

    monkeypatch.setattr(sys.modules[__name__], "Sleet", Sleet, raising=False)
    assert overlaps_of_step({"type": f"{__name__}.Sleet"}) == ("Sleet", {"snow"})


def test_hooks_that_show_are_asked_for_by_their_class():
    from mmfan.training.hooks.amplitude_hook import AmplitudeMixHook

    class Rain:
        overlaps = frozenset({"snow"})

        def __init__(self):
            raise NotImplementedError

    hooks = [{"type": "EMAHook"}, {"type": "mmfan.AmplitudeMixHook"}, {"type": "mmfan.FeatureAugmentHook"}, {}]
    assert hooks_that_show([*hooks, {"type": Rain}]) == [AmplitudeMixHook, Rain]
    assert overlap_of([], more=hooks_that_show(hooks)).by_step == {"AmplitudeMixHook": PHOTOMETRIC}


def test_a_step_may_show_more_than_its_class_says():
    class Drizzle:
        overlaps = frozenset({"snow"})

        def __init__(self):
            self.overlaps = frozenset({"snow", "spatter"})

    assert overlaps_of_step(Drizzle()) == ("Drizzle", {"snow", "spatter"})


def test_the_files_of_a_step_need_not_be_here():
    step = {"type": "mmfan.AmplitudeMix", "styles": "nowhere"}
    assert overlaps_of_step(step) == ("AmplitudeMix", {"brightness", "contrast", "saturate"})


def test_names_are_those_of_the_tests():
    assert {name for types in FOREIGN.values() for name in types} <= set(BUILT_IN)


def test_in_the_types_of_json():
    assert overlap_of([{"type": "CLAHE"}, {"type": "Odd"}]).to_dict() == {
        "overlaps": ["contrast"], "added": [], "by_step": {"CLAHE": ["contrast"]}, "unknown": ["Odd"],
    }  # fmt: skip
