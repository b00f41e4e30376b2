"""Which errors are shown in one line, and which keep their traceback."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from mmfan.apis.config import load_config
from mmfan.cli.problems import BUG, known_problem
from mmfan.cli.problems import exits_on_problem as exits
from mmfan.environment import EnvironmentMismatchError, check_environment
from mmfan.errors import MMFanError


def caught(function, *args):
    try:
        function(*args)
    except Exception as error:  # noqa: BLE001 - any error is what is looked at
        return error
    raise AssertionError("nothing was raised")


def raise_(error, cause=None):
    raise error from cause


def test_mmfans_own_refusals_are_known():
    error = caught(check_environment, "mmnothing")
    assert known_problem(error) == str(error)
    assert "mmnothing" in str(error)


def test_messages_do_not_steer_the_terminal():
    error = MMFanError("There is no model 'a\x1b[2Jb\u202ec\u2028d\ud800'\n  in the file.")
    shown = "There is no model 'a\\x1b[2Jb\\u202ec\\u2028d\\ud800'\n  in the file."
    assert known_problem(error) == shown
    long = known_problem(MMFanError("begin" + "x" * 10_000 + "end"))
    assert len(long) == 2005
    assert (long[:5], long[-3:]) == ("begin", "end")


def test_refusals_of_the_system_are_known_whoever_meets_them(tmp_path):
    missing = tmp_path / "nothing.txt"
    assert known_problem(caught(open, missing)) == f"No such file or directory: '{missing}'"
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    moved = caught(os.replace, tmp_path / "file", tmp_path / "folder")
    assert known_problem(moved) == f"Is a directory: '{tmp_path / 'folder'}'"  # the name that the user gave
    assert known_problem(caught(open, tmp_path / ("n" * 300))).startswith("File name too long: '")
    assert known_problem(OSError(errno.ENOSPC, "No space left on device")) == "No space left on device"
    assert known_problem(OSError(errno.EROFS, "Read-only file system", "/data/a")) == "Read-only file system: '/data/a'"
    assert known_problem(OSError("broken data stream when reading image file")).startswith("broken data")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("not enough values to unpack (expected 3, got 2)"),  # also when a line of mmfan raises it
        caught(lambda: 1 / 0),
        KeyError("mIoU"),
        AssertionError(),
        OSError(errno.EBADF, "Bad file descriptor"),
        FileExistsError(errno.EEXIST, "File exists", "a"),
        ModuleNotFoundError("No module named 'mmfan.nothing'", name="mmfan.nothing"),
        ModuleNotFoundError("No module named 'numpy.nothing'", name="numpy.nothing"),
    ],
    ids=repr,
)
def test_other_errors_are_bugs(error):
    assert known_problem(error) is None


def test_a_bug_while_a_refusal_is_handled_is_a_bug():
    def handle():
        try:
            check_environment("mmnothing")
        except MMFanError:
            {}["a"]

    assert known_problem(caught(handle)) is None


def test_a_wrapped_refusal_is_found():
    error = caught(raise_, RuntimeError("while building"), MMFanError("Expected one of a, b."))
    assert known_problem(error) == "Expected one of a, b."


def test_a_registry_puts_its_class_before_the_message():
    error = MMFanError("class `FANHybrid` in mmfan/models/backbones/fan_hybrid.py: Expected one of a, b.")
    assert known_problem(error) == "Expected one of a, b."
    twice = EnvironmentMismatchError("class `A` in a.py: class `B` in b/c.py: class `C` is not installed")
    assert known_problem(twice) == "class `C` is not installed"


def test_a_missing_package_is_named_with_its_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    error = ModuleNotFoundError("import of cv2 halted", name="cv2")
    assert known_problem(error) == (
        "This needs the package `cv2`, which is not installed. Install it with `pip install opencv-python-headless`."
    )
    monkeypatch.setitem(sys.modules, "mmdet", None)
    assert "`mmdet`, which is not installed. Install " in known_problem(ModuleNotFoundError("no mmdet", name="mmdet"))
    monkeypatch.setitem(sys.modules, "mmcv._ext", None)
    said = known_problem(ModuleNotFoundError("No module named 'mmcv._ext'", name="mmcv._ext"))
    assert said.startswith("This needs the package `mmcv._ext`, which is not installed. Install mmcv")


WORKER = """Caught MMFanError in DataLoader worker process 1.
Original Traceback (most recent call last):
  File "/lib/torch/worker.py", line 3, in loop
    data = fetch()
  File "/lib/mmfan/a.py", line 26, in read_label
    raise MMFanError(
mmfan.errors.MMFanError: The label image x.png cannot be read.
It is empty.
"""


def test_refusals_in_a_dataloaders_worker_show_their_own_words():
    assert known_problem(MMFanError(WORKER)) == "The label image x.png cannot be read.\nIt is empty."
    missing = FileNotFoundError(WORKER.replace("mmfan.errors.MMFanError: The", "FileNotFoundError: The"))
    assert known_problem(missing) == "The label image x.png cannot be read.\nIt is empty."
    assert known_problem(ValueError(WORKER.replace("mmfan.errors.MMFanError", "ValueError"))) is None


def test_exit_status_and_one_message(capsys, tmp_path):
    with pytest.raises(SystemExit) as stopped, exits("mmfan x", code=2):
        load_config(tmp_path / "a.py")
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("mmfan x: error: The config ")
    with pytest.raises(ZeroDivisionError), exits("mmfan x", code=2):
        raise ZeroDivisionError


# A command that does what the test says, in the place of `mmfan report`: a process of its own, without torch.
COMMAND = """
import sys, types
module = types.ModuleType("mmfan.cli.commands.report")
exec({body!r}, module.__dict__)
sys.modules["mmfan.cli.commands.report"] = module
sys.argv = ["mmfan", "report"]
from mmfan.cli import main
sys.exit(main())
"""
PARSER = "import argparse, os, sys, time\ndef make_parser(prog): return argparse.ArgumentParser(prog)\n"


def start(body):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(body=f"{PARSER}def run(args, parser):\n  {body}\n")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.process
def test_a_bug_keeps_its_traceback_and_says_where_to_report_it():
    process = start("int('x')")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("Traceback (most recent call last):")
    assert err.endswith(f"ValueError: invalid literal for int() with base 10: 'x'\n{BUG}\n")
    assert out == ""


@pytest.mark.process
def test_ctrl_c_is_one_line():
    process = start("print('ready', flush=True); time.sleep(60)")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "\nInterrupted.\n")
    assert process.returncode == 130


@pytest.mark.process
@pytest.mark.parametrize("output", ["sys.stdout.write('x' * 200000)", "print('x')"], ids=["many bytes", "one line"])
def test_a_reader_that_goes_away_is_no_error(output):
    process = start(f"sys.stdin.read(); {output}; return 0".replace("sys.stdin.read()", "time.sleep(0.5)"))
    process.stdout.close()
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.returncode == 141
    assert process.stderr.read() == ""


@pytest.mark.process
def test_a_broken_pipe_between_processes_is_a_bug():
    process = start("raise BrokenPipeError(32, 'Broken pipe')")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert BUG in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_named_where_the_system_does_not():
    def write():
        with open("/dev/full", "w") as file:
            file.write("x" * 100_000)

    assert known_problem(caught(write)) == "No space left on device: '/dev/full'"
