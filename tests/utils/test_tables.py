from mmfan.utils.tables import Table, markdown_table


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
