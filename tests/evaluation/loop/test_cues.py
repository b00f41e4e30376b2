"""Cues in RobustnessLoop: the same pictures and scores as in ``judge``, resumed, in loading processes."""

from pathlib import Path

import numpy as np
import pytest
from helpers.known_predictions import label_by_colour
from helpers.known_segmentor import KNOWN
from helpers.tiny_robustness import make_runner, write_parts
from PIL import Image

from mmfan import SegmentationData
from mmfan import judge as judge_anything
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.change import NoLabelMapError
from mmfan.evaluation.judging.asked_cues import asked_cues
from mmfan.evaluation.loop.loading.by_truth import TruthChanges
from mmfan.evaluation.loop.loading.decoded import loads_labels
from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.results.store import ResultsStore, key_of

pytestmark = pytest.mark.slow
SETTINGS = {"area": 64}
WANTED = asked_cues(settings=SETTINGS)
COUNT = 3


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"), COUNT, KNOWN)


def loop_of(parts, results=None, **more):
    results = None if results is None else str(results)
    return make_runner(*parts, parts[0].parent / "work", results=results, **{"protocol": WANTED, **more})


def judged(parts, results, **more):
    runner = loop_of(parts, results, **more)
    runner.test()
    return runner, {str(key_of(record)[1]): record for record in ResultsStore(results).records()}


@pytest.fixture(scope="module")
def plain(parts, tmp_path_factory):
    return judged(parts, tmp_path_factory.mktemp("plain") / "r.jsonl")[1]


def pictures_given(loop):
    """What the pipeline gives the model under each cell, RGB, and the maps of textures."""
    found = {}
    for number, cell in enumerate(loop.cells):
        samples = [loop.dataloader.dataset[number, picture] for picture in range(COUNT)]
        images = [sample["inputs"].numpy().transpose(1, 2, 0)[..., ::-1] for _, sample in samples]
        found[str(cell)] = np.stack(images), [note.textures for note, _ in samples]
    return found


def test_both_drivers_give_a_model_the_same_and_count_the_same(parts, plain, tmp_path):
    root = Path(parts[0].parent / "data")
    data = SegmentationData.cityscapes(root)
    seen = []

    def predict(rgb):
        seen.append(rgb.copy())
        return np.zeros(rgb.shape[:2], int)

    judge_anything(predict, data, WANTED, workers=0, verbose=False)
    given = pictures_given(loop_of(parts).test_loop)
    assert list(given) == list(plain)
    for at, (name, (images, _)) in enumerate(given.items()):
        assert np.array_equal(images, np.stack(seen[1 + at * COUNT : 1 + (at + 1) * COUNT])), name
    results = tmp_path / "r.jsonl"
    judge_anything(label_by_colour, data, WANTED, results, workers=0, verbose=False)
    for record in ResultsStore(results).records():
        own = plain[str(key_of(record)[1])]
        assert record["metrics"] == own["metrics"]
        assert record["per_class"] == own["per_class"]
        assert record.get("condition") == own.get("condition")
    assert set(plain["texture_swap 1"]["metrics"]) >= {"mIoU", "shape_bias", "by_neither"}
    assert 0 < plain["texture_swap 1"]["metrics"]["by_texture"] < 1


def test_the_cache_and_loading_processes_change_nothing(parts, plain, tmp_path):
    _, alone = judged(parts, tmp_path / "r.jsonl", cache=0)
    _, both = judged(parts, tmp_path / "w.jsonl", workers=2)
    for other in (alone, both):
        assert {name: one["metrics"] for name, one in other.items()} == {
            name: one["metrics"] for name, one in plain.items()
        }


def test_a_run_goes_on_where_it_was_killed(parts, plain, tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    for name in ("clean", "texture_swap 1", "shape_remove 1"):
        store.settle({key: value for key, value in plain[name].items() if key != "counts"})
    runner, records = judged(parts, store.path)
    assert runner.test_loop.shares["forward"] > 0
    assert len(records) == 8
    assert {name: one["metrics"] for name, one in records.items()} == {
        name: one["metrics"] for name, one in plain.items()
    }


def test_pictures_are_kept_and_labels_stay(parts, tmp_path):
    runner, _ = judged(
        parts, tmp_path / "r.jsonl", pictures=1, protocol=asked_cues(["texture_remove", "texture_swap"], SETTINGS)
    )
    kept = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")]
    assert sum("texture_remove" in name for name in kept) == sum("texture_swap" in name for name in kept) == 2, kept
    dataset = runner.test_loop.dataloader.dataset
    clean, changed = (dataset[number, 0][1]["data_samples"].gt_sem_seg.data for number in (0, 1))
    assert bool((clean == changed).all())
    label = next((parts[0].parent / "data" / "gtFine" / "val").rglob("*.png"))
    assert np.array_equal(clean[0].numpy(), np.asarray(Image.open(label)))


def test_a_pipeline_without_label_maps_is_refused(parts):
    loop = loop_of(parts, protocol={"corruptions": ["fog"], "severities": [1]}).test_loop
    dataset = loop.clean_dataset
    steps = dataset.pipeline.transforms
    steps[:] = [step for step in steps if not loads_labels(step)]
    cells = get_protocol(WANTED).judged
    with pytest.raises(NoLabelMapError, match="whose pipeline loads no label map: it is done within the segments"):
        TruthChanges(dataset, cells, loop.chosen.numbers, loop.chosen.names, 0)


def test_decisions_of_several_processes_are_one_sum(monkeypatch):
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    from mmfan.evaluation.loop import cue_decisions
    from mmfan.evaluation.loop.loading.stream import SampleNote

    monkeypatch.setattr(cue_decisions, "all_gather_object", lambda own: [own, [np.array([[0, 5, 0], [0, 0, 0]])]])
    decisions = cue_decisions.CueDecisions(("a", "b"))
    sample = SegDataSample(pred_sem_seg=PixelData(data=_map([[0, 1, 1]])), gt_sem_seg=PixelData(data=_map([[0, 0, 1]])))
    swapped = SampleNote(1, 0, 0.0, 0.0, 0.0, textures=np.array([[1, 1, 255]], np.uint8))
    decisions.take([swapped, swapped._replace(textures=None)], [sample, sample])
    assert sum(decisions.of_all()).tolist() == [[1, 6, 0], [0, 0, 0]]
    assert sum(decisions.of_all()).tolist() == [[0, 5, 0], [0, 0, 0]]  # those of before are forgotten
    with pytest.raises(MMFanError, match="lacks `pred_sem_seg`"):
        decisions.take([swapped], [SegDataSample()])


def _map(values):
    import torch

    return torch.tensor([values])


def test_detectors_are_refused(tmp_path):
    pytest.importorskip("mmdet")
    from helpers.tiny_retinanet import write_detector

    from mmfan import CocoData

    parts = write_detector(tmp_path)
    with pytest.raises(
        MMFanError, match=r"texture_swap.* cannot be done to CocoDataset, whose pipeline loads no label"
    ):
        _ = make_runner(*parts, tmp_path / "work", protocol=WANTED).test_loop
    data = CocoData(tmp_path / "val2017", tmp_path / "instances.json")
    with pytest.raises(NoLabelMapError, match="pictures with objects or classes have not"):
        judge_anything(lambda rgb: {}, data, WANTED, workers=0, verbose=False)
