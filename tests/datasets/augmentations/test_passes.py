"""Seeds a picture and pass: the same pictures in the same order for any number of loading processes and ranks."""

import copy
import pickle
from collections import Counter

import numpy as np
import pytest
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.registry import DATA_SAMPLERS, TRANSFORMS, DefaultScope
from mmengine.runner import Runner

from mmfan.apis import load_config
from mmfan.datasets import augmentations
from mmfan.datasets.augmentations import passes
from mmfan.datasets.augmentations.passes import NumberInPass, PassSampler, SeedByPicture
from mmfan.errors import ConfigError, MMFanError
from mmfan.training.recipes import apply_recipes

# every augmentation of pictures, each of which acts on most of them
AUGMENTATIONS = [
    {"type": "mmfan.AugMix", "severity": 3, "geometry": True},
    {"type": "mmfan.AmplitudeMix", "mode": "apr", "prob": 0.5},
    {"type": "mmfan.AmplitudeMix", "beta": 0.05, "prob": 0.8},
    {"type": "mmfan.FourierWave", "strength": 1.0, "prob": 0.8},
    {"type": "mmfan.PaintByNumbers", "alpha": 0.3, "prob": 0.8},
    {"type": "mmfan.RandomFilter", "sigma": 0.2},
    {"type": "mmfan.SmoothColour", "temperature": 1e-3},
    {"type": "mmfan.SwapTextures", "area": 8, "prob": 0.8},
    {"type": "mmfan.MaskBlocks", "block": 8, "ratio": 0.3, "prob": 0.8},
]
LOADING = {"LoadImageFromFile", "LoadSegAnnotations"}
INFINITE = {"type": "InfiniteSampler", "shuffle": True}
STEPS = [
    {"type": "mmfan.SeedByPicture", "seed": 0},
    {"type": "mmfan.LoadImageFromFile"},
    {"type": "mmfan.LoadSegAnnotations"},
    {"type": "RandomCrop", "crop_size": (32, 48)},
    {"type": "RandomFlip", "prob": 0.5},
    {"type": "PhotoMetricDistortion"},
    *AUGMENTATIONS,
    {"type": "mmfan.Views", "views": 2, "prob": 0.5, "steps": [{"type": "mmfan.AugMix"}]},
    {"type": "PackSegInputs"},
]


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passes")
    cfg = load_config(write_config(folder / "tiny.py", write_tree(folder / "data"))).train_dataloader
    cfg.dataset.pipeline = STEPS
    cfg.sampler = {"type": "mmfan.PassSampler", "sampler": INFINITE}
    return cfg


def drawn(loader, workers, count=8, scope="mmseg", **changes):
    config = copy.deepcopy(loader)
    config.update(num_workers=workers, persistent_workers=False, **changes)
    with DefaultScope.overwrite_default_scope(scope):
        batches = iter(Runner.build_dataloader(config, seed=0))
    return [picture.numpy() for _ in range(count // 2) for picture in next(batches)["inputs"]]


def test_every_augmentation_is_drawn_here():
    steps = {name for name in augmentations.__all__ if hasattr(getattr(augmentations, name), "transform")}
    assert steps == {step["type"].removeprefix("mmfan.") for step in STEPS if "mmfan." in step["type"]} - LOADING | {
        "OAMix"
    }


@pytest.mark.process
@pytest.mark.slow
def test_any_number_of_processes_gives_the_same_pictures(loader):
    alone = drawn(loader, 0, 16)
    for workers in (1, 3):
        for one, other in zip(alone, drawn(loader, workers, 16), strict=True):
            assert np.array_equal(one, other)
    assert len({picture.tobytes() for picture in alone}) == 16  # 6 pictures: no pass repeats another
    again = drawn(loader, 0, 16, dataset={**loader.dataset, "pipeline": [{**STEPS[0], "seed": 1}, *STEPS[1:]]})
    assert not any(np.array_equal(one, other) for one, other in zip(alone, again, strict=True))


@pytest.mark.process
@pytest.mark.slow
def test_any_number_of_processes_gives_a_detector_the_same_pictures(tmp_path):
    pytest.importorskip("mmdet")
    from helpers.tiny_mask_rcnn import write_coco_tree, write_detector_config

    cfg = load_config(write_detector_config(tmp_path / "det.py", write_coco_tree(tmp_path / "data")))
    apply_recipes(cfg, ["oamix", "fda"])
    alone, three = (drawn(cfg.train_dataloader, workers, scope="mmdet") for workers in (0, 3))
    assert all(np.array_equal(one, other) for one, other in zip(alone, three, strict=True))
    assert len({picture.tobytes() for picture in alone}) == 8  # 4 pictures, twice


def numbers(sampler, count):
    walk = iter(sampler)
    return [next(walk) for _ in range(count)]


def test_passes_of_an_endless_order_are_counted():
    order = PassSampler(range(5), INFINITE, seed=0)
    taken = numbers(order, 15)
    assert Counter(number.turn for number in taken) == {(0,): 5, (1,): 5, (2,): 5}
    for turn in range(3):
        assert sorted(taken[5 * turn : 5 * turn + 5]) == list(range(5))
    plain = numbers(DATA_SAMPLERS.build(INFINITE, default_args={"dataset": range(5), "seed": 0}), 15)
    assert taken == plain


def test_passes_do_not_depend_on_the_number_of_ranks(monkeypatch):
    whole = [(int(number), number.turn) for number in numbers(PassSampler(range(5), INFINITE, seed=0), 14)]
    parts = []
    for rank in (0, 1):
        monkeypatch.setattr(passes, "get_dist_info", lambda rank=rank: (rank, 2))
        monkeypatch.setattr("mmengine.dataset.sampler.get_dist_info", lambda rank=rank: (rank, 2))
        parts.append([(int(number), number.turn) for number in numbers(PassSampler(range(5), INFINITE, seed=0), 7)])
    assert [one for pair in zip(*parts, strict=True) for one in pair] == whole


def test_orders_with_epochs_tell_theirs():
    order = PassSampler(range(5), {"type": "DefaultSampler", "shuffle": True}, seed=0)
    for epoch in (0, 3):
        order.set_epoch(epoch)
        assert {number.turn for number in order} == {(epoch,)}
    assert len(order) == 5


def test_winding_forward_keeps_the_count():
    order = PassSampler(range(5), INFINITE, seed=0)
    if not hasattr(order.sampler, "skip"):
        assert not hasattr(order, "skip")
        pytest.skip("this mmengine winds forward by loading")
    order.skip(7)
    rest = numbers(order, 5)
    whole = numbers(PassSampler(range(5), INFINITE, seed=0), 12)[7:]
    assert [(int(one), one.turn) for one in rest] == [(int(one), one.turn) for one in whole]


def test_numbers_are_ints_that_travel():
    number = pickle.loads(pickle.dumps(NumberInPass(7, (2,))))
    assert (number, number.turn, [10, 20, 30, 40, 50, 60, 70, 80][number]) == (7, (2,), 80)
    assert (NumberInPass(2, (0,)) % 5).turn != (NumberInPass(7, (0,)) % 5).turn


class Shown(BaseDataset):
    """A set that shows the number it is asked for."""

    def __init__(self, size):
        super().__init__(lazy_init=True)
        self.size, self._fully_initialized = size, True

    def full_init(self):
        pass

    def __len__(self):
        return self.size

    def __getitem__(self, number):
        return int(number), getattr(number, "turn", None)


def test_sets_made_of_others_keep_the_pass():
    repeated = RepeatDataset(Shown(3), times=4)
    assert [repeated[NumberInPass(number, (1,))] for number in (1, 4)] == [(1, (1, 0)), (1, (1, 1))]
    joined = ConcatDataset([Shown(3), Shown(3)], lazy_init=True)
    joined.cumulative_sizes = [3, 6]
    joined._fully_initialized = True
    assert joined[NumberInPass(4, (2,))] == (1, (2,))


def test_generators_depend_on_seed_picture_and_pass_alone():
    def draw(seed=0, name="a/b.png", turn=(0,)):
        step = TRANSFORMS.build({"type": "mmfan.SeedByPicture", "seed": seed, "root": "a"})
        step({"img_path": name, "sample_idx": NumberInPass(0, turn)})
        return np.random.random_sample()

    assert draw() == draw()
    assert len({draw(), draw(seed=1), draw(name="a/c.png"), draw(turn=(1,)), draw(turn=(0, 1))}) == 5


def test_a_picture_in_the_place_of_a_dropped_one_is_of_its_pass():
    """A dataset of mmengine draws its number anew, as a plain int; the draws are the same for any process."""

    class Set(BaseDataset):
        def load_data_list(self):
            return [{"img_path": f"{number}.png"} for number in range(9)]

    def drops(results):
        dropped = results["img_path"][0] in "2468"
        return None if dropped else {**results, "drawn": np.random.random_sample()}

    def made():
        return Set(pipeline=[SeedByPicture(seed=3), drops])

    def told(sample):
        return sample["img_path"], sample["drawn"]

    order = [NumberInPass(number, (turn,)) for turn in (0, 1) for number in range(9)]
    one = made()
    forwards = {(int(at), at.turn): told(one[at]) for at in order}
    other = made()
    backwards = {(int(at), at.turn): told(other[at]) for at in reversed(order)}
    assert forwards == backwards
    assert len({drawn for _, drawn in forwards.values()}) == 18
    assert all(path[0] not in "2468" for path, _ in forwards.values())


def test_an_unknown_pass_is_an_error():
    with pytest.raises(MMFanError, match=r"wrap the sampler.*mmfan\.PassSampler"):
        SeedByPicture().transform({"img_path": "a.png", "sample_idx": 3})
    for sampler in (None, {"type": None}):
        with pytest.raises(ConfigError, match="hands on the order of another sampler"):
            PassSampler(range(5), sampler)
