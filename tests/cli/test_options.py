"""Options that commands share: their checks, former spellings, and that help shows only the present ones."""

import argparse

import pytest

from mmfan.cli import options
from mmfan.cli.commands import compare, infer
from mmfan.cli.commands.judge import command as judge
from mmfan.errors import MMFanError


def parse(module, *words):
    return module.make_parser("x").parse_args(list(words))


def test_former_spellings_mean_the_same():
    assert str(parse(infer, "c", "k", "p").out) == "work_dirs/predictions"
    assert parse(infer, "c", "k", "p", "--out-dir", "a").out == parse(infer, "c", "k", "p", "--out", "a").out
    assert parse(compare, "c", "k", "--out", "a.png").limit == 4
    assert parse(compare, "c", "k", "--out", "a.png", "--count", "7").limit == 7
    assert parse(compare, "c", "k", "--out", "a.png", "--limit", "7").limit == 7
    assert parse(judge, "c", "--local_rank", "3").local_rank == 3


def test_help_shows_the_present_spelling_alone():
    for module, former in ((infer, "--out-dir"), (compare, "--count"), (judge, "--local_rank")):
        assert former not in module.make_parser("x").format_help()


@pytest.mark.parametrize("text", ["1.5", "x", "", "-1", "0", "1e3", "٣"])
def test_whole_numbers(text):
    assert options.whole(1)("12") == 12
    assert options.whole(0)("0") == 0
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number of at least 1, got "):
        options.whole(1)(text)


@pytest.mark.parametrize("text", ["1.5", "-0.1", "x", "nan", "inf"])
def test_fractions(text):
    assert options.fraction("0.25") == 0.25
    with pytest.raises(argparse.ArgumentTypeError, match="expected a number from 0 to 1, got "):
        options.fraction(text)


def test_settings_of_the_config_are_read_as_mmengine_reads_them():
    words = ["--cfg-options", "a.b=1", "c=[2,(3,x)]", "--cfg-options", "d=None", "e=f=g"]
    assert parse(judge, "c", *words).cfg_options == {"a.b": 1, "c": [2, (3, "x")], "d": None, "e": "f=g"}
    assert parse(judge, "c").cfg_options == {}


def test_modules_of_the_user_are_found_beside_him(tmp_path, monkeypatch):
    import sys

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine_of_this_test.py").write_text("import nothing_of_the_kind\n")
    with pytest.raises(MMFanError, match="--import mine_of_this_test: No module named 'nothing_of_the_kind'"):
        options.import_modules(["mine_of_this_test"])
    (tmp_path / "mine_of_this_test.py").write_text("x = 1\n")
    options.import_modules(["mine_of_this_test"])
    assert sys.modules.pop("mine_of_this_test").x == 1
