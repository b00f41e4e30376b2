"""Protocols: the corruptions and severities that a robustness score is taken over, and how they are averaged.

A retention without the name of its protocol cannot be compared with another: the literature uses several lists under
one name ("Cityscapes-C"), and they differ by whole points. A protocol is data. All of them average alike: over the
severities of a type first, then over the types, each type counting once however many severities it has.
"""

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol.definition import Protocol, ProtocolError
from mmfan.evaluation.protocol.making import (
    get_protocol,
    make_protocol,
    protocol_of_cells,
    read_description,
    read_protocol,
    under_adaptation,
    under_its_own_name,
)
from mmfan.evaluation.protocol.named import PROTOCOLS

__all__ = [
    "CLEAN",
    "PROTOCOLS",
    "Cell",
    "Protocol",
    "ProtocolError",
    "get_protocol",
    "make_protocol",
    "protocol_of_cells",
    "read_description",
    "read_protocol",
    "under_adaptation",
    "under_its_own_name",
]
