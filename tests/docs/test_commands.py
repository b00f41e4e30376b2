"""Every command line of the pages is one that mmfan takes: the command exists, and so do its options and its config."""

import argparse
import re
from importlib import import_module
from itertools import product

import pytest
from helpers.pages import PAGES, ROOT, blocks, inline_code, mmfan_arguments, shell_lines, text_of

from mmfan.cli.entry import COMMANDS, choose

CONFIGS = {path.stem for path in (ROOT / "configs").rglob("*.py") if "_base_" not in path.parts}
OPTION = re.compile(r"--[a-z][a-z-]*")


def parsers_of(parser, words):
    """The parser and that of the subcommand which ``words`` choose."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from (sub for name, sub in action.choices.items() if name in words)


def shown_options(parser, words):
    """The options that ``--help`` shows: old spellings are taken and not shown."""
    for one in parsers_of(parser, words):
        for action in one._actions:
            if action.help != argparse.SUPPRESS:
                yield from action.option_strings


def made_by(page):
    """The files that a page's own blocks make: configs that later commands may name."""
    text = text_of(page)
    named = {word.removeprefix("file=") for block in blocks(text) for word in block.words if word.startswith("file=")}
    return named | {f"{name}.py" for name in re.findall(r"^mmfan configs --copy (\w+) \.", text, re.MULTILINE)}


def is_of_a_package(config):
    """Whether it is the address of a config of mmsegmentation or mmdetection."""
    if not config.startswith(("mmseg::", "mmdet::")):
        return False
    from mmfan.apis import load_config

    return bool(load_config(config).model)


def problem_of(arguments, *, whole, capsys, own=()):
    """What is wrong with a command line; "" for nothing."""
    try:
        command, rest = choose(arguments)
    except KeyError:
        return f"there is no command {' '.join(arguments[:2])!r}"
    parser = import_module(f"mmfan.cli.commands.{COMMANDS[command][0]}").make_parser(f"mmfan {command}")
    if whole:
        try:
            args = parser.parse_args(rest)
        except SystemExit:
            return capsys.readouterr().err.strip().splitlines()[-1]
        config = getattr(args, "config", None) or "CONFIG"  # a network in another form has none
        known = {"CONFIG", *own} | CONFIGS
        if not (config.removeprefix("mmfan::") in known or (ROOT / config).is_file() or is_of_a_package(config)):
            return f"there is no config {config!r}"
    known = set(shown_options(parser, rest))
    unknown = [word for word in rest if OPTION.fullmatch(word) and word not in known]
    return f"{command} shows no option {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("page", PAGES)
def test_command_lines_are_taken(page, capsys):
    problems = []
    for words in shell_lines(text_of(page)):
        arguments = mmfan_arguments(words)
        if arguments is not None:
            problem = problem_of(arguments, whole=True, capsys=capsys, own=made_by(page))
            problems += [f"{' '.join(words)}: {problem}"] if problem else []
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("page", PAGES)
def test_commands_within_sentences_exist(page, capsys):
    groups = {command.split()[0] for command in COMMANDS}
    problems = []
    for code in inline_code(text_of(page)):
        arguments = mmfan_arguments(code.removeprefix("python ").split())
        if not arguments or arguments[0] in ("COMMAND", "--help") or (len(arguments) == 1 and arguments[0] in groups):
            continue
        problem = problem_of(arguments, whole=False, capsys=capsys)
        problems += [f"{code}: {problem}"] if problem else []
    assert not problems, "\n".join(problems)


def expanded(name):
    """``a-{b,c}`` as ``a-b`` and ``a-c``."""
    parts = [part.split(",") for part in re.split(r"[{}]", name)]
    return ["".join(choice) for choice in product(*parts)]


@pytest.mark.parametrize("page", PAGES)
def test_configs_named_in_the_pages_exist(page):
    named = re.compile(
        r"(?:fan|alternet|segformer_mit|cascade-rcnn)[\w{},-]*_[\w{},-]*(?:cityscapes|1024|coco|camvid|bccd|mini)"
    )
    names = [one for code in inline_code(text_of(page)) if named.fullmatch(code) for one in expanded(code)]
    assert set(names) <= CONFIGS


def test_the_front_page_and_the_others_have_command_lines():
    count = {page: sum(mmfan_arguments(words) is not None for words in shell_lines(text_of(page))) for page in PAGES}
    assert count["README.md"] >= 10
    assert {page for page, lines in count.items() if lines} >= {"docs/judging.md", "docs/analysis.md", "data/README.md"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("mmfan judge CONFIG CHECKPOINT --limit 3", ""),
        ("mmfan judge CONFIG CHECKPOINT --limt 3", "--limt"),
        ("mmfan judge CONFIG CHECKPOINT --corruption fog", "shows no option --corruption"),  # argparse completes it
        ("mmfan judge no_such_config CHECKPOINT", "there is no config 'no_such_config'"),
        ("mmfan juge CONFIG CHECKPOINT", "there is no command 'juge CONFIG'"),
        ("mmfan test CONFIG", "checkpoint"),
        ("mmfan train CONFIG --local-rank 0", "shows no option --local-rank"),  # hidden
        ("torchrun --nproc_per_node 8 -m mmfan analyze cka CONFIG --bath 4", "--bath"),
        ("X=CONFIG && mmfan analyze cka CONFIG --batch 4", ""),
    ],
)
def test_a_wrong_line_is_named(line, problem, capsys):
    page = f"```bash\n{line}\n```\n"
    found = [problem_of(mmfan_arguments(words), whole=True, capsys=capsys)
             for words in shell_lines(page) if mmfan_arguments(words) is not None]  # fmt: skip
    assert len(found) == 1
    assert problem in found[0] if problem else found == [""]


def test_variables_of_the_page_are_put_in():
    lines = 'CKPT=a.pth   # the last\nFAN="one two"\nmmfan test one $CKPT \\\n  --tta && mmfan x $FAN  # so\n'
    page = f"x\n\n```bash\n{lines}```\n"
    assert list(shell_lines(page)) == [["mmfan", "test", "one", "a.pth", "--tta"], ["mmfan", "x", "one", "two"]]
    with pytest.raises(KeyError, match="CKPT"):
        list(shell_lines("```\nmmfan test one $CKPT\n```\n"))
