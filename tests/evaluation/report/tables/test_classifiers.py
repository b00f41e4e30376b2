"""ImageNet-C's table of a report: worked by hand, beside published rows and sets without corruptions."""

import pytest
from helpers.small_results import records, write

from mmfan.cli import main
from mmfan.corruptions import EXTRA
from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.report.tables.classifiers import other_sets
from mmfan.evaluation.summary.imagenet_c import ALEXNET_CLEAN_ERROR, ALEXNET_ERRORS, PLAIN

CELLS = PROTOCOLS["imagenet_c19"].cells


def alexnet(dataset="imagenet", cells=CELLS, **more):
    """Records with AlexNet's errors; the four held-out types at 0.25."""
    score = {cell: 1 - ALEXNET_ERRORS.get(PLAIN.get(cell.corruption, cell.corruption), 0.75) for cell in cells}
    found = records("alexnet", {("clean", 0): 1 - ALEXNET_CLEAN_ERROR, **score}, "top1", **more)
    return [{**record, "dataset": dataset} for record in found]


def alone(dataset, score, model="alexnet"):
    (record,) = records(model, {("clean", 0): score}, "top1")
    return {**record, "dataset": dataset}


def table(tmp_path, *groups, protocol="imagenet_c19", published=()):
    runs, others = other_sets(read_runs([write(tmp_path / "r.jsonl", *groups)]))
    made = build_report(runs, protocol, "top1", published=published, sets=others)
    return {one.title: one for one in made.tables}


def test_alexnet_has_one_hundred(tmp_path):
    found = table(tmp_path, alexnet(source="stored"))["ImageNet-C"]
    row = dict(zip(found.head, found.rows[0], strict=True))
    acc15 = 1 - sum(ALEXNET_ERRORS.values()) / 15
    acc19 = (15 * acc15 + 4 * 0.25) / 19
    assert len(EXTRA) == 4
    assert row == {
        "model": "alexnet", "pictures": "as stored", "clean": "56.5", "15 types": f"{100 * acc15:.1f}",
        "19 types": f"{100 * acc19:.1f}", "types not stated": "-", "retention": f"{100 * acc15 / 0.5645:.1f}",
        "mCE": "100.0", "relative mCE": "100.0",
    }  # fmt: skip


def test_beside_published_rows_and_other_sets(tmp_path):
    rows = published_rows(["FAN-S-ViT (ImageNet)", "TAPADL FAN-B-Hybrid (ImageNet)"])
    other = alone("ImageNet_A", 0.031), alone("imagenet-sketch", 0.2), alone("imagenet-r", 0.9, "another")
    tables = table(tmp_path, alexnet(source="fly"), other, published=rows)
    found = tables["ImageNet-C"]
    assert found.head[-3:] == ("imagenet-a", "imagenet-sketch", "imagenet-r")
    own, fan, tapadl = (dict(zip(found.head, row, strict=True)) for row in found.rows)
    assert (own["pictures"], own["imagenet-a"], own["imagenet-sketch"]) == ("made while judging", "3.1", "20.0")
    assert own["imagenet-r"] == "-"  # it is of another model
    assert (fan["clean"], fan["types not stated"], fan["15 types"], fan["mCE"]) == ("82.5", "64.5", "-", "47.7")
    assert (fan["retention"], fan["imagenet-a"], fan["imagenet-r"]) == ("78.2", "29.1", "50.4")
    assert (tapadl["mCE"], tapadl["types not stated"], tapadl["retention"]) == ("43.7", "-", "-")
    assert tables["Clean pictures"].rows[2] == ("another", "imagenet-r", "90.0")


def test_of_other_sets_and_of_some_severities_there_is_none(tmp_path):
    assert "ImageNet-C" not in table(tmp_path, alexnet("cifar10"))
    some = [cell for cell in CELLS if cell.severity < 5]
    own = {"corruptions": {name: [1, 2, 3, 4] for name in PROTOCOLS["imagenet_c19"].corruptions}}
    assert "ImageNet-C" not in table(tmp_path, alexnet(cells=some), protocol=own)
    fifteen = table(tmp_path, alexnet(), protocol="imagenet_c")["ImageNet-C"]
    assert dict(zip(fifteen.head, fifteen.rows[0], strict=True))["19 types"] == "-"


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_every_form_has_it(tmp_path, form):
    write(tmp_path / "r.jsonl", alexnet(source="stored"), [alone("imagenet-a", 0.031)])
    assert (
        main(["report", str(tmp_path / "r.jsonl"), "--published", "--format", form, "--out", str(tmp_path / "o")]) == 0
    )
    text = (tmp_path / "o").read_text()
    assert all(word in text for word in ("ImageNet-C", "relative mCE", "imagenet-a", "TAPADL FAN-B-Hybrid"))


def test_clean_pictures_alone_are_a_table(tmp_path, capsys):
    write(tmp_path / "r.jsonl", [alone("imagenet-a", 0.031), alone("imagenet-r", 0.5)])
    assert main(["report", str(tmp_path / "r.jsonl")]) == 0
    assert "| alexnet | imagenet-r | 50.0 |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["report", str(tmp_path / "r.jsonl"), "--format", "html"])
    assert "clean pictures alone" in capsys.readouterr().err


def test_ten_classes_are_not_held_against_a_thousand(tmp_path):
    """Imagenette's name begins as ImageNet's does."""
    assert table(tmp_path, alexnet("imagenette"))["ImageNet-C"].rows
    few = alexnet("imagenette", per_class={"top1": {"n01440764": 0.5, "n02102040": 0.5}})
    assert "ImageNet-C" not in table(tmp_path, few)
