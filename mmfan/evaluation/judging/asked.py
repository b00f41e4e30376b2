"""Protocol that a command line asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmfan.evaluation.protocol import get_protocol, read_protocol


def asked_protocol(
    name: str | None, corruptions: Sequence[str] | None = None, severities: Sequence[int] | None = None
) -> str | dict[str, Any] | None:
    """The protocol of a command line, as a config holds it.

    Args:
        name: Of a protocol, or a JSON file that describes one, or the JSON.
        corruptions: Types for a protocol of one's own.
        severities: Their severities; all that they have by default.

    Returns:
        None where nothing was asked for.

    Raises:
        MMFanError: The protocol is unknown or contradicts itself, or the file is no JSON.
        FileNotFoundError: There is no such file.
    """
    wanted: str | dict[str, Any] | None = name
    if corruptions:
        wanted = {"corruptions": list(corruptions)} | ({"severities": list(severities)} if severities else {})
    elif name is not None:
        wanted = read_protocol(name)
    if wanted is not None:
        get_protocol(wanted)
    return wanted
