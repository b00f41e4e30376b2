"""Shape bias: decisions, counts by file names, and the known answers of models that go by one cue."""

import numpy as np
import pytest

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cue_conflict import Cues, cues_of, decide, probabilities_of, shape_bias, sixteen_groups

NAMES = sorted(sixteen_groups())


def logits(**best):
    """Logits of the 1000 classes that are 0 but for some: ``c281=9``."""
    scores = np.zeros(1000, np.float32)
    for name, value in best.items():
        scores[int(name[1:])] = value
    return scores


def every_pair():
    """The form of the whole set: each of the 16 x 16 pairs of shape and texture, five times."""
    return [Cues(shape, texture) for shape in NAMES for texture in NAMES for _ in range(5)]


def test_the_groups_are_those_of_the_publication():
    sizes = {name: len(members) for name, members in sixteen_groups().items()}
    assert (len(sizes), sum(sizes.values())) == (16, 207)
    assert (sizes["dog"], sizes["bird"], sizes["truck"], sizes["bottle"], sizes["cat"]) == (109, 49, 8, 7, 6)
    assert sizes["airplane"] == sizes["knife"] == sizes["oven"] == 1
    members = [one for group in sixteen_groups().values() for one in group]
    assert len(set(members)) == 207
    assert 0 <= min(members) <= max(members) < 1000


def test_it_decides_by_the_mean_of_the_members_and_not_by_their_sum():
    assert decide(logits(c281=9)) == "cat"
    # all dogs together have more than the knife, each dog less
    dogs = {f"c{number}": 3.0 for number in sixteen_groups()["dog"]}
    scores = logits(**dogs, c499=5.0)
    shares = probabilities_of(scores)
    assert shares[list(sixteen_groups()["dog"])].sum() > shares[499]
    assert decide(scores) == "knife"


def test_classes_in_no_group_do_not_decide():
    assert 0 not in [one for group in sixteen_groups().values() for one in group]  # the tench
    assert decide(logits(c0=50, c766=1)) == "oven"


def test_logits_and_probabilities_decide_alike():
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores = rng.normal(0, 3, 1000)
        shares = np.exp(scores) / np.exp(scores).sum()
        assert decide(scores) == decide(shares) == decide(scores - 500)
        assert probabilities_of(scores) == pytest.approx(shares, abs=1e-12)
    with pytest.raises(MMFanError, match="not finite"):
        decide(np.full(1000, np.nan))
    with pytest.raises(MMFanError, match=r"got the shape \(16,\)"):
        decide(np.zeros(16))


def test_names_say_the_cues():
    assert cues_of("set/bear/bear10-clock3.png") == ("bear", "clock")
    for path, told in (
        ("cat/cat7_elephant1.png", "like cat/cat7-elephant1.png"),
        ("cat/cat7-unicorn1.png", "none of the 16 groups"),
        ("dog/cat7-elephant1.png", "in the folder 'dog'"),
    ):
        with pytest.raises(MMFanError, match=told):
            cues_of(path)


def test_whoever_goes_by_shape_has_1_and_by_texture_0():
    cues = every_pair()
    found = shape_bias(cues, [one.shape for one in cues])
    assert (found.pictures, found.excluded) == (1200, 80)
    assert (found.bias, found.mean_of_classes, found.neither) == (1.0, 1.0, 0)
    assert shape_bias(cues, [one.texture for one in cues]).bias == 0.0


def test_always_cat_is_one_half():
    """As often the shape as the texture: 75 pictures each; the other 1050 are neither."""
    cues = every_pair()
    found = shape_bias(cues, ["cat"] * len(cues))
    assert (found.shape, found.texture, found.neither) == (75, 75, 1050)
    assert (found.bias, found.share_neither) == (0.5, 1050 / 1200)
    assert found.by_class["cat"] == 1.0
    assert found.by_class["dog"] == 0.0
    assert found.mean_of_classes == 1 / 16


def test_swapped_cues_turn_the_bias_round():
    rng = np.random.default_rng(3)
    cues = every_pair()
    decisions = [NAMES[number] for number in rng.integers(0, 16, len(cues))]
    own = shape_bias(cues, decisions)
    other = shape_bias([Cues(one.texture, one.shape) for one in cues], decisions)
    assert own.bias + other.bias == pytest.approx(1)
    assert own.neither == other.neither


def test_a_class_without_decisions_has_no_bias():
    found = shape_bias([Cues("cat", "dog"), Cues("dog", "cat"), Cues("dog", "dog")], ["oven", "dog", "dog"])
    assert (found.by_class, found.mean_of_classes) == ({"cat": None, "dog": 1.0}, 1.0)
    assert (found.bias, found.share_neither, found.excluded) == (1.0, 0.5, 1)
    assert shape_bias([Cues("cat", "dog")], ["oven"]).bias is None
    with pytest.raises(MMFanError, match="no picture whose shape"):
        shape_bias([Cues("cat", "cat")], ["cat"])
    with pytest.raises(MMFanError, match="got tench"):
        shape_bias([Cues("cat", "dog")], ["tench"])
