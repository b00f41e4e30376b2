"""Protocols in records: what is written, what comes back, and what is refused."""

import json

import pytest

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import PROTOCOLS, Protocol, make_protocol
from mmfan.evaluation.results import ResultsStore
from mmfan.evaluation.results.recorded_protocol import protocol_entry, recorded_protocol, recorded_protocols
from mmfan.evaluation.results.store import ResultsError, key_of

RECORD = {"model": "a", "dataset": "d", "corruption": "fog", "severity": 1, "metrics": {"mIoU": 0.5}}
OWN = make_protocol({"fog": [1, 3], "snow": [2]}, name="night")
# of types that are not registered here
FOREIGN = Protocol("attacks", (Cell("pgd", 1), Cell("pgd", 2)), {"attacks": ("pgd",)}, "a module of the user's")


@pytest.mark.parametrize("protocol", [*PROTOCOLS.values(), OWN, FOREIGN], ids=lambda protocol: protocol.name)
def test_a_protocol_comes_back_from_a_results_file(protocol, tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    store.append({**RECORD, "protocol": protocol_entry(protocol)})
    (record,) = store.records()
    assert recorded_protocol(record) == protocol
    assert isinstance(record["protocol"], str) == (protocol.name in PROTOCOLS)


def test_it_is_no_part_of_the_key():
    assert key_of({**RECORD, "protocol": "kamann16"}) == key_of(RECORD)
    assert recorded_protocol(RECORD) is None


def test_the_last_one_comes_first_and_each_once():
    said = ["kamann16", protocol_entry(OWN), None, "kamann16", protocol_entry(OWN), "level5", protocol_entry(OWN)]
    records = [{**RECORD, "protocol": one} for one in json.loads(json.dumps(said))]
    assert [protocol.name for protocol in recorded_protocols(records)] == ["night", "level5", "kamann16"]


@pytest.mark.parametrize(
    "said",
    [
        "kaman16", 5, [], {}, {"name": "x", "corruptions": 5, "groups": {}, "source": ""},
        {"name": "x", "corruptions": {"fog": ["a"]}, "groups": {}, "source": ""},
        {"name": "kamann16", "corruptions": {"fog": [1]}, "groups": {"weather": ["fog"]}, "source": ""},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_none_is_refused(said):
    with pytest.raises(ResultsError, match=r"The record of fog 1 of the model 'a' says .* Name one: --protocol"):
        recorded_protocol({**RECORD, "protocol": said})
