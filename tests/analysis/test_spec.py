"""The document of an analysis, and the catalogue's agreement with the modules."""

import json
from inspect import signature
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmfan.analysis.catalogue import ANALYSES, get_analysis
from mmfan.analysis.spec import make_document, to_json
from mmfan.corruptions.cell import CLEAN, Cell


def test_document_holds_all_but_what_is_for_the_figure() -> None:
    spec: Any = get_analysis("noise-decay")
    context = SimpleNamespace(
        seed=2, limit=3, cell=Cell("fog", 4), crop=None, options=spec.options(**{"sigma": 0.5}), label="tiny",
        config="tiny.py", checkpoint="tiny.pth", weights="checkpoint", used_taps=[], used_pictures=["a.png"],
    )  # fmt: skip
    result = {"value": np.float64(0.5), "list": [float("nan"), 1.0], "_panels": [np.zeros(3)]}
    document = json.loads(to_json(make_document(spec, [context], [result])))
    assert list(document) == [
        "analysis", "definition", "seed", "limit", "cell", "crop", "options", "versions", "models"
    ]  # fmt: skip
    assert document["models"] == [
        {
            "label": "tiny", "config": "tiny.py", "checkpoint": "tiny.pth", "weights": "checkpoint", "taps": [],
            "pictures": ["a.png"], "result": {"value": 0.5, "list": [None, 1.0]},
        }
    ]  # fmt: skip
    assert document["options"] == {"sigma": 0.5}
    assert document["cell"] == ["fog", 4]
    assert set(document["versions"]) == {"mmfan", "python", "torch", "numpy", "cv2", "mmengine"}


def test_settings_of_which_models_have_their_own_stand_with_each() -> None:
    spec: Any = get_analysis("noise-decay")
    common: dict[str, Any] = {
        "seed": 2, "crop": 32, "options": spec.options(), "label": "tiny", "config": "tiny.py", "checkpoint": None,
        "weights": "random", "used_taps": [], "used_pictures": [],
    }  # fmt: skip
    contexts = [SimpleNamespace(**common, limit=3, cell=Cell("fog", 4)), SimpleNamespace(**common, limit=5, cell=CLEAN)]
    document = make_document(spec, contexts, [{}, {}])
    assert (document["seed"], document["crop"]) == (2, 32)
    assert not {"limit", "cell"} & set(document)  # those of the first are not those of all
    told = [{key: one[key] for key in one if key in ("seed", "limit", "cell", "crop")} for one in document["models"]]
    assert told == [{"limit": 3, "cell": ["fog", 4]}, {"limit": 5, "cell": ["clean", 0]}]


def test_the_catalogue_and_the_modules_agree() -> None:
    assert len(ANALYSES) == 17
    for spec in ANALYSES.values():
        assert list(signature(spec.module.run).parameters) == ["context"]
        assert list(signature(spec.module.draw).parameters) == ["results", "labels"]
        assert spec.definition.endswith((".", ")"))
        assert "arXiv" in spec.definition
    with pytest.raises(ValueError, match="did you mean 'fourier'"):
        get_analysis("furier")
