"""Conditions of cues: settings, seeds, which others are asked for, and the family that they are."""

import numpy as np
import pytest

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.cues import remove_shape, remove_texture, swap_textures, textures_of
from mmfan.evaluation.conditions import ConditionCell, ConditionError, family_of, make_condition
from mmfan.evaluation.conditions.change import (
    Labelled,
    NoLabelMapError,
    Others,
    change_of,
    refuse_without_labels,
)
from mmfan.evaluation.conditions.cue_settings import DEFAULTS
from mmfan.evaluation.judging.asked_cues import asked_cues
from mmfan.evaluation.protocol import ProtocolError, get_protocol


def cue(name, **settings):
    return ConditionCell(CLEAN, make_condition("cue", name, 1, **settings))


def change(name, **settings):
    found = change_of(cue(name, **settings), 255)
    assert found is not None
    return found


def pair(seed=0):
    rng = np.random.default_rng(seed)
    labels = np.zeros((64, 80), np.uint8)
    labels[:, 40:], labels[:2] = 1, 255
    return Labelled(rng.integers(0, 256, (64, 80, 3)).astype(np.uint8), labels)


def test_settings_have_defaults_and_are_checked():
    assert make_condition("cue", "texture_swap", 1).settings == {"area": 1024, "colour": "donor"}
    assert make_condition("cue", "grey_edges", 1).settings == {}
    for name, given, message in (
        ("texture_swop", {}, "Did you mean 'texture_swap'"),
        ("shape_remove", {"sigma": 3}, "shape_remove has no setting 'sigma'; it has block"),
        ("grey_edges", {"block": 3}, "it has none"),
        ("shape_remove", {"block": 3}, "`block` must be a whole number of pixels from 4 on, got 3"),
        ("texture_swap", {"area": 0, "colour": "red"}, "`area` must be .* got 0; `colour` must be one of donor, keep"),
        ("colour_only", {"sigma": True}, "`sigma` must be"),
    ):
        with pytest.raises(ConditionError, match=message):
            make_condition("cue", name, 1, **given)


def test_another_strength_is_refused():
    wanted = get_protocol({"conditions": [{"kind": "cue", "name": "grey_edges", "strengths": [2]}]})
    with pytest.raises(ProtocolError, match="grey_edges has the strength 1 alone, got 2"):
        wanted.whole(1)


def test_cells_of_other_kinds_change_nothing_by_the_truth():
    cells = [CLEAN, Cell("fog", 3), ConditionCell(CLEAN, make_condition("attack", "fgsm", 1))]
    assert [change_of(cell, 255) for cell in cells] == [None, None, None]


def test_what_each_does():
    own = pair()
    for name, expected in (
        ("texture_remove", remove_texture(*own)),
        ("shape_remove", remove_shape(own.picture, own.labels, 7, 16)),
    ):
        found = change(name, **({"block": 16} if name == "shape_remove" else {}))(own, 7, [])
        assert np.array_equal(found.picture, expected)
        assert found.textures is None
    for name in DEFAULTS:
        found = change(name)(own, 7, [pair(1)])
        assert found.picture.dtype == np.uint8
        assert found.picture.shape == own.picture.shape
        assert not np.array_equal(found.picture, own.picture)
        assert (found.textures is not None) == name.startswith("texture_swap")


def test_swaps_take_textures_of_others_and_are_alike_in_both_contexts():
    own, other = pair(), pair(1)
    kept, grey = (change(name) for name in ("texture_swap", "texture_swap_grey"))
    assert kept.seed_of(5, "a.png") == grey.seed_of(5, "a.png") == picture_seed(5, "a.png", "texture_swap", 1)
    expected = swap_textures(own.picture, own.labels, [textures_of(other.picture, other.labels)], 7)
    assert np.array_equal(kept(own, 7, [other]).picture, expected.picture)
    found = grey(own, 7, iter([other]))
    assert np.array_equal(found.textures, expected.textures)
    assert (found.textures != 255).sum() == 62 * 80
    assert len(np.unique(found.picture[:2].reshape(-1, 3), axis=0)) == 1


def test_others_do_not_depend_on_the_order_of_the_list():
    names = [f"{number:02d}.png" for number in range(20)]
    shuffled = list(np.random.default_rng(0).permutation(names))
    one, two = Others(names), Others(shuffled)
    for seed in range(30):
        found = one.of(3, seed, 4)
        assert len(set(found)) == 4
        assert 3 not in found
        assert [names[at] for at in found] == [shuffled[at] for at in two.of(shuffled.index(names[3]), seed, 4)]
    firsts = {one.of(3, seed, 1)[0] for seed in range(300)}
    assert firsts == set(range(20)) - {3}
    # those behind the first follow it in the order of the names, and jump over the picture itself
    assert all((b - a) % 20 in (1, 2) for seed in range(30) for a, b in [one.of(3, seed, 2)])
    assert Others(["a"]).of(0, 1, 4) == []
    assert one.of(0, 1, 0) == []
    assert Others(["a", "b"]).of(1, 9, 4) == [0]


def test_all_cues_are_one_family_whatever_their_settings():
    wanted = get_protocol(asked_cues(beside="ssb15_s3"))
    first, second = wanted.families
    assert (first.size, second.size) == (15, 7)
    assert second.name == "ssb15_s3 and cues: shape and texture"
    assert {family_of(cell) for cell in second.cells} == {("cue", "clean", 0)}
    assert second.averaging == "no mean over strengths"
    assert [str(cell) for cell in wanted.judged[:1]] == ["clean"]


def test_asked_settings_go_where_they_belong():
    found = {one["name"]: one["settings"] for one in asked_cues(settings={"area": 64, "block": 8})["conditions"]}
    assert found["texture_swap"] == found["texture_swap_grey"] == {"area": 64, "colour": "donor"}
    assert found["shape_remove"] == {"block": 8}
    assert found["texture_remove"] == {}
    with pytest.raises(ConditionError, match="has no setting 'block'"):
        asked_cues(["grey_edges", "colour_only"], {"block": 8})


def test_without_label_maps_it_is_a_named_error():
    cells = [CLEAN, cue("texture_remove"), Cell("fog", 1)]
    refuse_without_labels(cells, True, "x")
    refuse_without_labels([CLEAN, Cell("fog", 1)], False, "x")
    with pytest.raises(NoLabelMapError, match=r"texture_remove cannot be done to the pictures of coco: .* label map"):
        refuse_without_labels(cells, False, "the pictures of coco")
