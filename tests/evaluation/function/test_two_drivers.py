"""The same predictions through OpenMMLab's loop and through ``judge``: equal records, to the last digit."""

import numpy as np
import pytest

pytest.importorskip("mmseg")
from helpers.known_predictions import Peeker, label_by_colour
from helpers.tiny_robustness import CELLS, PROTOCOL, write_parts
from helpers.tiny_robustness import judge as judge_by_loop

from mmfan import CocoData, SegmentationData, judge
from mmfan.evaluation.results.store import ResultsStore

pytestmark = [pytest.mark.slow, pytest.mark.process]
SAME = ("metrics", "per_class", "classes", "dataset", "seed", "pictures", "contents_hash", "source", "protocol")


def by_cell(results):
    return {(one["corruption"], one["severity"]): one for one in ResultsStore(results).records()}


def check(results, expected, same):
    found = by_cell(results)
    assert list(found) == CELLS == list(expected)
    for cell, record in found.items():
        for part in same:
            assert record.get(part) == expected[cell].get(part), (cell, part)
        assert record["versions"].get("corruption") == expected[cell]["versions"].get("corruption")
    return found


def check_counts(results, records, other, expected):
    for cell, record in records.items():
        own, theirs = ResultsStore(results).read_counts(record), ResultsStore(other).read_counts(expected[cell])
        assert (own.counts == theirs.counts).all()
        assert (own.pictures, own.classes) == (theirs.pictures, theirs.classes)


@pytest.mark.parametrize("workers", [0, 2])
def test_label_maps(tmp_path, workers):
    from helpers.known_segmentor import KNOWN

    config, checkpoint = write_parts(tmp_path / "parts", more=KNOWN)
    scores, expected = judge_by_loop(config, checkpoint, tmp_path / "loop.jsonl", seed=3)
    data = SegmentationData.cityscapes(tmp_path / "parts/data")
    found = judge(
        label_by_colour, data, PROTOCOL, tmp_path / "own.jsonl", "known", seed=3, workers=workers, verbose=False
    )
    records = check(tmp_path / "own.jsonl", expected, (*SAME, "truth_hash"))
    check_counts(tmp_path / "own.jsonl", records, tmp_path / "loop.jsonl", expected)
    assert len({record["metrics"]["mIoU"] for record in records.values()}) == len(CELLS)
    assert {f"{part}/mIoU": getattr(found, part) for part in ("clean", "corrupted", "retention")} == {
        name: scores[name] for name in ("clean/mIoU", "corrupted/mIoU", "retention/mIoU")
    }


def test_a_network_of_torch(tmp_path):
    """A FAN segmentor: the module itself, called with a picture at a time."""
    from mmfan.apis import init_model, predict

    config, checkpoint = write_parts(tmp_path / "parts")
    _, expected = judge_by_loop(config, checkpoint, tmp_path / "loop.jsonl")
    model = init_model(config, checkpoint, device="cpu")
    judge(
        lambda rgb: predict(model, np.ascontiguousarray(rgb[..., ::-1])),
        SegmentationData.cityscapes(tmp_path / "parts/data"),
        PROTOCOL,
        tmp_path / "own.jsonl",
        workers=1,
        verbose=False,
    )
    records = check(tmp_path / "own.jsonl", expected, SAME)
    check_counts(tmp_path / "own.jsonl", records, tmp_path / "loop.jsonl", expected)


def test_objects(tmp_path):
    pytest.importorskip("mmdet")
    from helpers.known_detector import KNOWN
    from helpers.tiny_mask_rcnn import write_coco_tree, write_detector_checkpoint, write_detector_config

    tree = write_coco_tree(tmp_path / "coco", train=1, val=3)
    config = write_detector_config(tmp_path / "tiny.py", tree, KNOWN.format(root=tree.as_posix()))
    checkpoint = write_detector_checkpoint(tmp_path / "tiny.pth", config)
    scores, expected = judge_by_loop(config, checkpoint, tmp_path / "loop.jsonl")
    annotations = tree / "annotations/instances_val2017.json"
    data = CocoData(tree / "val2017", annotations, masks=True)
    peek = Peeker(tree / "val2017", annotations)
    found = judge(
        lambda pictures: [peek(rgb) for rgb in pictures], data, PROTOCOL, tmp_path / "own.jsonl",
        batch_size=2, workers=1, verbose=False,
    )  # fmt: skip
    records = check(tmp_path / "own.jsonl", expected, SAME)
    assert 0 < records["contrast", 5]["metrics"]["segm_mAP"] < 1
    assert len({record["metrics"]["bbox_mAP"] for record in records.values()}) == len(CELLS)
    assert found.metric == "bbox_mAP"
    assert found.retention == scores["retention/bbox_mAP"]
    assert found.summary_of("segm_mAP").retention == scores["retention/segm_mAP"]
