"""Adaptation in RobustnessLoop: its records beside those of the model as it is, resumed, and what is refused."""

import pytest
import torch
from helpers.tiny_robustness import make_runner, write_parts

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import ConditionCell, NotToModelError, Situation
from mmfan.evaluation.conditions.adaptation.pictures import pictures_of
from mmfan.evaluation.conditions.adaptation.views import PLAIN, View
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


@pytest.mark.parametrize("name", ["tent", "sar", "cotta", "memo"])
def test_gradients_adapt_within_the_loop(name, parts, tmp_path):
    slow = judged(parts, tmp_path / "slow.jsonl", adapt={"name": name, "lr": 1e-9})[1]
    fast = judged(parts, tmp_path / "fast.jsonl", adapt={"name": name, "lr": 0.5, **_sure(name)})[1]
    cell = f"contrast with {name} 1"
    assert slow[cell]["metrics"] != fast[cell]["metrics"]
    assert slow["clean"]["metrics"] == fast["clean"]["metrics"]


def _sure(name):
    """What lets a step show within a few pictures, and leaves something that is right."""
    own = {
        "sar": {"margin": 1.0, "collapsed": 0.0},
        "cotta": {"lr": 0.005, "decay": 0, "scales": [1]},
        "memo": {"copies": 2},
    }
    return own.get(name, {})


def test_memo_depends_on_no_order_and_says_what_it_did(parts, tmp_path):
    memo = {"name": "memo", "copies": 2, "lr": 0.01}
    _, found = judged(parts, tmp_path / "r.jsonl", adapt=memo)
    settings = found["contrast with memo 1"]["condition"]["settings"]
    assert settings == {
        "batch": 1, "copies": 2, "lr": 0.01, "optimizer": "sgd", "order": "set", "prior": 16, "reset": "picture",
        "severity": 1, "steps": 1,
    }  # fmt: skip
    with pytest.raises(MMFanError, match=r"memo with reset 'picture' .* needs batches of one, got 2"):
        judged(parts, tmp_path / "r.jsonl", adapt=memo, options={"test_dataloader.batch_size": 2})


def test_a_batch_of_several_learns_from_one_teacher(parts, tmp_path):
    cotta = {"name": "cotta", "scales": [0.5, 1], "threshold": 1}
    two = {"test_dataloader.batch_size": 2}
    _, found = judged(parts, tmp_path / "r.jsonl", adapt=cotta, options=two, pictures=1)
    record = found["contrast with cotta 1"]
    assert record["condition"]["settings"]["batch"] == 2
    assert 0 < record["metrics"]["aAcc"] <= 1


@pytest.mark.parametrize(
    ("view", "sliding"), [(PLAIN, False), (View(1, True), False), (View(0.5, False), False), (View(1.5, True), True)]
)
def test_views_of_a_segmentor_are_its_logits_of_such_pictures(view, sliding, parts, tmp_path):
    """Against mmsegmentation's own way from pixels to logits, without data samples."""
    slide = {"mode": "slide", "crop_size": (48, 48), "stride": (32, 32)}
    # a preprocessor that pads tells the sizes itself
    options = {"model.test_cfg": slide} if sliding else {"model.data_preprocessor.test_cfg": None}
    runner = make_runner(*parts, tmp_path, options)
    model, loop = runner.model.eval(), runner.test_loop
    runner.load_or_resume()
    sample = loop.clean_dataset[0]
    batch = {"inputs": [sample["inputs"]], "data_samples": [sample["data_samples"]]}
    pictures = pictures_of(Situation(model, names=loop.chosen.name_of_path), batch)
    with torch.no_grad():
        pictures.logits(model.test_step(pictures.batch()))
        [found] = pictures.logits(model.test_step(pictures.batch(view)), view)
        pixels = batch["inputs"][0][None].float()
        size = pixels.shape[2:]
        shown = torch.nn.functional.interpolate(pixels, scale_factor=view.scale, mode="bilinear")
        shown = shown.flip(-1) if view.flip else shown
        ready = model.data_preprocessor({"inputs": [shown[0]], "data_samples": batch["data_samples"]})["inputs"]
        meta = [{"img_shape": ready.shape[2:], "ori_shape": ready.shape[2:]}]
        logits = model.inference(ready, meta)
        logits = logits.flip(-1) if view.flip else logits
        expected = torch.nn.functional.interpolate(logits, size, mode="bilinear")[0]
    assert batch["data_samples"][0].img_shape == tuple(size)  # what the loop gave is as it was
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["bn", "tent"])
def test_how_many_windows_run_at_once_changes_no_statistics(name, parts, tmp_path):
    """A GPU takes 16 of a picture, a CPU one: what batch norms see of them is no matter of the device."""
    slide = {"model.test_cfg": {"mode": "slide", "crop_size": (48, 48), "stride": (32, 32)}}
    adapt = {"name": "bn", "prior": 0} if name == "bn" else {"name": name, "lr": 0.1}
    found = []
    for windows in (1, 4):
        results = tmp_path / f"{windows}.jsonl"
        runner = make_runner(
            *parts, tmp_path / "work", slide, protocol=PROTOCOL, adapt=adapt, windows=windows, results=str(results)
        )
        runner.test()
        found.append([record["metrics"] for record in ResultsStore(results).records() if record.get("condition")])
    assert len(found[0]) == 2
    assert found[0] == found[1]


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
