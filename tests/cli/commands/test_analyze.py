"""``mmfan analyze``: what its command line gives to the one function behind it."""

import subprocess
import sys
from dataclasses import asdict

import pytest

from mmfan.analysis.catalogue import ANALYSES, Settings, get_analysis
from mmfan.cli.commands.analyze import given_options, make_parser, named_models


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a/b.py", ("a/b.py", None)),
        ("a/b.py:c/d.pth", ("a/b.py", "c/d.pth")),
        ("name:c/d.pth", ("name", "c/d.pth")),
        ("name", ("name", None)),
        ("mmfan::name:c/d.pth", ("mmfan::name", "c/d.pth")),
        ("mmfan::name", ("mmfan::name", None)),
        ("b.py:https://x.y/z.pth", ("b.py", "https://x.y/z.pth")),
        ("C:/b.py:C:/d.pth", ("C:/b.py", "C:/d.pth")),
    ],
)
def test_other_models(text, pair):
    args = make_parser("mmfan analyze").parse_args(["variance", "x.py", "x.pth", "--model", text])
    assert named_models(args) == [("x.py", "x.pth"), pair]


def test_options_that_are_not_given_are_left_to_the_dataclasses():
    parse = make_parser("mmfan analyze").parse_args
    args = parse(["patchdrop", "x.py", "--limit", "3", "--ratios", "10", "20", "--grid", "2", "4", "--fill", "mean"])
    assert given_options(args, Settings) == {"limit": 3}
    own = given_options(args, get_analysis("patchdrop").options)
    assert own == {"ratios": [10, 20], "grid": [2, 4], "fill": "mean"}
    made = get_analysis("patchdrop").options(**own)
    assert asdict(made)["ratios"] == (10, 20)
    assert given_options(parse(["hessian", "x.py", "--no-decay"]), get_analysis("hessian").options) == {
        "no_decay": True
    }


def test_help_tells_the_defaults(capsys):
    for name, spec in ANALYSES.items():
        with pytest.raises(SystemExit):
            make_parser("mmfan analyze").parse_args([name, "--help"])
        said = " ".join(capsys.readouterr().out.split())
        assert f"spread evenly over it (default: {spec.pictures})" in said
        assert "(default: None)" not in said
    with pytest.raises(SystemExit):
        make_parser("mmfan analyze").parse_args(["bandnoise", "--help"])
    assert "the highest frequency (default: 10 20 30 40 50 60 70 80 90)" in " ".join(capsys.readouterr().out.split())


def test_the_parser_imports_no_torch():
    code = (
        "import sys; from mmfan.cli.commands.analyze import make_parser; make_parser('x'); "
        "assert not {'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
