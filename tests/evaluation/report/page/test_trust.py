"""What the numbers stand on: worked out from the records, and said to be unknown where they do not tell."""

import os

import pytest
from helpers.html_tree import tree
from helpers.small_results import PROTOCOL, records, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.page.trust import UNKNOWN, linked, trust

DAY = 1_790_000_000  # 2026-09-21
KNOWN = {
    "config_hash": "c" * 16, "checkpoint_hash": "d" * 64, "seed": 7, "pictures": "500-0f3a0f3a0f3a0f3a",
    "contents_hash": "e" * 16, "truth_hash": "f" * 16, "metric_hash": "a" * 16, "precision": "bfloat16",
    "source": "fly", "seconds": 30.0, "versions": {"mmfan": "0.2.0", "torch": "2.13.0", "corruption": "1"},
}  # fmt: skip


def facts(tmp_path, *groups, protocol=PROTOCOL):
    path = write(tmp_path / "a.jsonl", *groups)
    os.utime(path, (DAY, DAY))
    shown = tree(trust(build_report(read_runs([path]), protocol)))
    first, folded = shown.all("dl")
    return {
        **{entry.one("dt").text: entry.one("dd") for entry in first.all("div")},
        **{f"hash: {entry.one('dt').text}": entry.one("dd") for entry in folded.all("div")},
    }


def test_all_that_is_known(tmp_path):
    found = {title: value.text for title, value in facts(tmp_path, records(**KNOWN)).items()}
    assert found == {
        "protocol": "small (3 cells beside the clean pictures, 2 types; mean over the severities of a type, then over "
        "the types); worked by hand. Comparable with papers that name the same protocol.",
        "data set": "cityscapes",
        "pictures": "500 (hash of their names 0f3a0f3a0f3a0f3a)",
        "seed of the corruptions": "7",
        "corrupted pictures": "made on the fly, while the model was judged",
        "checkpoint": f"SHA-256 {'d' * 16}…",
        "precision": "bfloat16",
        "judged on": "not recorded; results file last written 2026-09-21",
        "time": "2 min 0 s for 4 cells",
        "versions": "mmfan 0.2.0, torch 2.13.0, corruptions 1",
        "hash: checkpoint": "d" * 64,
        "hash: config": "c" * 16,
        "hash: contents of the pictures": "e" * 16,
        "hash: labels or annotations": "f" * 16,
        "hash: metric and classes": "a" * 16,
    }


def test_four_keys_alone(tmp_path):
    found = facts(tmp_path, records())
    unknown = {title for title, value in found.items() if value.text == UNKNOWN}
    assert unknown == set(found) - {"protocol", "data set", "judged on"}


def test_models_that_differ_are_named(tmp_path):
    found = facts(tmp_path, records("a", **{**KNOWN, "source": "disk"}), records("b", **KNOWN), records("c", **KNOWN))
    assert [item.text for item in found["corrupted pictures"].all("li")] == [
        "a: read from a corrupted set on disk", "b, c: made on the fly, while the model was judged",
    ]  # fmt: skip
    assert found["seed of the corruptions"].text == "7"


def test_cells_by_several_versions_and_both_doors(tmp_path):
    mixed = records(**KNOWN)
    mixed[1] |= {"versions": {"mmfan": "0.3.0"}, "source": "disk", "date": "2026-11-02"}
    mixed[2] |= {"date": "2026-11-01T12:00:00Z"}
    found = facts(tmp_path, mixed)
    assert found["versions"].text == "mmfan 0.2.0 and 0.3.0, torch 2.13.0, corruptions 1"
    assert found["corrupted pictures"].text.count(" and ") == 1
    assert found["judged on"].text == "2026-11-01 to 2026-11-02"


def test_records_of_other_cells_tell_nothing(tmp_path):
    own = records(**KNOWN)
    other = [{**own[1], "corruption": "snow", "versions": {"mmfan": "9"}, "seconds": 1e6}]
    found = facts(tmp_path, own, other)
    assert found["versions"].text == "mmfan 0.2.0, torch 2.13.0, corruptions 1"
    assert found["time"].text == "2 min 0 s for 4 cells"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"limit": 20}, "20, by a limit of 20"),
        ({"limit": 99, "pictures": "20-ab"}, "20 (hash of their names ab)"),
        ({"pictures": "a list"}, "a list"),
        ({"pictures": 12}, "12"),
    ],
)
def test_pictures(tmp_path, more, said):
    assert facts(tmp_path, records(**more))["pictures"].text == said


@pytest.mark.parametrize("seconds", [float("nan"), 1e308, -1])
def test_what_is_no_time_is_not_counted(tmp_path, seconds):
    found = records(seconds=seconds)
    assert facts(tmp_path, found)["time"].text == UNKNOWN
    found[0]["seconds"] = 30
    assert facts(tmp_path, found)["time"].text == "30 s for 1 cell"


def test_a_checkpoint_that_is_a_version_is_told_whole(tmp_path):
    assert facts(tmp_path, records(checkpoint_hash="v1.2"))["checkpoint"].text == "v1.2"


def test_papers_are_linked_and_nothing_else():
    shown = tree(linked('Kamann (arXiv 1908.05005) and <a href="javascript:x">arXiv 12</a> http://x.org'))
    assert [(link.text, link.attributes["href"]) for link in shown.all("a")] == [
        ("arXiv 1908.05005", "https://arxiv.org/abs/1908.05005")
    ]
