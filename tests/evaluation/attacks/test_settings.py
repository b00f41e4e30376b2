"""Settings of attacks: defaults, errors, costs."""

import pytest

from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.settings import Attack


def test_step_of_pgd_goes_two_and_a_half_radii_in_all():
    attack = Attack("pgd", 8, steps=20)
    assert attack.alpha == pytest.approx(1)
    assert attack.steps * attack.alpha == pytest.approx(2.5 * 8)
    assert attack.start
    assert attack.passes == (20, 20)
    assert Attack("pgd", 8, alpha=2.55).alpha == 2.55


def test_fgsm_is_one_step_of_the_radius_from_the_picture_itself():
    attack = Attack("fgsm", 4)
    assert (attack.steps, attack.alpha, attack.start, attack.passes) == (1, 4.0, False, (1, 1))


def test_best_costs_one_forward_pass_more_and_an_empty_ball_nothing():
    assert Attack("segpgd", 1, steps=5, kept="best").passes == (6, 5)
    assert Attack("segpgd", 0.5, steps=5).passes == (0, 0)
    assert Attack("segpgd", 0.5, steps=5, rounded=False).passes == (5, 5)
    assert Attack("pgd", 0, rounded=False).passes == (0, 0)


@pytest.mark.parametrize("eps", [1, 2, 3, 8, 16, 64])
def test_whole_radii_keep_all_their_levels(eps):
    assert Attack("pgd", 255 * (eps / 255)).whole_levels == eps
    assert Attack("pgd", eps + 0.9).whole_levels == eps


def test_what_is_recorded_leaves_out_name_and_radius():
    told = {"norm": "l2", "steps": 2, "alpha": 5.0, "start": True, "kept": "last", "rounded": True}
    assert Attack("cospgd", 4, norm="l2", steps=2).told == told
    assert Attack("cospgd", 4, norm="l2", steps=2, target=7).told == {**told, "target": 7}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"name": "apgd"}, "one of fgsm, pgd, segpgd, cospgd, got 'apgd'"),
        ({"norm": "l1"}, "one of linf, l2, got 'l1'"),
        ({"eps": -1}, "`eps` to be at least 0, in 1/255, got -1"),
        ({"eps": float("nan")}, "got nan"),
        ({"eps": True}, "a number, in 1/255, got True"),
        ({"steps": 0}, "`steps` to be a whole number of at least 1"),
        ({"alpha": -0.1}, "`alpha` to be at least 0"),
        ({"kept": "worst"}, "one of last, best"),
        ({"rounded": 1}, "`rounded` to be True or False, got 1"),
        ({"target": -1}, "`target` to be a whole number of at least 0"),
        ({"name": "fgsm", "steps": 5}, "take pgd"),
        ({"name": "fgsm", "start": True}, "take pgd"),
    ],
)
def test_what_is_out_of_range_is_named(settings, told):
    with pytest.raises(MMFanError, match=told):
        Attack(**{"name": "pgd", "eps": 1, **settings})
