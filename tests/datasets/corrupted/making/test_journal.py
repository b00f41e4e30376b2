import pytest

from mmfan.datasets.corrupted.making.journal import Entry, Journal, find_journals, journal_path, read_journal
from mmfan.datasets.corrupted.making.shards import Shard

ENTRIES = [Entry("fog", 3, "1", "val", f"val/Straße {number}\udcff.png", "ab" * 32) for number in range(5)]


def test_entries_come_back(tmp_path):
    path = journal_path(tmp_path, Shard(2, 3))
    journal = Journal(path)
    for number, entry in enumerate(ENTRIES):
        assert list(read_journal(path)) == ENTRIES[:number]  # noted at once, not when it is closed
        journal.add(entry)
    journal.close()
    assert list(read_journal(path)) == ENTRIES
    assert find_journals(tmp_path) == [path]


def test_cut_anywhere(tmp_path):
    path = tmp_path / "journal-1-of-1.jsonl"
    journal = Journal(path)
    for entry in ENTRIES:
        journal.add(entry)
    journal.close()
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        whole = content[:length].count(b"\n")
        assert list(read_journal(path)) == ENTRIES[:whole]
        journal = Journal(path)
        journal.add(ENTRIES[0])
        journal.close()
        assert list(read_journal(path)) == [*ENTRIES[:whole], ENTRIES[0]]


@pytest.mark.parametrize("line", ["", "{", "[1, 2]", "3"])
def test_damaged_inside(tmp_path, line):
    path = tmp_path / "journal-1-of-1.jsonl"
    path.write_text(line + '\n["fog", 3, "1", "val", "a.png", "00"]\n')
    with pytest.raises(ValueError, match=f"{path}:1 is not an entry of a journal.*Delete the file"):
        list(read_journal(path))


def test_no_journal(tmp_path):
    assert list(read_journal(tmp_path / "none")) == []
