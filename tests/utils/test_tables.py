import pytest

from mmfan.utils.tables import Table, markdown_table, markdown_text


def test_numbers_stand_right_and_bars_are_escaped():
    table = Table("t", "c", ("name", "mIoU"), (("a|b", "1"), ("c", "61.23")))
    assert markdown_table(table).splitlines() == [
        "| name |  mIoU |",
        "| ---- | ----: |",
        "| a\\|b |     1 |",
        "| c    | 61.23 |",
    ]


def test_columns_of_words_stand_left():
    table = Table("t", "c", ("a", "b"), (("x", "long word"),), texts=2)
    assert markdown_table(table).splitlines()[1:] == ["| --- | --------- |", "| x   | long word |"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("_fan_", r"\_fan_"),
        ("__fan__", r"\_\_fan__"),
        ("(_a_b_)", r"(\_a_b_)"),
        ("a_b_c _d", "a_b_c _d"),  # nothing ends there
        ("mit_b0 _ x_", "mit_b0 _ x_"),
        ("~5 % ~ 6", r"\~5 % ~ 6"),
        ("~5 %", "~5 %"),
    ],
)
def test_emphasis_does_not_begin(text, written):
    assert markdown_text(text) == written


def test_columns_of_escaped_names_are_aligned():
    table = Table("t", "c", ("name", "mIoU"), (("_fan_", "1"), ("fan_t_x", "2")))
    assert markdown_table(table).splitlines()[2:] == [r"| \_fan_  |    1 |", "| fan_t_x |    2 |"]
