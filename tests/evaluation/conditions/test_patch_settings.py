"""Patches as conditions: settings, what they are held against, costs, and the protocol that a command line asks for."""

import pytest

from mmfan.evaluation.conditions import (
    ConditionError,
    kind_of,
    make_condition,
    passes_of,
    reference_of,
    reference_text,
)
from mmfan.evaluation.conditions.attack_settings import settings_of_attack
from mmfan.evaluation.conditions.patch_settings import attack_of_patch, settings_of_patch
from mmfan.evaluation.judging.asked_attack import asked_attacks
from mmfan.evaluation.protocol import ProtocolError, get_protocol
from mmfan.evaluation.protocol.making import protocol_of_cells
from mmfan.evaluation.results.recorded_protocol import described_protocol, protocol_description

PATCH = {"left_out": 8, "place": "drawn", "steps": 5, "alpha": 63.75, "loss": "segpgd"}


def test_settings_in_canonical_form():
    assert settings_of_patch("patch", {}) == settings_of_patch("patch", PATCH) == PATCH
    assert settings_of_patch("patch_noise", {"place": "centre"}) == {"left_out": 8, "place": "centre"}
    made = make_condition("patch", "patch", 4, steps=10, loss="cross_entropy", kept="best")
    attack = attack_of_patch(made)
    # in so many steps one can go 2.5 times from the middle of the range to its end
    assert (attack.name, attack.steps, attack.alpha, attack.kept) == ("pgd", 10, 31.875, "best")


def test_attack_and_noise_are_held_against_one_clean_cell_that_is_judged_first():
    protocol = get_protocol(asked_attacks(["patch", "patch_noise"], areas=[1, 4]))
    assert [str(cell) for cell in protocol.judged] == [
        "outside 4",
        "patch 1",
        "patch 4",
        "patch_noise 1",
        "patch_noise 4",
    ]
    assert len(protocol.families) == 2
    [reference] = {reference_of(cell) for cell in protocol.judged}
    assert reference == protocol.judged[0]
    assert reference.condition.settings == {"place": "drawn"}
    assert "those outside of the 4 % left out" in reference_text(protocol.cells[0])
    assert not kind_of(protocol.cells[0]).averaged
    assert get_protocol(asked_attacks(["patch"], areas=[1, 8])).reference != reference


def test_a_protocol_of_patches_is_read_back_from_records():
    protocol = get_protocol(asked_attacks(["patch"], areas=[2, 4], beside="level5"))
    assert described_protocol(protocol_description(protocol)) == protocol
    assert protocol.whole(4, 2) == protocol
    own = protocol_of_cells(protocol.families[1].judged)
    assert own.cells == protocol.cells[-2:]
    assert own.reference == protocol.families[1].reference


def test_cost_counts_what_finds_a_picture_and_what_judges_it():
    protocol = get_protocol(asked_attacks(["patch", "patch_noise"], settings={"steps": 7}, areas=[2]))
    assert [passes_of(cell) for cell in protocol.judged] == [1, 22, 1]
    assert [kind_of(cell).cost(cell.condition) for cell in protocol.judged] == [
        "", "8 forward and 7 backward passes a picture", ""
    ]  # fmt: skip


def test_each_attack_takes_of_the_settings_what_it_has():
    given = {"norm": "l2", "steps": 3, "place": "centre"}
    found = asked_attacks(["fgsm", "pgd", "patch", "patch_noise"], [2], given, areas=[1])["conditions"]
    assert [one["settings"] for one in found] == [
        {"norm": "l2", "rounded": True},
        {"norm": "l2", "steps": 3, "alpha": "2.5 eps/steps", "rounded": True},
        {"left_out": 1, "place": "centre", "steps": 3, "alpha": 106.25, "loss": "segpgd"},
        {"left_out": 1, "place": "centre"},
    ]
    assert [one["strengths"] for one in found] == [[2], [2], [1], [1]]
    assert asked_attacks(["patch"])["conditions"][0]["strengths"] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"names": ["pach"]}, r"There is no attack 'pach'. Did you mean 'patch'\?.*cospgd, patch, patch_noise"),
        ({"names": ["patch"], "eps": [4]}, "a patch has no radius"),
        ({"names": ["pgd"], "areas": [4]}, "Areas are of patches: ask for patch or patch_noise, got pgd"),
        ({"names": ["patch"], "settings": {"norm": "l2"}}, "patch has no setting 'norm'; it has steps, alpha"),
        ({"names": ["patch", "patch_noise"], "settings": {"rounded": False}}, "no setting 'rounded'"),
        ({"names": ["patch_noise"], "settings": {"steps": 3}}, "patch_noise has no setting 'steps'"),
        ({"names": ["patch"], "areas": [60]}, r"\(`left_out`\), must be above 0 and up to 50 % of the picture, got 60"),
        ({"names": ["patch"], "areas": [0]}, "above 0 .*, got 0"),
        ({"names": ["patch"], "settings": {"loss": ["segpgd"]}}, "`loss` must be one of"),
        ({"names": ["patch"], "settings": {"steps": 0}}, "without steps is noise: ask for patch_noise"),
        ({"names": ["patch"], "settings": {"steps": 1.5}}, "patch cannot be done so: .*steps"),
        ({"names": ["patch"], "settings": {"place": "corner"}}, "`place` must be one of drawn, centre, got 'corner'"),
        ({"names": ["patch"], "settings": {"loss": "ce"}}, "`loss` must be one of segpgd, cross_entropy, got 'ce'"),
    ],
)
def test_what_there_is_not_is_named(arguments, told):
    with pytest.raises(ConditionError, match=told):
        asked_attacks(**arguments)


def test_strengths_and_names_of_a_config_that_cannot_be():
    with pytest.raises(ProtocolError, match=r"patch of 9 % is larger than the 8 % .* set `left_out`"):
        get_protocol({"conditions": [{"kind": "patch", "name": "patch", "strengths": [1, 9]}]}).whole(1)
    with pytest.raises(ProtocolError, match=r"There is no patch 'outside'"):
        get_protocol({"conditions": [{"kind": "patch", "name": "outside", "strengths": [4]}]})
    with pytest.raises(ConditionError, match=r"There is no attack 'patch'"):
        settings_of_attack("patch", {})
