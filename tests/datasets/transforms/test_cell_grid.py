"""Grids of cells: counts, masses, pixels, orders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.datasets.transforms.cell_grid import (
    border_pixels,
    equal_grid,
    heaviest_cells,
    patch_grid,
    permute_cells,
    random_cells,
    random_order,
    share_of,
)


def test_counts_of_the_paper():
    counts = [share_of(tenth / 10, 196) for tenth in range(10)]
    assert counts == [0, 19, 39, 58, 78, 98, 117, 137, 156, 176]


def test_cells_cover_the_picture():
    grid = patch_grid((40, 64), 16)
    assert (grid.rows, grid.columns, grid.size) == (3, 4, 12)
    numbers = np.arange(1, 13).reshape(3, 4)
    pixels = grid.to_pixels(numbers)
    assert pixels.shape == (40, 64)
    assert (pixels > 0).all()
    assert pixels[15, 15] == 1
    assert pixels[16, 16] == 6
    assert pixels[39, 63] == 12


def test_offset_leaves_the_first_rows_and_columns_out():
    pixels = patch_grid((64, 64), 16, offset=8).to_pixels(np.ones((4, 4), bool))
    assert not pixels[:8].any()
    assert not pixels[:, :8].any()
    assert pixels[8:, 8:].all()


def test_sums_are_those_of_the_cells():
    values = np.arange(6 * 8, dtype=float).reshape(6, 8)
    grid = patch_grid((6, 8), 4)
    np.testing.assert_allclose(
        grid.sums(values), [[values[:4, :4].sum(), values[:4, 4:].sum()], [values[4:, :4].sum(), values[4:, 4:].sum()]]
    )
    assert grid.sums(values).sum() == values.sum()


@settings(max_examples=40)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 20), st.integers(0, 2**64 - 1))
def test_random_cells_are_exactly_as_many(rows, columns, twentieths, seed):
    grid = patch_grid((16 * rows, 16 * columns), 16)
    chosen = random_cells(grid, twentieths / 20, seed)
    assert chosen.sum() == twentieths * rows * columns // 20
    assert (chosen == random_cells(grid, twentieths / 20, seed)).all()


def test_order_is_the_same_on_every_machine():
    assert random_order(8, 1).tolist() == random_order(8, 1).tolist()
    assert sorted(random_order(1000, 5)) == list(range(1000))
    assert random_order(8, 1).tolist() != random_order(8, 2).tolist()


def test_mass_is_a_quantile_of_mass():
    mass = np.array([[8.0, 1, 1], [0, 0, 0]])
    assert heaviest_cells(mass, 0.5, 0).tolist() == [[True, False, False], [False] * 3]
    assert heaviest_cells(mass, 0.8, 0).sum() == 1
    assert heaviest_cells(mass, 0.85, 0).sum() == 2
    # everything that has mass, and nothing else
    assert heaviest_cells(mass, 1.0, 0).tolist() == [[True] * 3, [False] * 3]
    assert not heaviest_cells(mass, 0.0, 0).any()
    assert not heaviest_cells(np.zeros((2, 3)), 0.5, 0).any()


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 100, allow_subnormal=False), min_size=4, max_size=30), st.floats(0.01, 1), st.integers(0, 99)
)
def test_kept_and_dropped_mass_are_the_whole_and_no_cell_is_too_many(values, ratio, seed):
    mass = np.array(values)[None]
    chosen = heaviest_cells(mass, ratio, seed)
    dropped, kept = mass[chosen].sum(), mass[~chosen].sum()
    assert dropped + kept == pytest.approx(mass.sum())
    assert dropped >= ratio * mass.sum() * (1 - 1e-9)
    if chosen.any():
        assert dropped - mass[chosen].min() < ratio * mass.sum() * (1 + 1e-9)


def test_ties_prefer_no_side():
    where = [np.argwhere(heaviest_cells(np.ones((1, 100)), 0.1, seed))[:, 1].mean() for seed in range(20)]
    assert 40 < np.mean(where) < 60


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 99), st.booleans())
def test_the_inverse_order_restores_the_picture(rows, columns, rest, seed, colour):
    shape = (rows * 3 + min(rest, rows - 1), columns * 5 + min(rest, columns - 1))
    picture = np.random.default_rng(seed).integers(0, 256, (*shape, 3) if colour else shape)
    grid = equal_grid(shape, (rows, columns))
    order = random_order(grid.size, seed)
    shuffled = permute_cells(picture, grid, order)
    assert sorted(shuffled.ravel()) == sorted(picture.ravel())
    np.testing.assert_array_equal(permute_cells(shuffled, grid, np.argsort(order)), picture)


def test_labels_travel_with_pixels():
    # a picture that shows its own labels, in three channels
    labels = np.random.default_rng(0).integers(0, 19, (37, 50))
    grid = equal_grid(labels.shape, (4, 6))
    order = random_order(grid.size, 3)
    shown = permute_cells(np.stack([labels] * 3, axis=2), grid, order)
    np.testing.assert_array_equal(shown[..., 1], permute_cells(labels, grid, order))
    assert (shown[..., 0] != labels).any()


def test_one_cell_at_a_time():
    picture = np.arange(16).reshape(4, 4)
    shuffled = permute_cells(picture, equal_grid((4, 4), (2, 2)), np.array([3, 0, 1, 2]))
    np.testing.assert_array_equal(shuffled[:2, :2], picture[2:, 2:])
    np.testing.assert_array_equal(shuffled[:2, 2:], picture[:2, :2])


def test_border_pixels():
    near = border_pixels(equal_grid((9, 8), (2, 2)), 1)
    # rows 3 and 4 touch the line between the cells, row 8 is in no cell; columns 3 and 4 likewise
    expected = np.zeros((9, 8), bool)
    expected[[3, 4, 8]] = True
    expected[:, [3, 4]] = True
    np.testing.assert_array_equal(near, expected)
    assert not border_pixels(equal_grid((8, 8), (2, 2)), 0).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: patch_grid((32, 32), 0), "`patch` to be a whole number of at least 1, got 0"),
        (lambda: patch_grid((32, 48), 16, 32), "offset smaller than the picture of 32 x 48"),
        (lambda: equal_grid((8, 8), (9, 2)), "has no grid of 9 x 2 cells"),
        (lambda: equal_grid((8, 8), (2,)), r"grid as \(rows, columns\)"),
        (lambda: permute_cells(np.zeros((4, 4)), equal_grid((4, 6), (2, 2)), np.arange(4)), r"picture of \(4, 6\)"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
