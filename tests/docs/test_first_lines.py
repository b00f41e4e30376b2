"""First lines of modules say what the module is: a noun phrase, no riddle."""

import ast
import re

from helpers.pages import ROOT

RIDDLE = re.compile(r"(?:What|Which|How|Where|When|Why|Whose|From|One|Is|Are|Does)\b")


def first_lines():
    for path in sorted((ROOT / "mmfan").rglob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        yield path.relative_to(ROOT).as_posix(), docstring.partition("\n")[0]


def test_every_module_says_what_it_is():
    lines = dict(first_lines())
    assert len(lines) > 200
    assert [path for path, line in lines.items() if not line or RIDDLE.match(line)] == []


def test_a_riddle_is_noticed():
    assert RIDDLE.match("How sure a score is: confidence intervals.")
    assert not RIDDLE.match("Confidence intervals by bootstrap over images.")
    assert not RIDDLE.match("Oneness of things.")
