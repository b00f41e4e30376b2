"""Commands of the pages are run, or say why not; and the runner notices what does not hold."""

import os
import re
import shlex

import pytest
from helpers.pages import PAGES, ROOT, Block, blocks, text_of
from page_runs.marks import REASONS, SHELLS, is_run, mark, reason_of, run_blocks
from page_runs.printed import missing, renewed
from page_runs.run import RUN_PAGES, failures_of, run_page
from page_runs.script import run_script, script_of

WORDS = {*REASONS, "fragment"}
NAMED = ("exit", "file", "tested-by")
TARGETS = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))


def shell_blocks(page):
    return [block for block in blocks(text_of(page)) if block.language in SHELLS]


@pytest.mark.parametrize("page", PAGES)
def test_marks_are_known(page):
    unknown = [word for block in blocks(text_of(page)) for word in block.words
               if word not in WORDS and word.partition("=")[0] not in NAMED]  # fmt: skip
    assert unknown == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_run_or_says_why_not(page):
    unrun = [block.line for block in shell_blocks(page) if not (is_run(page, block) or reason_of(block))]
    assert unrun == []
    assert page in RUN_PAGES or all(reason_of(block) for block in shell_blocks(page))
    # a fence without a language would hide commands from this
    hidden = [block.line for block in blocks(text_of(page)) if block.language == "" and "mmfan " in block.text]
    assert hidden == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_run_elsewhere_are_there(page):
    for block in shell_blocks(page):
        place = mark(block, "tested-by")
        if place:
            there = text_of(place)
            for line in block.text.splitlines():
                words = shlex.split(line, comments=True)
                assert " ".join(words) in there, f"{page}:{block.line}: {place} has no {line!r}"


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_exist(page):
    named = {word for block in shell_blocks(page) for line in block.text.splitlines()
             for word in re.findall(r"^(?:[A-Z_]+=\S+ )*make ([a-z-]+)", line)}  # fmt: skip
    assert named <= TARGETS


def test_much_is_run():
    every = [(page, block) for page in PAGES for block in shell_blocks(page)]
    run = [(page, block) for page, block in every if is_run(page, block)]
    assert len(run) > len(every) / 2
    assert len(run) > 50
    assert {page for page, _ in run} >= {"README.md", "docs/judging.md", "docs/tutorials/five_minutes.md"}


def page_of(text):
    return [block for block in blocks(text) if block.language == "output" or is_run("docs/tutorials/x.md", block)]


def run_text(text, folder):
    found = page_of(text)
    printed = run_script(script_of(found, {"CONFIG": "my.py"}), folder, folder / "log")
    return failures_of(found, printed), printed


PAGE = """
```bash
X=3; echo "fog $X: 12.5 %"
```

```output
fog 1: 99.9 %
```

```python file=my.py
print("from a file")
```

```bash
python CONFIG
```

```output
from a ...
```

```bash exit=4
echo "no picture"; exit 4
```

```bash needs-data
rm nothing
```

```python
print("last", 1)
```

```output
last 1
```
"""


@pytest.mark.process
def test_a_page_that_holds(tmp_path):
    failures, printed = run_text(PAGE, tmp_path)
    assert failures == []
    assert printed.status == 0
    assert (tmp_path / "my.py").read_text() == 'print("from a file")\n'
    assert "fog 3: 12.5 %" in (tmp_path / "log").read_text()


@pytest.mark.process
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fog 1: 99.9 %", "snow 1: 99.9 %", "shown and not printed:\nsnow 1: 99.9 %"),
        ("exit=4", "exit=3", "status 1\nno picture"),
        ("exit 4", "true", "status 1"),
        ("python CONFIG", "python other.py", "other.py"),
        ('print("last", 1)', "raise SystemExit(5)", "status 5"),
    ],
)
def test_what_does_not_hold_is_told(old, new, said, tmp_path):
    failures, _ = run_text(PAGE.replace(old, new, 1), tmp_path)
    assert said in failures[0].text


def test_output_is_compared_apart_from_numbers():
    printed = "a 1\n| x | 2.5 |\n\n|---|-----|\nb: 3 left\nc\nd 4\n"
    assert missing("a 7\n| x   | 99 |\n", printed) == []
    assert missing("a 7\n...\nc\n", printed) == []
    assert missing("b: ...\n", printed) == []
    assert missing("a 7\nc\n", printed) == ["a 7", "c"]  # between them stands more, and no gap is shown
    assert missing("c\n...\na 1\n", printed) == ["a 1"]  # the order counts
    assert missing("e\n", printed) == ["e"]


def test_numbers_are_renewed_and_nothing_else():
    assert renewed("a 7\n...\nb: ...\nd 9\n", "a 1\nx\nb: 3 left\nd 4\n") == "a 1\n...\nb: ...\nd 4\n"
    assert renewed("| m |  7.5 [7, 8] | ...\n", "| m |  6.25 [6, 9] | x | 3 |\n") == "| m |  6.25 [6, 9] | ...\n"
    assert renewed("... 3 of them ... 5 s\n", "there are 4 of them, 2 lost, in 6 s\n") == "... 4 of them ... 6 s\n"
    assert renewed("e 1\n", "a 1\n") == "e 1\n"


def test_names_are_put_in_as_whole_words():
    block = Block("bash", (), "mmfan judge CONFIG $CONFIG MY_CONFIG CONFIG.py\n", "", 1)
    assert "mmfan judge my.py $CONFIG MY_CONFIG CONFIG.py\n" in script_of([block], {"CONFIG": "my.py"})


def test_the_page_that_makes_its_own_environment_sees_no_other(monkeypatch):
    from page_runs.script import environment

    monkeypatch.setenv("VIRTUAL_ENV", "x")
    here = environment(own=False)["PATH"].split(os.pathsep)[0]
    assert here not in environment(own=True)["PATH"].split(os.pathsep)
    assert "VIRTUAL_ENV" not in environment(own=True)


@pytest.mark.slow
@pytest.mark.process
def test_the_tutorial_that_needs_no_torch(tmp_path):
    failures, _ = run_page("docs/tutorials/corrupted_set.md", tmp_path / "page", tmp_path / "log")
    assert failures == []
    assert len(run_blocks("docs/tutorials/corrupted_set.md")) > 10
    assert (ROOT / "docs/images/corruptions.jpg").is_file()
