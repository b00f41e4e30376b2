"""Commands that are stopped: one line, the status that shells expect, and no process left, however they end."""

import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

pytestmark = [pytest.mark.process, pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")]

# A command with two children, which never end by themselves, in the place of `mmfan report`.
PROGRAM = """
import argparse, multiprocessing, sys, time, types
from mmfan.cli import main

def work(ready):
    ready.release()
    while True:
        time.sleep(600)

def run(args, parser):
    context = multiprocessing.get_context(sys.argv[2])
    ready = context.Semaphore(0)
    children = [context.Process(target=work, args=(ready,), daemon=True) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        ready.acquire()
    {wait}

def make_parser(prog):
    parser = argparse.ArgumentParser(prog)
    parser.add_argument("method")
    return parser

if __name__ == "__main__":
    sys.modules["mmfan.cli.commands.report"] = types.SimpleNamespace(make_parser=make_parser, run=run)
    sys.exit(main())
"""
SLEEP = "print('ready', flush=True); time.sleep(600)"


def as_usual():
    """Signals end a program, whatever the tests were started with: nohup has SIGHUP ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    started = []

    def start_program(method, wait=SLEEP, prepare=as_usual):
        program = tmp_path / "program.py"
        program.write_text(PROGRAM.replace("{wait}", textwrap.indent(wait, "    ").strip()))
        process = subprocess.Popen(
            [sys.executable, program, "report", method], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=prepare,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        started.extend(children)
        return process, children

    yield start_program
    for process in started:
        if process.poll() is None if isinstance(process, subprocess.Popen) else process.is_running():
            process.kill()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, 130, "\nInterrupted.\n"),
        (signal.SIGTERM, 143, "\nStopped by SIGTERM.\n"),
        (signal.SIGHUP, 129, "\nStopped by SIGHUP.\n"),
        (signal.SIGKILL, -9, ""),
    ],
    ids=["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"],
)
@pytest.mark.slow
def test_no_child_is_left(start, method, number, status, said):
    process, children = start(method)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert psutil.wait_procs(children, timeout=10)[1] == []
    if number != signal.SIGKILL:
        assert err == said


def test_ctrl_c_of_a_terminal_reaches_the_children_too(start):
    process, children = start("fork")
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "\nInterrupted.\n"
    assert process.returncode == 130
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_what_a_library_makes_of_it_is_an_interruption_all_the_same(start):
    """Extension modules that are being imported turn what a signal raises into errors of their own."""
    wait = f"try: {SLEEP}\nexcept KeyboardInterrupt: raise ImportError('numpy failed to import')"
    process, _ = start("fork", wait)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1] == "\nStopped by SIGTERM.\n"
    assert process.returncode == 143


def test_one_that_is_swallowed_is_followed_by_another(start):
    wait = f"try: {SLEEP}\nexcept KeyboardInterrupt: print('swallowed', flush=True)\ntime.sleep(600)"
    process, children = start("fork", wait)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "swallowed\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=1.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_a_hangup_that_is_ignored_stays_so(start):
    process, _ = start(
        "fork",
        "print('ready', flush=True); time.sleep(1); print('done')",
        lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    process.send_signal(signal.SIGHUP)  # as after nohup
    assert process.communicate(timeout=60)[0] == "done\n"
    assert process.returncode == 0
