"""Analyses that judge: their scores are those of an independent computation, from one results file."""

import json

import numpy as np
import pytest
from helpers.pixel_counts import counts_of_picture
from helpers.tiny_analysis import analyse, make_context, write_parts

from mmfan.analysis import AnalysisError
from mmfan.analysis.analyses.patchdrop import area_under
from mmfan.apis.inference import predict, read_picture
from mmfan.corruptions.cell import Cell
from mmfan.datasets.transforms.patch_drop import PatchDrop
from mmfan.evaluation.metrics.counts import scores_of_counts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("scored"))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def predicted(parts, change):
    """Counts (pictures, classes, 3) of all pixels, and of the hidden ones, by way of single pictures."""
    _, context = make_context(parts, parts, "patchdrop")
    found, hidden = [], []
    for number in range(3):
        info = context.dataset.get_data_info(number)
        sample = change({"img": read_picture(info["img_path"]), "img_path": info["img_path"]})
        labels = read_picture(info["seg_map_path"])[..., 0]
        prediction = predict(context.model, sample["img"])
        found.append(counts_of_picture(prediction, labels, 19))
        masked = np.where(sample.get("hidden", np.ones(labels.shape, bool)), labels, 255)
        hidden.append(counts_of_picture(prediction, masked, 19))
    return np.stack(found), np.stack(hidden)


@pytest.mark.process
def test_patchdrop_scores_all_visible_and_hidden_pixels(parts, tmp_path):
    result = analyse(parts, tmp_path, "patchdrop", ratios=[50], modes=["random", "salient"], workers=0)
    everything, hidden = predicted(parts, PatchDrop(0.5).transform)
    random = result["modes"]["random"]
    assert random["all"] == [pytest.approx(scores_of_counts(everything).metrics["mIoU"])]
    assert random["hidden"] == [pytest.approx(scores_of_counts(hidden).metrics["mIoU"])]
    assert random["visible"] == [pytest.approx(scores_of_counts(everything - hidden).metrics["mIoU"])]
    clean, _ = predicted(parts, lambda sample: sample)
    assert (
        random["clean"] == result["modes"]["salient"]["clean"] == pytest.approx(scores_of_counts(clean).metrics["mIoU"])
    )
    assert random["retention"] == [random["all"][0] / random["clean"]]
    records = lines(tmp_path / "patchdrop.jsonl")
    # the clean pictures are judged once
    assert [record["corruption"] for record in records] == [
        "clean", "patch_drop_random_16px_black", "patch_drop_salient_16px_black",
    ]  # fmt: skip
    assert records[1]["severity"] == 50
    assert records[1]["alteration"]["patch"] == 16


@pytest.mark.process
def test_repeats_are_averaged(parts, tmp_path):
    found = analyse(parts, tmp_path, "patchdrop", ratios=[50], modes=["random"], repeats=2, workers=0)
    result = found["modes"]["random"]
    single = [
        scores_of_counts(predicted(parts, PatchDrop(0.5, seed=seed).transform)[0]).metrics["mIoU"] for seed in (0, 1)
    ]
    assert result["all"] == [pytest.approx(np.mean(single))]
    assert single[0] != single[1]


def test_area_under():
    assert area_under([0.5, 1.0], [1.0, 1.0]) == 1.0
    assert area_under([0.5], [0.0]) == 0.5
    assert area_under([0.5], [None]) is None


@pytest.mark.process
def test_bandnoise_resumes_and_nothing_is_lost_by_nothing(parts, tmp_path):
    result = analyse(parts, tmp_path, "bandnoise", frequencies=[20, 80], eps=0, workers=0)
    assert result["scores"] == [result["clean"]] * 2
    assert result["change"] == [0.0, 0.0]
    assert result["retention"] == [1.0, 1.0]
    before = (tmp_path / "bandnoise.jsonl").read_bytes()
    assert analyse(parts, tmp_path, "bandnoise", frequencies=[20, 80], eps=0, workers=0) == result
    assert (tmp_path / "bandnoise.jsonl").read_bytes() == before
    # another strength is another cell
    louder = analyse(parts, tmp_path, "bandnoise", frequencies=[20], eps=9, workers=0)
    assert louder["scores"] != louder["clean"]
    assert len(lines(tmp_path / "bandnoise.jsonl")) == 4


@pytest.mark.process
def test_shuffling_one_cell_is_the_clean_picture(parts, tmp_path):
    result = analyse(parts, tmp_path, "shuffle", grids=["1x1", "4x6"], workers=0)
    assert result["cells"] == [1, 24]
    assert result["scores"][0] == result["inside"][0] == result["clean"]
    assert result["scores"][1] != result["clean"]
    records = lines(tmp_path / "shuffle.jsonl")
    assert [(record["corruption"], record["severity"]) for record in records[1:]] == [
        ("shuffle_1x1_margin4", 1), ("shuffle_4x6_margin4", 24),
    ]  # fmt: skip


@pytest.mark.process
def test_lesion_of_a_silent_branch_changes_nothing(tmp_path):
    import torch

    parts = write_parts(tmp_path)
    content = torch.load(tmp_path / "tiny.pth")
    content["state_dict"]["backbone.blocks.0.gamma1"].zero_()
    torch.save(content, tmp_path / "tiny.pth")
    result = analyse(parts, tmp_path, "lesion", only=["blocks.0"], workers=0, cell=Cell("contrast", 3))
    assert result["units"] == ["patch_embed.backbone.stages.0.blocks.0", "patch_embed.backbone.stages.1.blocks.0",
                               "blocks.0.attn", "blocks.0.mlp"]  # fmt: skip
    at = result["units"].index("blocks.0.attn")
    assert result["change_clean"][at] == result["change_corrupted"][at] == 0.0
    assert result["change_clean"][at + 1] != 0.0
    names = {record["model"] for record in lines(tmp_path / "lesion.jsonl")}
    assert names == {"tiny", *(f"tiny without {unit}" for unit in result["units"])}


@pytest.mark.parametrize(
    ("analysis", "given", "message"),
    [
        ("bandnoise", {"cell": Cell("fog", 3)}, "bandnoise changes the pictures by itself: leave out `cell`"),
        ("bandnoise", {"crop": 32}, "leave out `crop` and `taps`"),
        ("bandnoise", {"checkpoint": None}, r"judges predictions: give tiny \(random weights\) a checkpoint"),
        ("shuffle", {"grids": ["2x8", "4x4"]}, "2x8 and 4x4 both have 16 cells"),
        ("lesion", {"only": ["layer9"]}, "No unit's name contains layer9; there are patch_embed"),
    ],
)
def test_bad_input(parts, tmp_path, analysis, given, message):
    spec, context = make_context(parts, tmp_path, analysis, **given)
    with pytest.raises(AnalysisError, match=message):
        spec.run(context)
    assert not list(tmp_path.glob("*.jsonl"))


def test_weights_that_were_changed_in_memory_are_not_taken_for_those_of_the_file(parts, tmp_path):
    spec, context = make_context(parts, tmp_path, "bandnoise")
    context.model.backbone.blocks[0].gamma1.data += 1
    with pytest.raises(AnalysisError, match=r"weights of tiny are not those of .*tiny\.pth.*blocks\.0\.gamma1 differs"):
        spec.run(context)
    assert not list(tmp_path.glob("*.jsonl"))


def test_label_maps_are_needed(tmp_path):
    from argparse import Namespace

    from mmfan.analysis.scoring.alterations import ShuffleAlteration
    from mmfan.analysis.scoring.judge import _check_labels

    with pytest.raises(ValueError, match="is for segmentation; the config is judged by Namespace"):
        _check_labels(ShuffleAlteration({4: (2, 2)}, 0), Namespace(metrics=[Namespace()]))
