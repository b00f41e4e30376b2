"""The random draws: known words, distributions, independence of streams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.corruptions.draws import (
    NORMAL_ONE,
    TAIL_ENTRIES,
    below,
    normal_tables,
    normals,
    random_bytes,
    stream_key,
    uniform,
    word,
    words,
)

stats = pytest.importorskip("scipy.stats")

COUNT = 1_000_000


def test_words_are_those_of_splitmix64() -> None:
    # the first outputs of the generator for the seed 1234567, as they are published with it
    known = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    key = np.uint64(1234567)
    assert [int(word(key, position)) for position in range(1, 6)] == known
    np.testing.assert_array_equal(words(key, 6)[1:], np.array(known, np.uint64))


@pytest.mark.slow
def test_bits_of_words_are_even_and_independent() -> None:
    bits = np.unpackbits(random_bytes(stream_key(0, 0), COUNT)).reshape(-1, 64)
    ones = bits.sum(axis=0)
    assert np.abs(ones - len(bits) / 2).max() < 4.5 * np.sqrt(len(bits) / 4)
    correlation = np.corrcoef(bits.T) - np.eye(64)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(bits))


def test_bytes_are_uniform_and_in_the_order_of_the_words() -> None:
    drawn = random_bytes(stream_key(5, 1), COUNT)
    assert stats.chisquare(np.bincount(drawn, minlength=256)).pvalue > 0.001
    first = int(words(stream_key(5, 1), 1)[0])
    assert bytes(drawn[:8]) == first.to_bytes(8, "little")
    np.testing.assert_array_equal(random_bytes(stream_key(5, 1), 13), drawn[:13])


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.slow
def test_normals_are_normal(seed: int) -> None:
    drawn = normals(seed, 0, COUNT) / NORMAL_ONE
    assert stats.kstest(drawn, "norm").pvalue > 0.001
    assert abs(drawn.mean()) < 4 / np.sqrt(COUNT)
    assert drawn.var() == pytest.approx(1, abs=6 / np.sqrt(COUNT))
    assert abs(stats.skew(drawn)) < 4 * np.sqrt(6 / COUNT)
    assert abs(stats.kurtosis(drawn)) < 4 * np.sqrt(24 / COUNT)
    neighbours = np.corrcoef(drawn[:-1], drawn[1:])[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(COUNT)


@pytest.mark.slow
def test_tails_of_normals_reach_far_and_hold_their_share() -> None:
    drawn = np.concatenate([normals(seed, 0, COUNT) for seed in range(8)]) / NORMAL_ONE
    for at in (3.0, 3.3, 3.5, 4.0, 4.5):
        for side in (drawn > at, drawn < -at):
            assert stats.binomtest(int(side.sum()), drawn.size, stats.norm.sf(at)).pvalue > 0.001
    assert 4.9 < np.abs(drawn).max() < 5.9


def test_tables_hold_the_quantiles() -> None:
    table, tail = normal_tables()
    entries = table.size
    middle = (np.arange(entries) + 0.5) / entries
    np.testing.assert_allclose(table / NORMAL_ONE, stats.norm.ppf(middle), atol=1e-5)
    np.testing.assert_allclose(tail / NORMAL_ONE, stats.norm.ppf(middle * TAIL_ENTRIES / entries), atol=1e-5)
    np.testing.assert_array_equal(table, -table[::-1])
    # both together have the variance 1
    inside = table[TAIL_ENTRIES:-TAIL_ENTRIES] / NORMAL_ONE
    share = 2 * TAIL_ENTRIES / entries
    variance = (inside**2).mean() * (1 - share) + ((tail / NORMAL_ONE) ** 2).mean() * share
    assert variance == pytest.approx(1, abs=1e-4)


def test_streams_and_seeds_do_not_resemble_one_another() -> None:
    pairs = [(seed, stream) for seed in (0, 1, 2, 3, 2**63) for stream in range(4)]
    keys = [stream_key(*pair) for pair in pairs]
    assert len(set(map(int, keys))) == len(pairs)
    samples = np.array([words(key, 20000) >> np.uint64(11) for key in keys]).astype(float)
    correlation = np.corrcoef(samples) - np.eye(len(pairs))
    assert np.abs(correlation).max() < 5 / np.sqrt(20000)
    # no stream is another one from a later position on
    assert len(np.unique([words(key, 20000) for key in keys])) == len(pairs) * 20000


@pytest.mark.slow
def test_single_draws_are_uniform_over_seeds() -> None:
    drawn = [uniform(seed, 0, -45, 45) for seed in range(20000)]
    assert stats.kstest(drawn, "uniform", args=(-45, 90)).pvalue > 0.001
    for limit in (2, 5, 7, 100):
        counts = np.bincount([below(seed, 1, limit) for seed in range(20000)], minlength=limit)
        assert counts.size == limit
        assert stats.chisquare(counts).pvalue > 0.001


@given(seed=st.integers(0, 2**64 - 1), stream=st.integers(0, 9), limit=st.integers(1, 2**31))
@settings(max_examples=100)
def test_single_draws_stay_in_their_range(seed: int, stream: int, limit: int) -> None:
    assert 0 <= below(seed, stream, limit) < limit
    assert -1.5 <= uniform(seed, stream, -1.5, 4) < 4


@given(seed=st.integers(0, 2**64 - 1), count=st.integers(1, 100))
@settings(max_examples=50)
def test_fewer_draws_are_the_beginning_of_more(seed: int, count: int) -> None:
    np.testing.assert_array_equal(normals(seed, 0, count), normals(seed, 0, 100)[:count])
