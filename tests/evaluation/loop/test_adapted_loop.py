"""Adaptation in RobustnessLoop: its records beside those of the model as it is, resumed, and what is refused."""

import pytest
from helpers.tiny_robustness import make_runner, write_parts

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import ConditionCell, NotToModelError
from mmfan.evaluation.results.store import ResultsStore, key_of

pytestmark = pytest.mark.slow
PROTOCOL = {"name": "contrast", "corruptions": {"contrast": [1]}}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


def judged(parts, results, **more):
    """The loop, and the records by the words of their cells."""
    runner = make_runner(*parts, parts[0].parent / "work", results=str(results), **{"protocol": PROTOCOL, **more})
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    scores = runner.test()
    after = runner.model.state_dict()
    assert all(bool((after[name] == value).all()) for name, value in before.items())
    assert not any(module.training for module in runner.model.modules())
    return scores, {str(key_of(record)[1]): record for record in ResultsStore(results).records()}


def test_the_arms_stand_beside_each_other(parts, tmp_path):
    _, plain = judged(parts, tmp_path / "r.jsonl")
    scores, both = judged(parts, tmp_path / "r.jsonl", adapt="bn")
    assert list(both) == ["clean", "contrast 1", "clean with bn", "contrast with bn 1"]
    assert both["clean"] == plain["clean"]  # the reference was taken over
    record = both["contrast with bn 1"]
    assert (record["corruption"], record["severity"]) == ("contrast", 1)
    assert record["condition"] == {
        "kind": "adaptation", "name": "bn", "strength": None,
        "settings": {"batch": 1, "order": "set", "prior": 16, "reset": "cell"},
    }  # fmt: skip
    assert record["metrics"] != plain["contrast 1"]["metrics"]
    assert record["versions"]["corruption"] == plain["contrast 1"]["versions"]["corruption"]
    assert "condition" not in both["contrast 1"]
    assert key_of(record)[0] == key_of(plain["clean"])[0]  # one run: weights, data and settings are the same
    adapted, clean = record["metrics"]["aAcc"], plain["clean"]["metrics"]["aAcc"]
    assert scores["retention/aAcc"] == pytest.approx(adapted / clean)
    again, _ = judged(parts, tmp_path / "r.jsonl", adapt={"name": "bn", "prior": 16})
    assert again == scores


def test_an_overwhelming_prior_gives_the_scores_of_the_model_as_it_is(parts, tmp_path):
    _, plain = judged(parts, tmp_path / "r.jsonl")
    _, both = judged(parts, tmp_path / "r.jsonl", adapt={"name": "bn", "prior": 1e15})
    assert both["contrast with bn 1"]["metrics"] == pytest.approx(plain["contrast 1"]["metrics"], abs=2e-3)


@pytest.mark.parametrize("name", ["tent", "sar"])
def test_gradients_adapt_within_the_loop(name, parts, tmp_path):
    slow = judged(parts, tmp_path / "slow.jsonl", adapt={"name": name, "lr": 1e-9})[1]
    fast = judged(parts, tmp_path / "fast.jsonl", adapt={"name": name, "lr": 0.5, **_sure(name)})[1]
    cell = f"contrast with {name} 1"
    assert slow[cell]["metrics"] != fast[cell]["metrics"]
    assert slow["clean"]["metrics"] == fast["clean"]["metrics"]


def _sure(name):
    return {"margin": 1.0, "collapsed": 0.0} if name == "sar" else {}


def test_what_is_refused(parts, tmp_path):
    two, each = {"test_dataloader.batch_size": 2}, {"name": "bn", "reset": "picture"}
    by_two = make_runner(*parts, tmp_path, two, protocol=PROTOCOL, adapt=each)
    with pytest.raises(MMFanError, match="needs batches of one, got 2"):
        _ = by_two.test_loop
    compiled = make_runner(*parts, tmp_path, protocol=PROTOCOL, adapt="bn")
    compiled.test_loop.computing.compile_options = {}
    with pytest.raises(MMFanError, match="compiled model cannot be adapted"):
        compiled.test_loop.works()
    skipping = make_runner(*parts, tmp_path, protocol=PROTOCOL, adapt={"name": "sar", "skip": ["stage4"]})
    with pytest.raises(NotToModelError, match="no module 'stage4' to skip; at the top it has data_preprocessor"):
        skipping.test_loop.works()


def test_cells_of_a_loop_with_conditions(parts, tmp_path):
    loop = make_runner(*parts, tmp_path, protocol=PROTOCOL, adapt="bn").test_loop
    assert loop.cells[0] == CLEAN
    assert [cell.pictures for cell in loop.cells] == [CLEAN, CLEAN, Cell("contrast", 1)]
    assert isinstance(loop.cells[1], ConditionCell)
