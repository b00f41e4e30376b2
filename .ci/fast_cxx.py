#!/usr/bin/env python3
"""g++ with a precompiled header for the sources of mmcv's operators: what a build takes as its compiler, ``CXX``.

All of those sources include the same headers of torch, which take longer to read than the operators themselves. The
header is compiled once for each set of flags, with exactly those flags, since g++ passes over one made with others.
``-O2 -g0`` comes last and so replaces the ``-O3 -g`` that setuptools asks for. Whatever else is compiled goes to g++ as
it is.

FAST_CXX_COMPILER   the compiler                     (default: g++)
FAST_CXX_CACHE      a folder for the header; some 450 MB, of no use after the build
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

# torch/types.h and the rest of what mmcv/ops/csrc/common/pytorch_device_registry.hpp includes
HEADER = """\
#include <torch/types.h>
#include <cassert>
#include <functional>
#include <map>
#include <type_traits>
#include <vector>
"""
LAST = ["-O2", "-g0"]
WITH_FILE = ("-o", "-MF", "-MT", "-MQ")
NOT_IN_A_HEADER = ("-c", "-MMD", "-MD", "-MP")


def flags_of(arguments: list[str]) -> tuple[list[str], bool]:
    """The flags that a precompiled header depends on, and whether a source of mmcv's operators is compiled."""
    flags: list[str] = []
    operators = file_follows = False
    for argument in arguments:
        if file_follows:
            file_follows = False
        elif argument in WITH_FILE:
            file_follows = True
        elif argument.endswith(".cpp"):
            operators |= "/ops/csrc/" in argument
        elif argument not in NOT_IN_A_HEADER:
            flags.append(argument)
    return flags, operators and "-c" in arguments


def precompiled(compiler: str, flags: list[str], cache: Path) -> Path:
    """The header whose compiled form fits the flags; one process compiles it while the others wait."""
    name = hashlib.sha256("\0".join([compiler, HEADER, *flags]).encode()).hexdigest()[:16]
    folder = cache / name
    folder.mkdir(parents=True, exist_ok=True)
    header, done = folder / "torch_types.hpp", folder / "torch_types.hpp.gch"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            header.write_text(HEADER)
            part = folder / "part.gch"
            subprocess.run([compiler, *flags, "-x", "c++-header", str(header), "-o", str(part)], check=True)
            part.replace(done)
    return header


def main() -> None:
    """Compile as asked, with the header in front."""
    compiler = os.environ.get("FAST_CXX_COMPILER", "g++")
    arguments = sys.argv[1:]
    flags, operators = flags_of(arguments)
    if operators:
        header = precompiled(compiler, [*flags, *LAST], Path(os.environ["FAST_CXX_CACHE"]))
        arguments = ["-include", str(header), *arguments, *LAST]
    os.execvp(compiler, [compiler, *arguments])


if __name__ == "__main__":
    main()
