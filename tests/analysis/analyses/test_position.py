"""Scores of the arms are those of the model with its encoding exchanged."""

import json

import pytest
from helpers.tiny_analysis import analyse, make_context, write_parts

from mmfan.analysis import AnalysisError
from mmfan.corruptions.cell import Cell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("position"))


@pytest.mark.process
def test_arms(parts, tmp_path):
    given = {"arms": ["shifted", "zero"], "shift": (0, 0), "workers": 0}
    result = analyse(parts, tmp_path, "position", cell=Cell("contrast", 5), **given)
    assert result["positions"] == [{"name": "pos_embed", "kind": "computed"}]
    assert result["arms"] == ["as trained", "shifted 0,0", "zero"]
    assert result["clean"][1] == result["clean"][0] != result["clean"][2]
    assert result["change_clean"][1] == 0.0
    assert result["corrupted"][1] == result["corrupted"][0]
    assert result["retention"][0] == result["corrupted"][0] / result["clean"][0]
    names = [json.loads(line)["model"] for line in (tmp_path / "position.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(names)) == ["tiny", "tiny position shifted 0,0", "tiny position zero"]
    spec, _ = make_context(parts, tmp_path, "position")
    table = spec.table([result, result], ["a", "b"])
    assert table.head == ("model", "position encoding", "clean", "change", "contrast 5", "retention")
    assert table.rows[1][:4] == ("a", "shifted 0,0", f"{100 * result['clean'][0]:.1f}", "0.0")
    assert table.sections == (3,)
    # what was judged is not judged again
    before = (tmp_path / "position.jsonl").read_bytes()
    assert analyse(parts, tmp_path, "position", cell=Cell("contrast", 5), **given) == result
    assert (tmp_path / "position.jsonl").read_bytes() == before


def test_a_model_without_positions_is_told(parts, tmp_path):
    spec, context = make_context(parts, tmp_path, "position")
    context.model.backbone.pos_embed = None
    with pytest.raises(AnalysisError, match="FANHybrid has no position encoding that is known"):
        spec.run(context)
