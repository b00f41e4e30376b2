"""Which errors are shown in one line, and which keep their traceback."""

import pytest

from mmfan.apis.config import load_config
from mmfan.cli.options import exits_on_problem
from mmfan.cli.problems import known_problem
from mmfan.environment import check_environment


def caught(function, *args):
    try:
        function(*args)
    except Exception as error:  # noqa: BLE001 - any error is what is looked at
        return error
    raise AssertionError("nothing was raised")


def test_mmfans_own_refusals_are_known():
    error = caught(check_environment, "mmnothing")
    assert known_problem(error) == str(error)
    assert "mmnothing" in str(error)


def test_missing_files_are_known_whoever_raises(tmp_path):
    assert "nothing.txt" in known_problem(caught(open, tmp_path / "nothing.txt"))


def test_errors_of_other_code_are_bugs():
    assert known_problem(caught(int, "x")) is None
    assert known_problem(caught(lambda: 1 / 0)) is None


def test_a_wrapped_refusal_is_found():
    def wrap():
        try:
            check_environment("mmnothing")
        except ValueError as error:
            raise RuntimeError("while building") from error

    assert known_problem(caught(wrap)).startswith("Expected one of")


WORKER = """Caught ValueError in DataLoader worker process 1.
Original Traceback (most recent call last):
  File "/lib/torch/worker.py", line 3, in loop
    data = fetch()
  File "{file}", line 26, in read_label
    raise ValueError(
ValueError: The label image x.png cannot be read.
It is empty.
"""


def test_refusals_in_a_dataloaders_worker_are_known():
    import mmfan

    message = known_problem(caught(raise_, ValueError(WORKER.format(file=mmfan.__file__))))
    assert message == "The label image x.png cannot be read.\nIt is empty."
    assert known_problem(caught(raise_, ValueError(WORKER.format(file="/elsewhere/a.py")))) is None


def raise_(error):
    raise error


def test_exit_status_and_one_message(capsys, tmp_path):
    with pytest.raises(SystemExit) as stopped, exits_on_problem("tool.py", code=2):
        load_config(tmp_path / "a.py")
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("tool.py: error: The config ")
    with pytest.raises(ZeroDivisionError), exits_on_problem("tool.py", code=2):
        raise ZeroDivisionError
