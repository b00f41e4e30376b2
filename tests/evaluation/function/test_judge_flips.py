"""Flips in ``judge``: against predictions made by hand, resumed, reported, and what is refused."""

import json

import numpy as np
import pytest
from helpers.tiny_pictures import CLASSES, PROTOCOL, by_brightness, write_folders

from mmfan import SegmentationData, judge
from mmfan.corruptions import corrupt, picture_seed
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.items import read_picture
from mmfan.evaluation.results.store import ResultsStore

QUICK = {"protocol": PROTOCOL, "workers": 0, "verbose": False, "flips": True}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data")), CLASSES, name="street")


def by_hand(data):
    """Changed pixels of each step: contrast 0 -> 1 -> 5, brightness likewise."""
    found = {}
    for name in ("contrast", "brightness"):
        for before, after in ((0, 1), (1, 5)):
            changed = 0
            for number in range(len(data)):
                item = data.item(number)
                seen = [
                    read_picture(item) if not at else
                    corrupt(read_picture(item), name, at, picture_seed(0, item.name, name, at))
                    for at in (before, after)
                ]  # fmt: skip
                changed += int(np.count_nonzero(by_brightness(seen[0]) != by_brightness(seen[1])))
            found[name, after] = changed
    return found


@pytest.mark.parametrize("batch_size", [1, 2])
def test_they_are_those_of_plain_predictions(batch_size, data, tmp_path):
    predict = by_brightness if batch_size == 1 else lambda pictures: [by_brightness(one) for one in pictures]
    found = judge(predict, data, results=tmp_path / "r.jsonl", batch_size=batch_size, **QUICK)
    plain = judge(predict, data, results=tmp_path / "plain.jsonl", batch_size=batch_size, **{**QUICK, "flips": False})
    expected = by_hand(data)
    assert {(one["corruption"], one["severity"]): one["flips"]["changed"] for one in found.records[1:]} == expected
    assert len(set(expected.values())) == 4
    assert {one["flips"]["compared"] for one in found.records[1:]} == {3 * 40 * 48}
    assert "flips" not in found.records[0]
    assert not any("flips" in record for record in plain.records)
    assert [one["metrics"] for one in found.records] == [one["metrics"] for one in plain.records]
    assert found.records[0]["metric_hash"] != plain.records[0]["metric_hash"]


def test_a_killed_run_judges_what_it_compares_with_again(data, tmp_path):
    path, seen = tmp_path / "r.jsonl", []
    whole = judge(by_brightness, data, results=path, **QUICK)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]))  # clean and contrast 1

    def predict(picture):
        seen.append(picture)
        return by_brightness(picture)

    again = judge(predict, data, results=path, **QUICK)
    assert [one["flips"] for one in again.records[1:]] == [one["flips"] for one in whole.records[1:]]
    assert len(seen) == 1 + 3 * 5  # the one that is tried; clean and contrast 1 anew, then three cells
    assert len(ResultsStore(path).records()) == 5
    seen.clear()
    judge(predict, data, results=path, **QUICK)
    assert len(seen) == 1


def test_the_report_shows_them(data, tmp_path):
    found = judge(by_brightness, data, results=tmp_path / "r.jsonl", **QUICK)
    report = found.report(tmp_path / "r.md")
    expected = {key: changed / (3 * 40 * 48) for key, changed in by_hand(data).items()}
    flips = report.models[0].flips
    assert flips.by_corruption["contrast"] == pytest.approx((expected["contrast", 1] + expected["contrast", 5]) / 2)
    assert flips.overall == pytest.approx(sum(expected.values()) / 4)
    text = (tmp_path / "r.md").read_text()
    assert "## Flip consistency" in text
    assert f"| mean of types | {100 * flips.overall:.1f} |" in text.replace("  ", " ").replace("**", "")
    found.report(tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text())["models"][0]["flips"] == json.loads(
        json.dumps(flips.to_dict())
    )


def test_what_is_refused(data, tmp_path):
    with pytest.raises(MMFanError, match="a severity below: leave `shard` out"):
        judge(by_brightness, data, results=tmp_path / "r.jsonl", shard="1/2", **QUICK)
