"""Runs of the pages: their commands in order, in a folder of their own, and what is printed beside what is shown.

A fenced block of ``bash`` or ``python`` is run as it stands. Words behind the language, which no reader sees, say what
else is done with it:

- ``file=NAME``: it is written to this file, and not run;
- ``exit=N``: it ends with this status, for what is meant to fail;
- ``fragment``: a piece of Python or of a config that is part of something else;
- ``needs-data``, ``needs-docker``, ``needs-weights``, ``needs-gpu``, ``needs-cluster``, ``needs-release``,
  ``needs-openvino``, ``long``: why it is not run;
- ``tested-by=PATH``: where else in the repository it is run.

A block of ``output`` behind one that is run shows what was printed. It must be found in what is printed now, apart from
the digits of its numbers; a line ``...`` stands for any lines, and ``...`` within a line for any text.
"""
