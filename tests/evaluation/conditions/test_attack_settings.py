"""Attacks as conditions: settings, costs, and the protocol that a command line asks for."""

import pytest

from mmfan.evaluation.conditions import ConditionError, make_condition, passes_of
from mmfan.evaluation.conditions.attack_settings import attack_of, cost_text, settings_of_attack
from mmfan.evaluation.judging.asked_attack import asked_attacks
from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.protocol.making import protocol_of_cells

PGD = {"norm": "linf", "steps": 5, "alpha": "2.5 eps/steps", "rounded": True}


def test_settings_are_the_same_at_every_radius():
    assert settings_of_attack("pgd", {}) == settings_of_attack("pgd", PGD) == PGD
    conditions = [make_condition("attack", "pgd", eps) for eps in (1, 8)]
    assert conditions[0].settings == conditions[1].settings
    assert [attack_of(one).alpha for one in conditions] == [0.5, 4.0]
    fixed = make_condition("attack", "pgd", 8, alpha=2.55, steps=20)
    assert attack_of(fixed).alpha == 2.55
    assert settings_of_attack("pgd", {"start": False, "kept": "best"}) == {**PGD, "start": False, "kept": "best"}
    assert attack_of(make_condition("attack", "fgsm", 4, kept="best")).kept == "best"
    assert settings_of_attack("fgsm", {"kept": "last"}) == {"norm": "linf", "rounded": True}


def test_cost_counts_what_finds_a_picture_and_what_judges_it():
    protocol = get_protocol(asked_attacks(["segpgd"], [0.5, 8], {"steps": 5}))
    # 5 steps: 5 forward passes, 5 backward ones that count twice, 1 to judge
    assert [passes_of(cell) for cell in protocol.cells] == [1, 16]
    assert [cost_text(cell.condition) for cell in protocol.cells] == [
        "1 forward and 0 backward passes a picture", "6 forward and 5 backward passes a picture"
    ]  # fmt: skip


def test_attacks_beside_corruptions_are_families_of_their_own():
    protocol = get_protocol(asked_attacks(["fgsm", "pgd"], [4, 8], {"steps": 2, "norm": "l2"}, "level5"))
    assert [str(cell) for cell in protocol.cells[-4:]] == ["fgsm 4", "fgsm 8", "pgd 4", "pgd 8"]
    assert len(protocol.families) == 3
    assert protocol.families[0].corruptions == get_protocol("level5").corruptions
    assert [one.kind.averaged for one in protocol.families] == [True, False, False]
    # the single step takes of the settings what it has
    assert protocol.cells[-4].condition.settings == {"norm": "l2", "rounded": True}


def test_a_protocols_own_conditions_stay_beside_attacks():
    adapting = {"corruptions": {"fog": [3]}, "conditions": [{"kind": "adaptation", "name": "bn"}]}
    protocol = get_protocol(asked_attacks(["pgd"], [4], beside=adapting))
    assert [str(cell) for cell in protocol.cells] == ["fog 3", "fog with bn 3", "pgd 4"]
    assert protocol.name == "custom and attacks"
    assert len(protocol.families) == 3
    alone = {"conditions": [{"kind": "adaptation", "name": "bn", "on": {"fog": [3]}}]}
    assert [str(cell) for cell in get_protocol(asked_attacks(["pgd"], [4], beside=alone)).cells] == [
        "fog with bn 3", "pgd 4"
    ]  # fmt: skip


def test_attacks_on_corrupted_pictures_are_types_of_their_own():
    one = {"kind": "attack", "name": "pgd", "strengths": [1, 4], "on": {"fog": [3]}}
    protocol = get_protocol({"corruptions": {"fog": [3]}, "conditions": [one]})
    assert [str(cell) for cell in protocol.judged] == ["clean", "fog 3", "pgd on fog 3 1", "pgd on fog 3 4"]
    assert protocol.groups == {"weather": ("fog",)}
    assert [cell.pictures for cell in protocol.families[1].cells] == [("fog", 3)] * 2
    assert (
        get_protocol({"conditions": [one]}).cells == protocol_of_cells(protocol.cells[1:]).cells == protocol.cells[1:]
    )


def test_default_radii_are_those_that_do_something():
    assert asked_attacks(["pgd"])["conditions"][0]["strengths"] == [1, 2, 4, 8]
    assert asked_attacks(["pgd"], settings={"rounded": False})["conditions"][0]["strengths"] == [0.25, 0.5, 1, 2, 4, 8]


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("segpdg", {}, r"There is no attack 'segpdg'.*segpgd"),
        ("pgd", {"step": 2}, r"The attack pgd has no setting 'step'; it has norm, steps"),
        ("pgd", {"norm": "l1"}, r"The attack pgd cannot be done so: .*linf, l2"),
        ("fgsm", {"steps": 4}, "take pgd"),
    ],
)
def test_what_there_is_not_is_named(name, given, told):
    with pytest.raises(ConditionError, match=told):
        settings_of_attack(name, given)
