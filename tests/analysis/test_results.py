"""One call from models to numbers and a figure: the same whatever way a model is given, and what it refuses."""

import json
import subprocess
import sys

import pytest
from helpers.tiny_analysis import write_parts

from mmfan.analysis import AnalysisError, OptionError, analyze, load_context
from mmfan.apis import init_model, load_config
from mmfan.corruptions.cell import Cell
from mmfan.visualization.style import draw

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def pair(parts):
    return (str(parts / "tiny.py"), str(parts / "tiny.pth"))


def result(analysis, at=0):
    return analysis.numbers["models"][at]["result"]


def test_a_model_may_be_given_in_several_ways(pair):
    config, checkpoint = pair
    model = init_model(config, checkpoint, "cpu")
    context = load_context(config, checkpoint, "cpu", limit=2, seed=7, cell=Cell("fog", 3))
    given = [pair, (load_config(config), checkpoint), model, context]
    found = analyze("variance", given, limit=1, seed=0, cell="clean", device="cpu")
    assert [one["label"] for one in found.numbers["models"]] == ["tiny"] * 4
    assert {one["weights"] for one in found.numbers["models"]} == {"checkpoint"}
    assert all(one["result"] == result(found) for one in found.numbers["models"])
    assert all(one["checkpoint"] == checkpoint for one in found.numbers["models"])
    single = analyze("variance", pair, limit=1, device="cpu")
    assert single.numbers["models"] == found.numbers["models"][:1]
    # settings that are not given are those of the context; the context itself is left alone
    own = analyze("variance", context)
    assert (own.numbers["limit"], own.numbers["seed"], own.numbers["cell"]) == (2, 7, ["fog", 3])
    assert context.used_pictures == []
    assert result(own)["variance"] != result(found)["variance"]


def test_without_a_checkpoint_the_label_says_so(pair):
    found = analyze("variance", [pair[0], init_model(pair[0], None, "cpu")], limit=1, labels=["a", "b"], device="cpu")
    first, second = found.numbers["models"]
    assert (first["label"], first["weights"]) == ("a (random weights)", "random")
    assert (second["label"], second["weights"]) == ("b (weights in memory)", "memory")


def test_numbers_and_figure_are_those_that_are_written(pair, tmp_path):
    found = analyze("noise-decay", pair, limit=2, cell=Cell("snow", 2), sigma=0.2, device="cpu", out=tmp_path / "a")
    assert found.numbers["options"] == {"sigma": 0.2}
    assert found.numbers["cell"] == ["snow", 2]
    assert json.loads((tmp_path / "a" / "noise-decay.json").read_text()) == found.numbers
    paths = found.save(tmp_path / "b")
    assert paths == (tmp_path / "b" / "noise-decay.json", tmp_path / "b" / "noise-decay.png")
    for path in paths:
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()
    assert draw(found.figure).std() > 1


def test_without_a_folder_nothing_is_written(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = analyze("bandnoise", pair, limit=1, frequencies=[50], eps=0, workers=0, device="cpu")
    assert result(found)["change"] == [0.0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"name": "varience"}, AnalysisError, "There is no analysis 'varience'; did you mean 'variance'"),
        ({"sigmas": 1}, AnalysisError, "variance has no option 'sigmas'"),
        ({"limits": 1}, AnalysisError, r"variance has no option 'limits'; did you mean 'limit'\?"),
        ({"limit": 0}, OptionError, "Option `limit`: expected a whole number from 1 on, got 0"),
        ({"crop": 2.5}, OptionError, "Option `crop`: expected a whole number from 1 on, got 2.5"),
        ({"seed": -1}, OptionError, "Option `seed`: expected a whole number from 0 on, got -1"),
        ({"taps": "out0"}, OptionError, "Option `taps`: expected one or more values in a list, got 'out0'"),
        ({"labels": ["a", "b"]}, OptionError, "Option `labels`: expected 1 names, one a model, got 2"),
        ({"cell": "fog"}, ValueError, "Expected a cell as NAME:SEVERITY"),
        ({"cell": Cell("fog", 9)}, ValueError, "severity of fog from .* got 9"),
        ({"models": []}, AnalysisError, "at least one model, got none"),
        ({"models": [3]}, TypeError, "Expected a config, a tuple .* got int"),
        ({"name": "shuffle", "models": "tiny.py"}, AnalysisError, "shuffle judges predictions: give every model a ch"),
        ({"models": "nowhere.py"}, FileNotFoundError, r"nowhere\.py"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_loaded(given, error, message, pair, monkeypatch):
    with pytest.raises(error, match=message):
        analyze(**{"name": "variance", "models": pair, **given})


@pytest.mark.process
def test_the_face_and_the_catalogue_import_no_torch():
    code = (
        "import sys, mmfan.analysis as face; assert 'analyze' in dir(face); "
        "face.get_analysis('spectrum').options(tolerance=0.1); "
        "assert not {'torch', 'mmengine', 'mmcv', 'mmfan.analysis.context'} & set(sys.modules), sys.modules.keys(); "
        "assert callable(face.analyze) and 'torch' in sys.modules; "
        "assert all(getattr(face, name) is not None for name in face.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
