"""Real weather that was asked for: the protocol's cells, their facts, and the reference."""

import pytest

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.conditions import family_of, is_continual, passes_of, plain_of, reference_text
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


def test_adaptation_is_part_of_a_condition():
    place = {"acdc": {"root": "x", "conditions": ["fog", "night"]}}
    protocol = protocol_with_weather("level5", "bn", place).whole(2)
    assert protocol.name == "level5 with bn (prior 16, reset cell) and acdc with bn (prior 16, reset cell)"
    assert [str(cell) for cell in protocol.cells[-3:]] == [
        "frost with bn 5", "fog of acdc with bn", "night of acdc with bn",
    ]  # fmt: skip
    assert described_protocol(protocol_entry(protocol)) == protocol
    corrupted, weather = protocol.families
    assert weather.name.endswith(
        ": weather, adapt bn (batch 2, order set, prior 16, reset cell), reference clean, set acdc, split val"
    )
    assert weather.reference == corrupted.reference == CLEAN
    assert [str(plain_of(cell)) for cell in (corrupted.first, weather.first)] == ["motion_blur 5", "fog of acdc"]
    tent = protocol_with_weather("clean", {"name": "tent", "steps": 2, "reset": "never"}, place).whole(1)
    assert [passes_of(cell) for cell in tent.judged] == [1, 6, 6]
    assert [is_continual(cell) for cell in tent.judged] == [False, True, True]
    orders = {cell.condition.settings["adapt"]["order"] for cell in tent.cells}
    other = protocol_with_weather("clean", {"name": "tent", "reset": "never"}, {"acdc": {"root": "x"}}).whole(1)
    assert len(orders | {cell.condition.settings["adapt"]["order"] for cell in other.cells}) == 2
    with pytest.raises(ProtocolError, match="share: judge in one process"):
        protocol_with_weather("clean", "bn", place).whole(1, processes=2)
    with pytest.raises(ProtocolError, match="There is no adaptation 'bnn'"):
        protocol_with_weather("clean", "bnn", place)
    with pytest.raises(ProtocolError, match="`adapt` must be a dict with the `name`"):
        protocol_with_weather("clean", {"prior": 1}, place)
