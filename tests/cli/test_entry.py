"""The table of commands: every one answers --help without torch, names a bad argument, and has its parser."""

import json
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mmfan.analysis.catalogue import ANALYSES
from mmfan.benchmark.workload import ARCHS
from mmfan.cli import main
from mmfan.cli.commands.bench.segmentor import SIZES
from mmfan.cli.entry import COMMANDS, FIRST_STEPS, JOURNEYS, NAMES, choose
from mmfan.utils.commands import TOOLS
from mmfan.version import __version__

ROOT = Path(__file__).parents[2]
# Runs every --help in one process, and says which heavy packages are there after each.
HELPS = """
import contextlib, io, json, runpy, sys
from mmfan.cli import main
lines, tools, told = *map(json.loads, sys.argv[1:]), {}
def look(words, call):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            status = call()
        except SystemExit as stopped:
            status = stopped.code
    heavy = [name for name in ("torch", "mmengine", "mmcv", "mmseg", "mmdet", "matplotlib") if name in sys.modules]
    told[words] = [status, heavy, out.getvalue()]
for words in lines:
    look(words, lambda: main([*words.split(), "--help"]))
for tool in tools:
    sys.argv = [tool, "--help"]
    look(tool, lambda: runpy.run_path(tool, run_name="__main__"))
print(json.dumps(told))
"""
LINES = ["", "prepare", *COMMANDS, *(f"analyze {name}" for name in ANALYSES)]
TOOL_FILES = [f"tools/{name}" for name in sorted(TOOLS.values())]


@pytest.fixture(scope="module")
def helps():
    command = [sys.executable, "-c", HELPS, json.dumps(LINES), json.dumps(TOOL_FILES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.process
@pytest.mark.parametrize("words", [*LINES, *TOOL_FILES])
def test_help_needs_no_torch(helps, words):
    status, heavy, text = helps[words]
    assert status in (0, None)
    assert heavy == []
    assert text.strip()


@pytest.mark.process
def test_help_names_the_commands_that_the_reader_has(helps):
    assert "mmfan judge fan_segformer_mini" in helps["judge"][2]
    assert "python tools/test_robustness.py fan_segformer_mini" in helps["tools/test_robustness.py"][2]
    assert "`python tools/report.py`" in helps["tools/test_robustness.py"][2]
    assert "usage: mmfan judge " in helps["judge"][2]
    assert "usage: test_robustness.py " in helps["tools/test_robustness.py"][2]
    assert all(words in helps[""][2] for words in COMMANDS)


def test_the_promised_commands_are_there():
    promised = "train test judge report corrupt analyze infer convert export prepare mini bench env configs submit"
    assert " ".join(NAMES) == promised
    for module, _ in COMMANDS.values():
        command = import_module(f"mmfan.cli.commands.{module}")
        assert command.make_parser("x").prog == "x"
        assert command.__doc__
        assert callable(command.run)


def test_every_command_is_on_one_journey():
    assert sorted(words for commands in JOURNEYS.values() for words in commands) == sorted(COMMANDS)


def examples():
    """The command lines in the heads of commands, and in the help of mmfan."""
    for words, (module, _) in COMMANDS.items():
        head = import_module(f"mmfan.cli.commands.{module}").__doc__
        lines = re.findall(r"^    (mmfan .*|torchrun .*)$", head, re.MULTILINE)
        yield from ((words, line) for line in lines)
    yield from (("", line) for line in FIRST_STEPS)


def test_every_help_opens_with_what_the_command_does_and_an_example():
    for words, (module, _) in COMMANDS.items():
        first, empty, example, *_ = import_module(f"mmfan.cli.commands.{module}").__doc__.splitlines()
        assert first.endswith((".", "?"))
        assert empty == ""
        assert example.startswith(f"    mmfan {words.split()[0]}"), words


@pytest.mark.parametrize(("words", "line"), list(examples()))
def test_examples_are_command_lines_that_are_taken(words, line):
    arguments = shlex.split(line.partition("  #")[0])
    chosen, rest = choose(arguments[arguments.index("mmfan") + 1 :])
    if words and words != "bench":  # whose help shows all of its kinds
        assert chosen == words
    import_module(f"mmfan.cli.commands.{COMMANDS[chosen][0]}").make_parser("x").parse_args(rest)


def test_a_command_line_is_given_to_its_command():
    assert choose(["corrupt", "a", "b"]) == ("corrupt", ["a", "b"])
    assert choose(["corrupt", "a.png", "--sheet", "--seed", "1"]) == ("corrupt --sheet", ["a.png", "--seed", "1"])
    assert choose(["infer", "--compare", "c"]) == ("infer --compare", ["c"])
    assert choose(["bench", "corruptions", "--help"]) == ("bench corruptions", ["--help"])
    assert choose(["bench", "--threads", "1"]) == ("bench", ["--threads", "1"])
    assert choose(["mini", "corruptions"]) == ("mini", ["corruptions"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage: mmfan COMMAND"),
        (["trian"], "mmfan: error: There is no command 'trian'. Did you mean 'train'?"),
        (["nothing"], "There is no command 'nothing'. There are train, test, judge"),
        (["prepare"], "mmfan prepare cityscapes --help"),
        (["prepare", "citysapes"], "mmfan prepare camvid --help"),
    ],
)
def test_mistyped_commands(arguments, message, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert message in said.err + said.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "fan_segformer_mni"], "mmfan train: error: The config fan_segformer_mni does not exist"),
        (["train", "x", "--cfg-options", "a"], "argument --cfg-options: expected KEY=VALUE, got 'a'"),
        (["test", "fan_segformer_mini"], "mmfan test: error: the following arguments are required: checkpoint"),
        (["judge", "fan_segformer_mini"], "mmfan judge: error: the following arguments are required: checkpoint"),
        (["judge", "a", "b", "--limit", "0"], "argument --limit: expected a whole number of at least 1, got '0'"),
        (
            ["report", "none.jsonl"],
            "mmfan report: error: There is no results file none.jsonl; `mmfan judge` ",
        ),
        (["corrupt", "none", "b"], "mmfan corrupt: error: "),
        (["corrupt", "--sheet", "none.png"], "mmfan corrupt --sheet: error: No such file or directory: 'none.png'"),
        (["analyze", "spectrun", "a"], "invalid choice: 'spectrun'"),
        (["analyze", "spectrum", "none"], "mmfan analyze: error: The config none does not exist"),
        (["infer", "a", "b", "c", "--opacity", "2"], "argument --opacity: expected a number from 0 to 1, got '2'"),
        (["infer", "a", "b", "none.png"], "mmfan infer: error: "),
        (["infer", "--compare", "a", "b"], "mmfan infer --compare: error: the following arguments are required: --out"),
        (["convert", "none.pth", "b.pth"], "mmfan convert: error: The checkpoint none.pth does not exist"),
        (["prepare", "cityscapes", "none"], "mmfan prepare cityscapes: error: "),
        (["prepare", "camvid", "none", "b"], "mmfan prepare camvid: error: No CamVid found"),
        (["mini", "coco", "b", "--workers", "0"], "argument --workers: expected a whole number of at least 1, got '0'"),
        (["mini", "cityscape", "b"], "invalid choice: 'cityscape'"),
        (["bench", "--size", "65"], "mmfan bench: error: Expected a picture side that is a positive multiple of 16"),
        (["bench", "corruptions", "--size", "20x20"], "mmfan bench corruptions: error: "),
        (["bench", "detection", "--size", "33x32"], "mmfan bench detection: error: "),
        (["env", "--jsno"], "mmfan env: error: unrecognized arguments: --jsno"),
        (["configs", "--path", "none"], "mmfan configs: error: The config none does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_argument_ends_with_one_line_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_version_and_module(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mmfan {__version__}\n"
    done = subprocess.run([sys.executable, "-m", "mmfan", "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"mmfan {__version__}\n")


def test_sizes_of_the_benchmark_are_those_that_there_are():
    assert SIZES == ARCHS
