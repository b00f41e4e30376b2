"""Errors of a config's data sections, told by the section instead of by a traceback through OpenMMLab.

A config may name any class with any arguments, so that anything can be raised while its parts are built and first used.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from mmfan.errors import ConfigError, MMFanError


@contextmanager
def building(section: str) -> Iterator[None]:
    """Say which section of the config an error comes from; what is said in words of its own passes as it is.

    Args:
        section: What is built or used within the block: ``'test_dataloader.dataset'``.

    Raises:
        ConfigError: For any error but those of mmfan, of files, of missing packages and of memory; it names the kind of
            the error and the place in the code.
    """
    try:
        yield
    except (MMFanError, OSError, ImportError, MemoryError):
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            f"{section} of the config cannot be used: {type(error).__name__}: {_said(error)} (raised in "
            f"{place.filename}, line {place.lineno})"
        ) from error


def _said(error: Exception) -> str:
    """What an error says, without the pages that mmengine's registries add to it."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    text = text.partition(". Please check whether")[0]
    return " ".join(text.split()) or "without a word"
