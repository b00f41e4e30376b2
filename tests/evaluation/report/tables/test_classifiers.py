"""ImageNet-C's table of a report: worked by hand, beside published rows and sets without corruptions."""

import json

import pytest
from helpers.small_results import records, write

from mmfan.cli import main
from mmfan.corruptions import EXTRA
from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.protocol.named import CLEAN_ONLY
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_json
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.report.tables.classifiers import other_sets
from mmfan.evaluation.results.recorded_protocol import protocol_entry
from mmfan.evaluation.summary.imagenet_c import ALEXNET_CLEAN_ERROR, ALEXNET_ERRORS, PLAIN
from mmfan.utils.tables import best_cells

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


def named(model, dataset="imagenet", **more):
    return [{**record, "model": model} for record in alexnet(dataset, **more)]


def test_the_best_is_told_among_models_of_the_same_pictures(tmp_path):
    groups = named("a", source="stored"), named("b", source="fly"), named("c", source="fly")
    found = table(tmp_path, *groups)["ImageNet-C"]
    assert found.rivals.sets == ((0,), (1, 2))
    assert {row for row, _ in best_cells(found)} == {1, 2}
    assert found.caption.endswith("what is best is marked among models of the same pictures")
    runs, _ = other_sets(read_runs([tmp_path / "r.jsonl"]))
    assert any(
        note.startswith("The corrupted pictures of a are stored ones, made by others")
        for note in build_report(runs, "imagenet_c19", "top1").notes
    )
    assert "marked" not in table(tmp_path, named("a"), named("d"))["ImageNet-C"].caption


def test_models_of_several_sets_are_not_rivals(tmp_path):
    rows = published_rows(["FAN-S-ViT (ImageNet)"])
    groups = named("a"), named("b", "imagenet_sample"), named("d")
    found = table(tmp_path, *groups, published=rows)["ImageNet-C"]
    assert found.rivals.sets == ((0, 2), (1,))
    assert [row[:3] for row in found.rows[1:]] == [
        ("b", "imagenet_sample", "-"), ("d", "imagenet", "-"), ("FAN-S-ViT (ImageNet) [1]", "imagenet", "-"),
    ]  # fmt: skip


def test_models_of_pictures_in_two_sizes_are_not_rivals(tmp_path):
    groups = named("c", form={"side": 224}), named("d", form={"side": 256})
    assert table(tmp_path, *groups)["ImageNet-C"].rivals.sets == ((0,), (1,))


def test_two_checkpoints_of_one_name_have_scores_of_their_own(tmp_path):
    """A score on another set stands beside the weights that it is of."""
    first, second = {"checkpoint_hash": "a" * 64}, {"checkpoint_hash": "b" * 64}
    others = [{**alone("imagenet-a", 0.1), **first}, {**alone("imagenet-a", 0.3), **second}]
    tables = table(tmp_path, alexnet(**first), alexnet(**second), others)
    found = tables["ImageNet-C"]
    assert [dict(zip(found.head, row, strict=True))["imagenet-a"] for row in found.rows] == ["10.0", "30.0"]
    assert [row[:1] + row[-1:] for row in tables["Clean pictures"].rows] == [
        ("alexnet (checkpoint aaaaaaaa, imagenet-a)", "10.0"), ("alexnet (checkpoint bbbbbbbb, imagenet-a)", "30.0"),
    ]  # fmt: skip
    twice = [{**alone("imagenet-a", score), "pictures": pictures} for pictures, score in (("5-x", 0.1), ("9-y", 0.3))]
    found = table(tmp_path, alexnet(), twice)["ImageNet-C"]
    assert dict(zip(found.head, found.rows[0], strict=True))["imagenet-a"] == "-"  # which of the two is not known


def test_a_run_that_has_just_begun_is_no_other_set(tmp_path):
    begun = [{**alone("imagenet", 0.5), "protocol": "imagenet_c"}]
    runs, others = other_sets(read_runs([write(tmp_path / "r.jsonl", begun)]))
    assert (len(runs), others) == (1, [])
    done = [{**alone("imagenet-a", 0.5), "protocol": protocol_entry(CLEAN_ONLY)}]
    runs, others = other_sets(read_runs([write(tmp_path / "r.jsonl", done)]))
    assert (runs, [one.metrics for one in others]) == ([], [{"top1": 0.5}])


def test_other_sets_are_in_json(tmp_path):
    path = write(tmp_path / "r.jsonl", alexnet(), [alone("imagenet-a", float("nan"), "b"), alone("imagenet-r", 0.5)])
    runs, others = other_sets(read_runs([path]))
    told = json.loads(as_json(build_report(runs, "imagenet_c19", "top1", sets=others)))["sets"]
    assert [(one["model"], one["dataset"], one["metrics"]["top1"]) for one in told] == [
        ("b", "imagenet-a", None), ("alexnet", "imagenet-r", 0.5),
    ]  # fmt: skip


def test_options_that_clean_pictures_have_no_use_for_are_refused(tmp_path, capsys):
    write(tmp_path / "r.jsonl", [alone("imagenet-a", 0.031)])
    for words in (["--metric", "top5"], ["--published"], ["--reference", "alexnet"], ["--corruptions", "fog"]):
        with pytest.raises(SystemExit):
            main(["report", str(tmp_path / "r.jsonl"), *words])
        assert f"without {words[0]}." in capsys.readouterr().err
