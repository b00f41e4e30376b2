"""Conditions and their cells: what is equal, how they are told and read, and what a record says of them."""

import copy
import json
import pickle

import pytest

from mmfan.corruptions.cell import CLEAN, Cell, listed
from mmfan.evaluation.conditions import (
    Condition,
    ConditionCell,
    ConditionError,
    Kind,
    beside_of,
    family_of,
    get_kind,
    is_continual,
    kind_of,
    make_condition,
    read_condition,
    register_kind,
    whole_cells,
)
from mmfan.evaluation.conditions import kinds as kinds_module

BN = make_condition("adaptation", "bn")
PGD = Condition("attack", "pgd", 4, {"steps": 5, "norm": "linf"})
FOG = Cell("fog", 3)


def test_cells_of_corruptions_keep_their_form():
    assert FOG == ("fog", 3)
    assert tuple(FOG) == ("fog", 3)
    assert hash(FOG) == hash(("fog", 3))
    assert str(FOG) == "fog 3"
    assert str(CLEAN) == "clean"
    assert repr(FOG) == "Cell(corruption='fog', severity=3)"
    assert FOG.pictures is FOG
    assert FOG.condition is None
    assert FOG.described() == {"corruption": "fog", "severity": 3}
    assert FOG.slug == "fog-3"


def test_a_cell_with_a_condition_is_none_without():
    adapted, attacked = ConditionCell(FOG, BN), ConditionCell(CLEAN, PGD)
    assert adapted != FOG
    assert adapted != FOG
    assert adapted != ("fog", 3)
    assert len({adapted, FOG}) == 2
    assert attacked != CLEAN
    assert attacked.pictures == CLEAN
    assert adapted == ConditionCell(Cell("fog", 3), make_condition("adaptation", "bn", prior=16.0))
    assert adapted != ConditionCell(FOG, make_condition("adaptation", "bn", prior=8))
    for cell in (adapted, attacked):
        for other in (pickle.loads(pickle.dumps(cell)), copy.deepcopy(cell)):
            assert other == cell
            assert hash(other) == hash(cell)
            assert other.condition == cell.condition


def test_axes_are_the_pictures_or_name_and_strength():
    assert tuple(ConditionCell(FOG, BN)) == ("fog", 3)
    assert tuple(ConditionCell(CLEAN, PGD)) == ("pgd", 4)
    assert tuple(ConditionCell(FOG, PGD)) == ("pgd", 4)
    assert str(ConditionCell(FOG, PGD)) == "pgd on fog 3 4"


def test_words():
    cells = [CLEAN, FOG, ConditionCell(CLEAN, BN), ConditionCell(FOG, BN), ConditionCell(CLEAN, PGD)]
    assert listed(cells) == "clean, fog 3, clean with bn, fog with bn 3, pgd 4"
    assert str(PGD) == "pgd (norm linf, steps 5)"
    assert len({cell.slug for cell in [*cells, ConditionCell(CLEAN, PGD.with_settings(steps=6))]}) == 6


def test_a_record_says_all_of_it():
    said = ConditionCell(FOG, BN).described()
    assert said == {
        "corruption": "fog",
        "severity": 3,
        "condition": {
            "kind": "adaptation", "name": "bn", "strength": None, "settings": {"prior": 16, "reset": "cell"},
        },
    }  # fmt: skip
    assert read_condition(json.loads(json.dumps(said["condition"]))) == BN
    assert read_condition({"kind": "attack", "name": "pgd", "strength": 2.0}).strength == 2


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("bn", "must be a dict like"),
        ({"kind": "attack"}, "must be a dict like"),
        ({"kind": "attack", "name": "pgd", "eps": 1}, "must be a dict like"),
        ({"kind": "attack", "name": ""}, "`name` must be a text that is not empty"),
        ({"kind": "attack", "name": "pgd", "strength": 0}, "`strength` must be a finite number above 0"),
        ({"kind": "attack", "name": "pgd", "strength": True}, "`strength` must be a finite number above 0"),
        ({"kind": "attack", "name": "pgd", "strength": float("nan")}, "`strength` must be a finite number above 0"),
        ({"kind": "attack", "name": "pgd", "settings": [1]}, "`settings` of a condition must be a dict"),
        ({"kind": "attack", "name": "pgd", "settings": {"a": float("inf")}}, "in the types of JSON"),
    ],
)
def test_what_is_no_condition(entry, words):
    with pytest.raises(ConditionError, match=words):
        read_condition(entry)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("bnn", {}, "no adaptation 'bnn'. Did you mean 'bn'"),
        ("bn", {"piror": 1}, "no setting 'piror'; it has prior, reset"),
        ("bn", {"prior": -1, "reset": "often"}, "`prior` must be .* from 0 on, got -1; `reset` must be one of picture"),
        ("tent", {"steps": 0}, "`steps` must be a whole number from 1 on"),
        ("cotta", {"decay": 2, "scales": []}, "`decay` must be a share from 0 to 1, got 2; `scales` must be a list of"),
        ("cotta", {"scales": [1, 1.0]}, "`scales` must be a list of different numbers above 0, at most 4"),
        (
            "cotta",
            {"flip": 1, "restore": -1},
            "`restore` must be a probability .* got -1; `flip` must be true or false",
        ),
        ("memo", {"reset": "cell"}, "`reset` must be picture, for memo is of one picture, got 'cell'"),
        ("memo", {"copies": 0, "optimizer": "adam"}, "`copies` must be a whole number.*`optimizer` must be one of sgd"),
        ("sar", {"margin": 2, "skip": "backbone"}, "`margin` must be a share of ln C.*`skip` must be a list"),
    ],
)
def test_adaptations_that_are_none(name, settings, words):
    with pytest.raises(ConditionError, match=words):
        make_condition("adaptation", name, **settings)


def test_what_adaptations_cost():
    """A gradient is two passes more; views count by their pixels, the plain one once."""

    def costs(name, **settings):
        condition = make_condition("adaptation", name, **settings)
        return get_kind("adaptation").passes(condition), get_kind("adaptation").cost(condition)

    assert costs("tent") == (3, "")
    assert costs("memo", copies=4, steps=2) == (1 + 2 * 4 * 4, "17 forward and 8 backward passes a picture")
    assert costs("cotta", threshold=0) == (1 + 3, "2 forward and 1 backward passes a picture")
    passes, told = costs("cotta", scales=[0.5, 1, 2])
    assert passes == 1 + 1 + 3 + (2 * (0.25 + 1 + 4) - 1)
    assert told == (
        "3 forward and 1 backward passes a picture; where the trained model is less sure than 0.69, 5 forward "
        "passes more, of 9.5 times its pixels"
    )
    assert costs("cotta", scales=[2], flip=False)[0] == 1 + 1 + 3 + 4
    weather = Condition("weather", "fog", 1, {"set": "acdc", "adapt": {"name": "memo", "steps": 1, "copies": 8}})
    assert get_kind("weather").cost(weather) == "17 forward and 8 backward passes a picture"
    assert get_kind("weather").cost(Condition("weather", "fog", 1, {"set": "acdc"})) == ""


def test_strengths_go_with_the_kind():
    with pytest.raises(ConditionError, match="'adaptation' has no strengths, got strength=3"):
        make_condition("adaptation", "bn", 3)
    with pytest.raises(ConditionError, match=r"'attack' needs a strength .*, got strength=None"):
        make_condition("attack", "pgd")
    with pytest.raises(ConditionError, match=r"no kind of conditions 'adaption'\. Did you mean 'adaptation'"):
        make_condition("adaption", "bn")


def test_families_and_references():
    twice = [ConditionCell(CLEAN, PGD.of_strength(eps)) for eps in (1, 2)]
    assert family_of(twice[0]) == family_of(twice[1]) != family_of(ConditionCell(CLEAN, PGD.with_settings(steps=9)))
    assert family_of(ConditionCell(FOG, BN)) == family_of(ConditionCell(Cell("snow", 1), BN)) != family_of(FOG) == ()
    rain, night = (ConditionCell(CLEAN, Condition("weather", name, 1, {"set": "acdc"})) for name in ("rain", "night"))
    assert family_of(rain) == family_of(night)
    assert beside_of(ConditionCell(FOG, BN)) == ConditionCell(CLEAN, BN)
    assert beside_of(twice[0]) is None
    assert beside_of(FOG) is None
    assert beside_of(ConditionCell(FOG, make_condition("adaptation", "bn", reset="never"))) is None


def test_what_the_run_decides_is_part_of_the_cell():
    never = make_condition("adaptation", "tent", reset="never")
    cells = [ConditionCell(Cell("fog", at), never) for at in (1, 2)]
    first, other = whole_cells(cells, 2), whole_cells(cells[::-1], 2)
    assert first[0].condition.settings["batch"] == 2
    assert first[0].condition.settings["order"] != other[1].condition.settings["order"]
    assert whole_cells([ConditionCell(FOG, BN)], 4)[0].condition.settings["order"] == "set"
    assert whole_cells([FOG], 1) == (FOG,)
    assert is_continual(cells[0])
    assert not is_continual(ConditionCell(FOG, BN))
    assert not is_continual(FOG)
    with pytest.raises(ConditionError, match="needs batches of one, got 2"):
        whole_cells([ConditionCell(FOG, make_condition("adaptation", "bn", reset="picture"))], 2)
    with pytest.raises(ConditionError, match="depends on the order of the pictures, which 2 processes share"):
        whole_cells([ConditionCell(FOG, BN)], 1, processes=2)


def test_a_kind_of_ones_own(monkeypatch):
    monkeypatch.setattr(kinds_module, "_KINDS", dict(kinds_module._KINDS))
    haze = register_kind(Kind("haze", "Haze", strength="metres", together=True))
    assert get_kind("haze") is haze
    assert kind_of(ConditionCell(CLEAN, make_condition("haze", "thin", 200))) is haze
    with pytest.raises(ConditionError, match="a kind of conditions 'haze' already"):
        register_kind(Kind("haze", "Other"))
    unknown = kind_of(ConditionCell(CLEAN, Condition("tide", "high", 1)))
    assert (unknown.title, unknown.averaged) == ("Tide", False)
