import numpy as np
import pytest

from mmfan.errors import MMFanError, WrongTypeError
from mmfan.utils.checks import list_of, whole_number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_become_ints(value):
    number = whole_number("seed", value, 3)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, np.array([3, 4])])
def test_what_is_no_whole_number_is_of_the_wrong_type(value):
    with pytest.raises(WrongTypeError, match=r"Expected `seed` to be a whole number, got "):
        whole_number("seed", value)


def test_what_is_too_small_is_refused_and_named():
    with pytest.raises(MMFanError, match=r"^Expected `workers` to be a whole number of at least 1, got 0\.$") as caught:
        whole_number("workers", 0, 1)
    assert not isinstance(caught.value, TypeError)
    assert whole_number("offset", -5) == -5


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(WrongTypeError) as caught:
        whole_number("seed", "x" * 1000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [["a", "b"], ("a", "b")])
def test_sequences_become_lists(value):
    assert list_of(str, "names", value) == ["a", "b"]
    assert list_of(object, "steps", [1, "a", {}]) == [1, "a", {}]


@pytest.mark.parametrize("value", ["ab", b"ab", 0.5, None, {"a": 1}, {"a"}])
def test_what_is_no_list_is_of_the_wrong_type(value):
    with pytest.raises(WrongTypeError, match=r"^Expected `steps` to be a list, got "):
        list_of(object, "steps", value)


def test_what_a_list_may_not_hold_is_named():
    with pytest.raises(WrongTypeError, match=r"^Expected `names` to be a list of str, got \['b'\] in it\.$"):
        list_of(str, "names", ["a", ["b"], 3])
