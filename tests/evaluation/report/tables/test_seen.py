"""The table of seen and unseen types, by hand: fog 0.5, contrast 0.3, clean 0.8."""

from helpers.small_results import PROTOCOL, records, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.tables.seen import seen_and_unseen
from mmfan.evaluation.report.tables.tables import all_tables

OVERLAP = {"overlaps": ["contrast", "fog"], "added": ["fog"], "unknown": []}


def make(tmp_path, *groups):
    return build_report(read_runs([write(tmp_path / "a.jsonl", *groups)]), PROTOCOL)


def test_means_over_seen_and_unseen(tmp_path):
    only = {"overlaps": ["contrast"], "added": [], "unknown": ["Albu"]}
    both = {"overlaps": ["contrast", "fog", "snow"], "added": ["fog", "snow"], "unknown": []}
    report = make(tmp_path, records(training_overlap=only), records("b", training_overlap=both), records("c"))
    table = seen_and_unseen(report)
    assert table.head == ("corruption", "fan-t", "b")  # of c nothing is known
    assert table.rows == (
        ("fog", "-", "seen, added"),
        ("contrast", "seen", "seen"),
        ("mean of seen types", "30.0", "40.0"),
        ("mean of unseen types", "50.0", "-"),
        ("retention of unseen types", "62.5", "-"),
        ("retention of types that none of them saw", "-", "-"),
    )
    assert table.sections == (2,)
    assert "nobody has said what these steps of the training show: Albu" in table.caption
    assert table in all_tables(report)


def test_over_the_types_that_none_saw_models_can_be_compared(tmp_path):
    """fog retains 50 of 80; of the model that saw nothing the other rows are over contrast (30) as well."""
    saw = {"overlaps": ["contrast", "zoom_blur"], "added": ["zoom_blur"], "unknown": []}
    none = {"overlaps": ["pixelate"], "added": ["pixelate"], "unknown": []}  # not of this protocol
    rows = seen_and_unseen(make(tmp_path, records(training_overlap=saw), records("b", training_overlap=none))).rows
    assert rows[-2:] == (
        ("retention of unseen types", "62.5", "50.0"),
        ("retention of types that none of them saw", "62.5", "62.5"),
    )
    alike = seen_and_unseen(make(tmp_path, records(training_overlap=saw), records("b", training_overlap=saw)))
    assert alike.rows[-1][0] == "retention of unseen types"


def test_a_training_that_shows_nothing_is_told(tmp_path):
    table = seen_and_unseen(make(tmp_path, records(training_overlap={"overlaps": [], "added": [], "unknown": []})))
    assert table.rows[0] == ("mean of seen types", "-")
    assert table.rows[1:] == (("mean of unseen types", "40.0"), ("retention of unseen types", "50.0"))


def test_without_a_word_of_training_there_is_no_table(tmp_path):
    report = make(tmp_path, records())
    assert seen_and_unseen(report).rows == ()
    assert "Seen in training" not in [table.title for table in all_tables(report)]
