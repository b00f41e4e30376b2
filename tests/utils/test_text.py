import pytest

from mmfan.utils.text import counted, did_you_mean, duration, nearest, shortlist, signed, spoken


def test_a_list_of_just_the_length_shown_is_whole():
    assert shortlist(["a", "b", "c"]) == "a, b, c"
    assert shortlist(["a", "b", "c"], 1) == "a and 2 more"
    assert shortlist([]) == ""


def test_one_thing_is_singular_and_none_plural():
    assert [counted(n, "cell") for n in (0, 1, 2)] == ["0 cells", "1 cell", "2 cells"]


def test_a_difference_that_rounds_to_nothing_is_no_loss():
    assert [signed(points) for points in (4.36, -0.96, -0.06, -0.04, -0.0)] == ["+4.4", "-1.0", "-0.1", "+0.0", "+0.0"]


def test_spoken():
    assert spoken("motion_blur") == "motion blur"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_durations_at_the_borders_of_their_units(seconds, text):
    assert duration(seconds) == text


def test_the_nearest_name_is_given_as_it_is_spelt():
    assert nearest("segformer-b6", ["SegFormer-B5", "FAN-T"]) == "SegFormer-B5"
    assert nearest("Motion Blur", ["zoom_blur", "motion_blur"]) == "motion_blur"


def test_the_cutoff_decides_what_is_near():
    assert nearest("abcdef", ["abcxyz"], cutoff=0.5) == "abcxyz"  # 2 * 3 / 12
    assert nearest("abcdef", ["abcxyz"], cutoff=0.51) is None


def test_a_question_only_where_something_is_near():
    assert did_you_mean(7, ["fog"]) == ""
    assert f"There is no fgo.{did_you_mean('fgo', ['fog'])}" == "There is no fgo. Did you mean 'fog'?"
