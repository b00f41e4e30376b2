"""Which cells each protocol has, and what a user's own must be."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.corruptions import CBAR, COMMON, CORRUPTIONS, IMAGENET_C, register_corruption, unregister_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import PROTOCOLS, Protocol, ProtocolError, get_protocol, make_protocol, protocol_of_cells

NOISE = {"gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise"}
SIXTEEN = set(CORRUPTIONS) - {"zoom_blur", "elastic_transform", "pixelate"}


@pytest.mark.parametrize(
    ("name", "types", "size", "sizes_of_groups"),
    [
        ("kamann16", SIXTEEN, 72, [4, 4, 4, 4]),
        ("fan_repo_s3", set(CORRUPTIONS), 57, [2, 4, 4, 4, 5]),
        ("stl_repo_s5", set(CORRUPTIONS), 95, [2, 4, 4, 4, 5]),
        ("common15", set(COMMON), 75, [3, 4, 4, 4]),
        ("fan16", SIXTEEN, 80, [4, 4, 4, 4]),
        ("all19", set(CORRUPTIONS), 95, [4, 5, 5, 5]),
        ("level5", SIXTEEN, 16, [4, 4, 4, 4]),
        ("ssb15_s3", set(COMMON), 15, [3, 4, 4, 4]),
        ("cbar10", set(CBAR), 50, None),
        ("imagenet_c", set(COMMON) - {"elastic_transform"} | set(IMAGENET_C), 75, [3, 4, 4, 4]),
        ("imagenet_c19", set(CORRUPTIONS) - {"elastic_transform"} | set(IMAGENET_C), 95, [4, 5, 5, 5]),
    ],
)
def test_the_cells_of_the_named_protocols(name, types, size, sizes_of_groups):
    protocol = get_protocol(name)
    assert protocol.name == name
    assert set(protocol.corruptions) == types
    assert protocol.size == size == len(set(protocol.cells))
    assert CLEAN not in protocol.cells
    if sizes_of_groups is None:
        assert protocol.groups == {}
    else:
        assert sorted(map(len, protocol.groups.values())) == sizes_of_groups
        assert Counter(name for names in protocol.groups.values() for name in names) == Counter(types)
    assert "arXiv" in protocol.source


def test_there_are_eleven():
    seven = ["kamann16", "fan_repo_s3", "stl_repo_s5", "common15", "fan16", "all19", "level5"]
    assert list(PROTOCOLS) == [*seven, "ssb15_s3", "imagenet_c", "imagenet_c19", "cbar10"]


def test_kamann16_takes_three_severities_of_noise_and_counts_brightness_as_digital():
    protocol = get_protocol("kamann16")
    assert {name: protocol.severities(name) for name in NOISE} == dict.fromkeys(NOISE, (1, 2, 3))
    assert {protocol.severities(name) for name in SIXTEEN - NOISE} == {(1, 2, 3, 4, 5)}
    assert "brightness" in protocol.groups["digital"]
    assert "brightness" in get_protocol("fan_repo_s3").groups["weather"]
    assert get_protocol("fan_repo_s3").groups["extra"] == ("zoom_blur", "elastic_transform")


def test_other_severities():
    assert {cell.severity for cell in get_protocol("level5").cells} == {5}
    assert {cell.severity for cell in get_protocol("ssb15_s3").cells} == {3}
    assert {cell.severity for cell in get_protocol("fan_repo_s3").cells} == {1, 2, 3}
    for name in ("stl_repo_s5", "common15", "fan16", "all19", "cbar10"):
        assert all(get_protocol(name).severities(kind) == (1, 2, 3, 4, 5) for kind in get_protocol(name).corruptions)


def test_of_ones_own():
    protocol = get_protocol({"name": "drive", "corruptions": ["fog", "snow", "contrast"], "severities": [2, 4]})
    assert protocol.cells == tuple(Cell(name, at) for name in ("fog", "snow", "contrast") for at in (2, 4))
    assert protocol.groups == {"weather": ("fog", "snow"), "digital": ("contrast",)}
    uneven = get_protocol({"corruptions": {"fog": [1], "snow": (3, 5)}, "groups": {"a": ["fog"], "b": ["snow"]}})
    assert (uneven.name, uneven.size, uneven.severities("snow")) == ("custom", 3, (3, 5))
    assert make_protocol(["fog"]).severities("fog") == (1, 2, 3, 4, 5)
    assert get_protocol(protocol) is protocol


def test_a_users_own_corruption():
    register_corruption("night", lambda image, severity, seed: image // 2, severities=(1, 2), group="light")
    try:
        protocol = make_protocol(["fog", "night"])
        assert protocol.severities("night") == (1, 2)
        assert protocol.groups["light"] == ("night",)
        assert protocol_of_cells([("night", 2)]).groups == {"light": ("night",)}
    finally:
        unregister_corruption("night")
    # a report can still be made of its records
    assert protocol_of_cells([("night", 2), ("clean", 0), ("fog", 1)]).cells == (("fog", 1), ("night", 2))


def test_the_cells_of_records_under_a_name_that_is_taken():
    assert protocol_of_cells(PROTOCOLS["all19"].cells, name="all19").size == 95
    with pytest.raises(ProtocolError, match="'kamann16' belongs to"):
        protocol_of_cells([("fog", 1)], name="kamann16")


@pytest.mark.parametrize(
    ("description", "messages"),
    [
        ("kaman16", ["no protocol 'kaman16'", "Did you mean 'kamann16'", "level5"]),
        ("Common-15", ["Did you mean 'common15'"]),
        (3, ["name of a protocol", "got 3"]),
        ({}, ["corruptions"]),
        ({"corruption": "fog"}, ["no 'corruption'"]),
        ({"corruptions": "fog"}, ["list of corruptions", "'fog'"]),
        ({"corruptions": []}, ["no corruptions"]),
        (
            {"corruptions": ["fogg", "snow"], "severities": [1, 9]},
            ["'fogg' (did you mean 'fog'?)", "snow has the severities 1, 2, 3, 4, 5, not 9"],
        ),
        ({"corruptions": {"fog": [2, 2.5]}}, ["not 2.5"]),
        ({"corruptions": {"fog": [True]}}, ["not True"]),
        ({"corruptions": {"fog": []}}, ["no severities for fog"]),
        ({"corruptions": {"fog": [1]}, "severities": [2]}, ["`severities` is for a list"]),
        ({"corruptions": ["fog", "fog"]}, ["named twice: fog"]),
        ({"corruptions": ["fog"], "severities": [2, 2]}, ["named twice"]),
        ({"corruptions": ["fog", "snow"], "groups": {"a": ["fog"]}}, ["types in no group: snow"]),
        ({"corruptions": ["fog"], "groups": {"a": ["fog"], "b": ["fog"]}}, ["types in two groups: fog"]),
        ({"corruptions": ["fog"], "groups": {"a": ["fog", "rain"]}}, ["does not have: rain"]),
        ({"corruptions": ["fog"], "groups": {"a": "fog"}}, ["groups"]),
        ({"corruptions": ["fog"], "groups": ["fog"]}, ["groups"]),
        ({"corruptions": ["fog"], "name": "kamann16"}, ["'kamann16' belongs to"]),
        ({"corruptions": ["fog"], "name": ""}, ["not empty"]),
    ],
)
def test_every_problem_is_named(description, messages):
    with pytest.raises(ProtocolError) as error:
        get_protocol(description)
    for message in messages:
        assert message in str(error.value)


def test_the_cells_of_a_protocol_made_by_hand_are_looked_at():
    for cells, message in [
        ((), "no cells"),
        ((CLEAN,), "'clean' is no corruption"),
        ((("fog", 0),), "from 1 on"),
        ((("fog", 1), ("fog", 1)), "twice: fog 1"),
    ]:
        with pytest.raises(ProtocolError, match=message):
            Protocol("mine", cells)
    with pytest.raises(ProtocolError, match="has no 'fog'"):
        Protocol("mine", (("snow", 1),)).severities("fog")


@given(st.dictionaries(st.sampled_from(CORRUPTIONS), st.sets(st.integers(1, 5), min_size=1), min_size=1))
@pytest.mark.slow
def test_whatever_is_asked_for_is_there_once(severities):
    protocol = make_protocol(severities)
    assert sorted(protocol.cells) == sorted((name, at) for name, levels in severities.items() for at in levels)
    assert protocol_of_cells(protocol.cells).groups.keys() == protocol.groups.keys()
    assert {name: set(protocol.severities(name)) for name in protocol.corruptions} == severities
