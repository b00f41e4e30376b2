"""Names, groups and cells, and the choice among them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.corruptions import CBAR, COMMON, CORRUPTIONS, EXTRA, GROUPS, register_corruption, unregister_corruption
from mmfan.datasets.transforms.choices import Choices, check_seed, check_severities, expand_corruptions, make_choices


def invert(image, severity, seed):
    return 255 - image


@pytest.fixture
def inverted():
    register_corruption("inverted", invert, severities=(1, 2), group="tone")
    yield "inverted"
    unregister_corruption("inverted")


def test_groups():
    assert expand_corruptions("common") == COMMON
    assert expand_corruptions("extra") == EXTRA
    assert expand_corruptions("all") == CORRUPTIONS
    assert expand_corruptions("cbar") == CBAR
    assert expand_corruptions(["sparkles", "fog"]) == ("sparkles", "fog")
    for group, members in GROUPS.items():
        assert expand_corruptions(group) == members
    assert expand_corruptions(["fog", "weather", "snow"]) == ("fog", "snow", "frost", "brightness", "spatter")


def test_users_corruptions_are_names_and_groups_too(inverted):
    assert expand_corruptions("inverted") == expand_corruptions("tone") == ("inverted",)
    assert expand_corruptions("all") == (*CORRUPTIONS, "inverted")
    assert make_choices("inverted", [1, 2]).severities == (1, 2)
    with pytest.raises(ValueError, match="inverted has the severities 1, 2, got 3"):
        make_choices(["fog", "inverted"], [1, 3])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("Gausian noise", "Did you mean 'gaussian_noise'"),
        ("wether", "Did you mean 'weather'"),
        (["fog", "clean"], "a matter of `prob`"),
        ([], "at least one corruption"),
        (3, "There is no corruption or group 3"),
    ],
)
def test_unknown_names(wanted, said):
    with pytest.raises(ValueError, match=said):
        expand_corruptions(wanted)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5, "3", True, None, [], [1, 6]])
def test_bad_severities(severity):
    with pytest.raises(ValueError, match=r"[Ss]everit"):
        make_choices("fog", severity)


@pytest.mark.parametrize("severity", [1, False, [0, 1], None])
def test_clean_has_severity_zero(severity):
    with pytest.raises(ValueError, match="'clean' has the severity 0"):
        make_choices("clean", severity)
    assert make_choices("clean", 0) == Choices(("clean",), (0,))


@pytest.mark.parametrize("prob", [-0.1, 1.1, True, "1", None, float("nan")])
def test_bad_probability(prob):
    with pytest.raises(ValueError, match="Expected `prob` to be 0 to 1"):
        make_choices("fog", 1, prob)


def test_numbers_of_numpy():
    assert make_choices("fog", np.int64(3)).severities == (3,)
    assert check_severities("fog", [np.uint8(2), 2, 1]) == (2, 1)
    assert check_seed(np.int64(7)) == 7
    assert check_seed(None) is None


@pytest.mark.parametrize("seed", [-1, 2.0, "0", True])
def test_bad_seed(seed):
    with pytest.raises(ValueError, match="Expected `seed` to be a whole number"):
        check_seed(seed)


def test_pick_by_hand():
    choices = Choices(("fog", "snow"), (1, 3, 5), 0.5)
    assert choices.pick((0.49, 0.0, 0.0)) == ("fog", 1)
    assert choices.pick((0.0, 0.5, 0.34)) == ("snow", 3)
    assert choices.pick((0.0, 0.999, 0.999)) == ("snow", 5)
    assert choices.pick((0.5, 0.0, 0.0)) == ("clean", 0)
    assert not choices.is_fixed
    assert Choices(("fog",), (3,)).is_fixed
    assert not Choices(("fog",), (3,), 0.9).is_fixed


unit = st.floats(0, 1, exclude_max=True)


@given(st.tuples(unit, unit, unit), st.floats(0, 1))
def test_pick_is_always_a_cell(draws, prob):
    choices = Choices(COMMON, (1, 2, 3, 4, 5), prob)
    corruption, severity = choices.pick(draws)
    assert (corruption in COMMON and severity in (1, 2, 3, 4, 5)) or (corruption, severity) == ("clean", 0)
