"""`mmfan configs`: what it says of the configs, and that the READMEs and the published rows say the same."""

from pathlib import Path

import pytest

from mmfan.cli import main
from mmfan.cli.commands.configs import folder_table, listing
from mmfan.evaluation.report.published import published_rows
from mmfan.utils.configs import config_folder, config_index, own_configs
from mmfan.utils.tables import markdown_table

FOLDERS = config_index()["folders"]
METHODS = {"fan_cascade_mask_rcnn": " (Cascade Mask R-CNN)", "fan_mask_rcnn": " (Mask R-CNN)", "fan_segformer": "",
           "fan_classifier": " (ImageNet)"}  # fmt: skip
DATASETS = {"imagenet-1k": "imagenet"}
RENAMED = {"FAN-B-Hybrid with TAP and ADL": "TAPADL FAN-B-Hybrid"}


def test_the_index_has_every_config_once():
    listed = [config["name"] for folder in FOLDERS for config in folder["configs"]]
    assert sorted([*listed, *config_index()["short"]]) == sorted(own_configs())
    for folder in FOLDERS:
        assert {own_configs()[config["name"]].parent.name for config in folder["configs"]} == {folder["folder"]}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder["folder"])
def test_the_readme_of_a_folder_has_its_table(folder):
    readme = (config_folder() / folder["folder"] / "README.md").read_text()
    assert markdown_table(folder_table(folder)) in readme


def test_published_scores_are_those_of_the_report():
    rows = {(row.name, row.dataset): row for row in published_rows()}
    compared = 0
    for folder in FOLDERS:
        for config in folder["configs"]:
            published = config.get("published", {})
            if "corrupted" not in published:
                continue  # printed without a score under corruption: no row of a report
            data = config["data"].lower()
            model = RENAMED.get(config["model"], config["model"])
            row = rows[model + METHODS[folder["folder"]], DATASETS.get(data, data)]
            assert (100 * row.clean, 100 * row.corrupted) == pytest.approx((published["clean"], published["corrupted"]))
            printed = row.printed_retention
            assert published.get("retention") == (None if printed is None else pytest.approx(100 * printed))
            compared += 1
    assert compared == 19


def test_own_scores_stand_on_the_page_of_results():
    page = (Path(__file__).parents[3] / "docs/results.md").read_text()
    ours = [config["ours"] for folder in FOLDERS for config in folder["configs"] if "ours" in config]
    assert len(ours) == 8
    for scores in ours:
        assert f"{scores['retention']:g}" in page
        assert any(f"{scores['clean'] + offset / 100:.2f}" in page for offset in range(-5, 6)) or (
            f"{scores['clean']:.1f}" in page
        )


def test_the_listing_can_be_narrowed(capsys):
    assert main(["configs", "hybrid", "CityScapes", "81.5"]) == 0
    said = capsys.readouterr().out
    assert "  fan-s-hybrid_segformer_8xb1-160k_cityscapes-1024x1024\n" in said
    assert "FAN-S-Hybrid on Cityscapes, from ImageNet-1k; published: mIoU 81.5 %, corrupted 66.4 %" in said
    assert "fan-t-hybrid" not in said
    assert set(own_configs()) <= set(listing([]).replace(" = ", "\n").split())
    with pytest.raises(SystemExit) as stopped:
        main(["configs", "nothing of the kind"])
    assert stopped.value.code == 2
    assert "No config has 'nothing of the kind'" in capsys.readouterr().err


def test_paths_and_copies(tmp_path, capsys):
    from mmfan.apis import load_config

    assert main(["configs", "--path", "fan_segformer_cityscapes"]) == 0
    assert Path(capsys.readouterr().out.strip()) == config_folder() / "fan_segformer_cityscapes.py"
    assert main(["configs", "--copy", "fan_segformer_mini", str(tmp_path / "mine")]) == 0
    copied = Path(capsys.readouterr().out.strip())
    assert copied == tmp_path / "mine/fan_segformer_mini.py"
    assert load_config(copied).to_dict() == load_config("fan_segformer_mini").to_dict()
    with pytest.raises(SystemExit) as stopped:
        main(["configs", "--copy", "fan_segformer_mini", str(tmp_path / "mine")])
    assert stopped.value.code == 2
    assert "exists; choose another folder" in capsys.readouterr().err


def test_markdown_holds_every_table(capsys):
    assert main(["configs", "--markdown"]) == 0
    said = capsys.readouterr().out
    assert all(markdown_table(folder_table(folder)) in said for folder in FOLDERS)
