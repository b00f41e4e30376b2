"""Adaptation to real weather in the loop: against the set judged by itself, resumed, and beside the model as it is."""

import pytest
from helpers.mini_weather import write_mini_weather
from helpers.tiny_robustness import make_runner, write_parts

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.runs.choice import choose_families, choose_protocol
from mmfan.evaluation.results.store import ResultsStore, key_of

pytestmark = pytest.mark.slow
NEVER = {"name": "bn", "prior": 2, "reset": "never"}
CONTRAST = {"protocol": {"name": "c", "corruptions": {"contrast": [1, 4]}}, "weather": None}
COTTA = {"name": "cotta", "lr": 0.01, "decay": 0.5, "restore": 0.3, "threshold": 1, "scales": [1], "reset": "never"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    return *write_parts(folder), write_mini_weather(folder / "weather")


def judged(parts, results, options=None, **more):
    """Scores, and the records by the words of their cells."""
    config, checkpoint, weather = parts
    place = {"root": str(weather), "conditions": ["fog", "night"]}
    asked = {"protocol": "clean", "weather": {"acdc": place}, **more}
    scores = make_runner(config, checkpoint, results.parent / "work", options, results=str(results), **asked).test()
    return scores, {str(key_of(record)[1]): record for record in ResultsStore(results).records()}


def test_a_condition_is_adapted_to_as_a_set_by_itself(parts, tmp_path):
    _, plain = judged(parts, tmp_path / "r.jsonl")
    scores, both = judged(parts, tmp_path / "r.jsonl", adapt="bn")
    assert list(both) == [*plain, "fog of acdc with bn", "night of acdc with bn"]
    assert all(both[cell] == plain[cell] for cell in plain)
    settings = both["night of acdc with bn"]["condition"]["settings"]
    assert settings.pop("adapt") == {"name": "bn", "prior": 16, "reset": "cell", "batch": 1, "order": "set"}
    assert settings == both["night of acdc"]["condition"]["settings"]
    fog = {"test_dataloader.dataset.type": "mmfan.ACDCDataset", "test_dataloader.dataset.data_root": str(parts[2])}
    fog |= {"test_dataloader.dataset.data_prefix": None, "test_dataloader.dataset.condition": "fog"}
    contrast = {"name": "contrast", "corruptions": {"contrast": [1]}}
    _, alone = judged(parts, tmp_path / "fog.jsonl", fog, protocol=contrast, weather=None, adapt="bn")
    assert both["fog of acdc with bn"]["metrics"] == alone["clean with bn"]["metrics"]
    assert both["fog of acdc with bn"]["metrics"] != both["fog of acdc"]["metrics"]
    adapted = [both[f"{one} of acdc with bn"]["metrics"]["aAcc"] for one in ("fog", "night")]
    assert scores["retention/aAcc"] == pytest.approx(sum(adapted) / 2 / both["clean"]["metrics"]["aAcc"])

    runs = read_runs([tmp_path / "r.jsonl"])
    chosen = choose_protocol(runs)
    assert chosen.name == "acdc"  # the model as it is, though it was judged first
    report = build_report(runs, chosen, "aAcc", families=choose_families(runs, chosen))
    [section] = report.sections
    beside = next(table for table in section.tables if "Beside the model as it is" in table.title)
    gain = 100 * (sum(adapted) - sum(both[f"{one} of acdc"]["metrics"]["aAcc"] for one in ("fog", "night"))) / 2
    assert beside.rows[0][5] == f"{gain + 0.0:+.1f}"


@pytest.mark.parametrize(("adapt", "asked"), [(NEVER, {}), (COTTA, {}), (NEVER, CONTRAST)])
def test_a_killed_run_without_resets_comes_to_the_same(adapt, asked, parts, tmp_path):
    asked = {**asked, "calibration": True}
    scores, whole = judged(parts, tmp_path / "whole.jsonl", adapt=adapt, **asked)
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "r.jsonl").write_text("".join(lines[:-1]))
    again, records = judged(parts, tmp_path / "r.jsonl", adapt=adapt, **asked)
    assert again == scores
    assert list(records) == list(whole)
    assert [one["metrics"] for one in records.values()] == [one["metrics"] for one in whole.values()]
    last = [*whole.values()][-1]["condition"]["settings"]
    assert last.get("adapt", last)["order"].startswith("set, cells ")
    # what was seen before counts: by itself the last cell comes to something else, in probabilities if not in classes
    _, fresh = judged(parts, tmp_path / "fresh.jsonl", adapt={**adapt, "reset": "cell"}, **asked)
    assert [*fresh.values()][-1]["calibration"] != [*whole.values()][-1]["calibration"]


def test_reference_frames_are_of_the_model_as_it_is(parts, tmp_path):
    place = {"acdc": {"root": str(parts[2]), "conditions": ["night"], "reference": "frames"}}
    _, plain = judged(parts, tmp_path / "r.jsonl", weather=place)
    _, both = judged(parts, tmp_path / "r.jsonl", weather=place, adapt="bn")
    assert list(both) == ["reference frames of acdc", "night of acdc", "night of acdc with bn"]
    assert both["reference frames of acdc"] == plain["reference frames of acdc"]
