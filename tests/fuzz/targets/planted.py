"""What a fuzzer must notice, planted: trial by trial another thing that is no refusal by name."""

import os
import signal

from fuzz.judged import MARKER
from mmfan.errors import MMFanError


def refuse():
    raise MMFanError("The planted file is refused.")


def break_the_terminal():
    raise MMFanError(" ")


def take_memory():
    return bytes(1 << 40)


def take_time():
    while True:
        pass


# one of these a trial, in turn
DEEDS = (
    str,
    refuse,
    lambda: {}["missing"],
    break_the_terminal,
    lambda: os.kill(os.getpid(), signal.SIGSEGV),
    take_memory,
    lambda: os.mkdir(MARKER),
    lambda: open(".mmfan.1f3c22a0-4711-00ff00ff00ff.part.png", "w").close(),
    lambda: os.mkdir("../elsewhere"),
    take_time,
)


class Target:
    """The number of a deed, which the seed names: the random numbers are not asked."""

    def make(self, rng, folder):
        (folder / "deed.txt").write_text(str(rng.randrange(10**6)))

    def doors(self, folder):
        number = int((folder / "deed.txt").read_text())
        yield "planted", DEEDS[number % len(DEEDS)]
