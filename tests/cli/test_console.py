"""Consoles of commands: whose words are shown, in which form and where, and what goes to the log file alone."""

import argparse
import logging
import sys
import warnings
from types import SimpleNamespace

import pytest
from mmengine.logging import MMLogger, print_log

from mmfan.cli.console import own_console, shown_path

PAIRS = {
    "mmseg.datasets.a": False,
    "pycocotools.coco": False,
    "numpy.core": False,
    "my_plugin.b": True,
    "mmfan.x": True,
}


def say_as(module, code, **names):
    """Run code as if it stood in a module."""
    exec(code, {"__name__": module, "print_log": print_log, "warnings": warnings, **names})


@pytest.fixture
def console(tmp_path):
    """Console with a logger that writes to a file, as a Runner's; ends when the test does."""
    opened, made = [], []

    def open_console(verbose=False, quiet=False, **shown):
        args = argparse.Namespace(verbose=verbose, quiet=quiet)
        context = own_console("mmfan x", args, **shown)
        opened.append(context)
        context.__enter__()
        return tmp_path / "log"

    def logger():
        made.append(MMLogger(f"test_{tmp_path.name}", log_file=str(tmp_path / "log")))
        return made[-1]

    yield SimpleNamespace(open=open_console, logger=logger)
    for context in opened:
        context.__exit__(None, None, None)
    for handler in (handler for logger in made for handler in logger.handlers):
        handler.close()


@pytest.mark.parametrize(("module", "shown"), PAIRS.items())
def test_prints_of_libraries_go_to_the_log(console, capsys, module, shown):
    log = console.open()
    say_as(module, "print('before', 'the log'); print('two\\nlines')")
    console.logger()
    say_as(module, "print('after it')")
    said = capsys.readouterr()
    text = log.read_text()
    for line in ("before the log", "two", "lines", "after it"):
        assert (line in said.out) == shown
        assert (line in text) == (not shown)
    assert said.err == ""


@pytest.mark.parametrize(("module", "shown"), PAIRS.items())
def test_logs_of_libraries_go_to_the_log_alone(console, capsys, module, shown):
    log = console.open()
    logger = console.logger()
    say_as(module, "logger.info('word'); print_log('passed on', logger)", logger=logger)
    said = capsys.readouterr()
    assert said.err == ("word\npassed on\n" if shown else "")
    assert said.out == ""
    assert "INFO - word\n" in log.read_text()
    assert "INFO - passed on\n" in log.read_text()


@pytest.mark.parametrize(("module", "shown"), PAIRS.items())
@pytest.mark.parametrize("category", [UserWarning, FutureWarning, RuntimeWarning])
def test_warnings_of_libraries_go_to_the_log(console, capsys, module, shown, category):
    log = console.open()
    console.logger()
    warnings.simplefilter("always")
    say_as(module, "for _ in range(2): warnings.warn('of\\n two lines', category, stacklevel=1)", category=category)
    # however many times it is given, and whomever it blames
    say_as(module, "warnings.warn('of two lines', category, stacklevel=3)", category=category)
    said = capsys.readouterr()
    assert said.err == ("mmfan x: warning: of two lines\n" if shown else "")
    assert said.out == ""
    assert "of two lines" in log.read_text()


def test_a_gpu_that_cannot_be_used_is_told(console, capsys):
    console.open()
    warnings.simplefilter("always")
    say_as("torch.cuda", "warnings.warn('the driver is too old'); warnings.warn('old name', FutureWarning)")
    assert capsys.readouterr().err == "mmfan x: warning: the driver is too old\n"


def test_warnings_that_a_library_logs(console, capsys):
    log = console.open()
    logger = console.logger()
    library = "logger.warning('a.b is skipped since its requires_grad=False'); logger.warning('the weights do not fit')"
    say_as("mmengine.optim", library * 1 + "; logger.warning('the weights do not fit'); logger.error('broken')",
           logger=logger)  # fmt: skip
    assert capsys.readouterr().err == "mmfan x: warning: the weights do not fit\nmmfan x: warning: broken\n"
    assert "requires_grad=False" in log.read_text()


def test_news_of_a_training_in_short(console, capsys):
    log = console.open()
    logger = console.logger()
    lines = [
        "Iter(train) [ 50/700]  base_lr: 6.0e-05 lr: 6.0000e-04  eta: 0:10:11  time: 1.0  data_time: 0.1  loss: 1.5",
        "Saving checkpoint at 50 iterations",
        "LR is set based on batch size of 8 and the current batch size is 4. Scaling the original LR by 0.5.",
        "per class results:",
        "\n+---+\n| road |",
        "Iter(val) [4/4]    aAcc: 5.8500  mIoU: 1.7500  data_time: 0.0392  time: 0.2603",
        "Config:\na = 1",
    ]
    say_as("mmengine.hooks.logger_hook", "for line in lines: logger.info(line)", logger=logger, lines=lines)
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "iteration  50/700  loss 1.5  lr 6.0e-04  eta 0:10:11",
        *lines[1:3],
        "validation: aAcc 5.85 %  mIoU 1.75 %",
    ]
    assert said.out == ""
    assert all(line in log.read_text() for line in lines)


def test_tables_are_results(console, capsys):
    console.open(tables=True, scores=False)
    logger = console.logger()
    lines = ["per class results:", "\n+---+\n| road |", "Iter(test) [4/4]    mIoU: 1.7500  time: 0.2603"]
    say_as("mmseg.evaluation", "for line in lines: logger.info(line)", logger=logger, lines=lines)
    assert capsys.readouterr() == ("per class results, in %:\n+---+\n| road |\n", "")


def test_quiet(console, capsys):
    console.open(quiet=True)
    logger = console.logger()
    say_as("mmfan.x", "logger.info('news'); logger.warning('odd'); print('result')", logger=logger)
    assert capsys.readouterr() == ("result\n", "mmfan x: warning: odd\n")


def test_verbose(console, capsys):
    log = console.open(verbose=True)
    logger = console.logger()
    say_as("mmseg.x", "logger.info('Config: a'); print('chatter')", logger=logger)
    say_as("mmfan.x", "print('result')")
    said = capsys.readouterr()
    assert said.out == "result\n"
    assert said.err.endswith(" - Config: a\nchatter\n")
    assert "INFO" in said.err
    assert "chatter" in log.read_text()


def test_all_is_as_before_when_it_ends(tmp_path, capsys):
    earlier = MMLogger.get_instance(f"earlier_{tmp_path.name}")
    before = list(earlier.handlers), sys.stdout, MMLogger.__init__, warnings.showwarning
    made = []

    def fail():
        with own_console("x", argparse.Namespace(verbose=False, quiet=False)):
            assert earlier.handlers != before[0]
            made.append(MMLogger.get_instance(f"made_{tmp_path.name}"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (list(earlier.handlers), sys.stdout, MMLogger.__init__, warnings.showwarning) == before
    assert [type(handler) for handler in made[0].handlers] == [logging.StreamHandler]


def test_the_stream_is_else_what_it_was(console, capsys):
    plain = sys.stdout
    console.open()
    assert sys.stdout is not plain
    assert sys.stdout.isatty() == plain.isatty()
    assert sys.stdout.encoding == plain.encoding


def test_paths_are_short(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "work_dirs/a.pth") == "work_dirs/a.pth"
    assert shown_path("/other/a.pth") == "/other/a.pth"
    assert shown_path("work_dirs") == "work_dirs"
