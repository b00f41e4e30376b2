"""Errors of a config's data sections, told by the section instead of by a traceback through OpenMMLab.

A config may name any class with any arguments, so that anything can be raised while its parts are built and first used.
What mmfan's own lines raise without words for a user is a bug of mmfan, and keeps its traceback.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmfan.errors import ConfigError, MMFanError

OURS = Path(__file__).parents[2]  # the whole of mmfan
# A config's arguments go on through mmfan's classes to those that they are built on, where Python refuses them.
_OTHER_ARGUMENTS = re.compile(
    r"got (an unexpected keyword argument|multiple values for|some positional-only)|missing \d+ required|"
    r"takes (from )?\d+ .*positional arguments?|takes no (keyword )?arguments"
)


@contextmanager
def building(section: str) -> Iterator[None]:
    """Say which section of the config an error comes from; what is said in words of its own passes as it is.

    Args:
        section: What is built or used within the block: ``'test_dataloader.dataset'``.

    Raises:
        ConfigError: For any error but those of mmfan, of files, of missing packages and of memory; it names the kind of
            the error and the place in the code. Bugs of mmfan pass as they are, too.
    """
    try:
        yield
    except (MMFanError, OSError, ImportError, MemoryError):
        raise
    except Exception as error:
        first = _first(error)
        place = traceback.extract_tb(first.__traceback__)[-1]
        if is_own_bug(first, Path(place.filename)):
            raise
        raise ConfigError(
            f"{section} of the config cannot be used: {type(error).__name__}: {_said(first)} (raised in "
            f"{place.filename}, line {place.lineno})"
        ) from error


def is_own_bug(error: BaseException, file: Path) -> bool:
    """Whether an error without words for a user came from a line of mmfan's, and not of what a config names.

    Args:
        error: What was raised first.
        file: The file of the line that raised it.
    """
    if not file.is_relative_to(OURS):
        return False
    return not (isinstance(error, TypeError) and _OTHER_ARGUMENTS.search(str(error)))


def _first(error: BaseException) -> BaseException:
    """What was raised first: some of mmengine's registries raise it again, with the class in front of its words."""
    while error.__context__ is not None and error.args and str(error.args[0]).startswith("class `"):
        error = error.__context__
    return error


def _said(error: BaseException) -> str:
    """What an error says, without the pages that mmengine's registries add to it."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    text = text.partition(". Please check whether")[0]
    return " ".join(text.split()) or "without a word"
