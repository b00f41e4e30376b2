"""Real weather that was asked for: the protocol's cells, their facts, and the reference."""

import pytest

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.conditions import family_of, reference_text
from mmfan.evaluation.judging.weather import facts_of, protocol_with_weather, weather_conditions
from mmfan.evaluation.protocol import ProtocolError, get_protocol
from mmfan.evaluation.results.recorded_protocol import described_protocol, protocol_entry


def test_conditions_of_the_sets():
    assert [one["name"] for one in weather_conditions("acdc")] == ["fog", "night", "rain", "snow"]
    assert [one["name"] for one in weather_conditions("bdd100k")] == ["mixed"]
    assert weather_conditions("night_driving")[0]["settings"]["split"] == "test"
    assert len(weather_conditions("muses")) == 8
    assert [one["name"] for one in weather_conditions("exdark")] == ["darkness"]
    assert weather_conditions("exdark")[0]["settings"] == {"set": "exdark", "split": "test", "reference": "clean"}
    assert len(weather_conditions("coco_o")) == 6
    assert weather_conditions("muses", ["night"])[0]["name"] == "night"  # of all weathers


def test_a_protocol_with_facts_is_described_and_of_one_family():
    place = {"acdc": {"root": "x", "conditions": ["fog", "night"], "reference": "frames"}}
    protocol = protocol_with_weather({"corruptions": {"contrast": [1]}}, None, place)
    assert [str(cell) for cell in protocol.judged] == [
        "clean", "reference frames of acdc", "contrast 1", "fog of acdc", "night of acdc",
    ]  # fmt: skip
    contents = dict(zip(protocol.judged[1:2] + protocol.judged[3:], ("8-aa", "2-bb", "2-cc"), strict=True))
    told = protocol.told(facts_of(contents))
    reference, _, fog, night = told.judged[1:]
    assert reference.condition.settings["contents"] == "8-aa"
    assert (fog.condition.settings["contents"], fog.condition.settings["frames"]) == ("2-bb", "8-aa")
    assert night != protocol.judged[4]  # what the pictures hold is part of the cell
    assert family_of(fog) == family_of(night) == family_of(protocol.judged[4])
    assert [family.size for family in told.families] == [1, 2]
    assert told.families[1].reference == reference
    assert reference_text(fog).startswith("the reference frames")
    assert described_protocol(protocol_entry(told)) == told
    assert told.families[1].name == "custom and acdc: weather, reference frames, set acdc, split val"


def test_protocols_that_are_refused():
    with pytest.raises(ProtocolError, match="takes pictures of acdc: say where they are"):
        protocol_with_weather({"conditions": weather_conditions("acdc")})
    with pytest.raises(ProtocolError, match="no protocol 'clean'"):
        protocol_with_weather("clean")
    assert protocol_with_weather("level5") == get_protocol("level5")
    assert protocol_with_weather("clean", None, {"mine": {"hail": None}}).judged[0] == CLEAN
