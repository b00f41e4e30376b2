"""Names as parts of paths: ordinary ones as they are, all others inside their folder and each its own."""

import itertools
import os

import pytest

from mmfan.evaluation.results.names import safe_name

ORDINARY = ["fan-t", "fan-t-hybrid_segformer_8xb1-160k", "v1.2", "Größe", "a b", "x~1", "-x", "=x", "a$b", "n" * 200]
ODD = [
    "", ".", "..", "...", " ", "a/b", "a\\b", "a_b/", "/", "/etc/passwd", "../a", "a\x00b", "a\nb", "a\rb", "\x1b[2J",
    ".hidden", "a.", "a ", " a", "con", "NUL", "nul.txt", "Com1", "lpt9.tar.gz", "aux ", "CONIN$", "n" * 201,
    "n" * 300, "ä" * 150,
    "a:b", "a*b", "a?b", 'a"b', "a<b", "a>b", "a|b", "a\u2028b", "a\u202eb", "\ud800", "x~0123456789ab",
]  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_stay(name):
    assert safe_name(name) == name


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_odd_names_become_one_part_of_a_path(name, tmp_path):
    made = safe_name(name)
    assert made != name
    assert safe_name(made) != made  # nobody can call something else so
    assert os.path.basename(made) == made
    assert made.isprintable()
    assert len(made.encode()) <= 200
    assert made.strip(". ") == made
    (tmp_path / made).mkdir()
    assert [entry.name for entry in tmp_path.iterdir()] == [made]


def test_no_two_names_become_one():
    names = {*ORDINARY, *ODD, *(safe_name(name) for name in ODD), "a_b", "_"}
    names |= {"".join(letters) for letters in itertools.product("a/_.~", repeat=4)}
    assert len({safe_name(name) for name in names}) == len(names)


def test_parts_that_are_taken():
    assert safe_name("input") == "input"
    assert safe_name("input", ("input",)).startswith("input~")
    assert safe_name("INPUT", ("input",)).startswith("INPUT~")  # one folder to some file systems
