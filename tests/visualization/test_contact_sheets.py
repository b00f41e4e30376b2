"""The contact sheet: every tile where it belongs, and the bytes of the set in it."""

import numpy as np
import pytest

from mmfan.corruptions import corrupt, picture_seed, register_corruption, unregister_corruption
from mmfan.visualization.contact_sheets import (
    BLANK,
    GAP,
    SheetRow,
    _fitting_size,
    _frame,
    contact_sheet,
    corruption_rows,
    thumbnail,
)


def picture(height=40, width=64):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def _two_of_ones_own():
    register_corruption("shade", lambda image, severity, seed: image // (severity + 1), severities=(1, 2), group="tone")
    register_corruption("flip", lambda image, severity, seed: image[:, ::-1].copy(), severities=(2, 7), group="tone")
    yield
    unregister_corruption("shade")
    unregister_corruption("flip")


def test_thumbnails():
    assert thumbnail(picture(100, 200), 50).shape == (25, 50, 3)
    assert thumbnail(picture(100, 200), 200).shape == (100, 200, 3)
    assert thumbnail(np.full((100, 200), 9, np.uint8), 50).tolist() == np.full((25, 50, 3), 9).tolist()
    blocks = np.kron(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), np.ones((4, 4, 1), np.uint8))
    assert thumbnail(blocks, 2).reshape(-1).tolist() == list(range(12))


def test_rows_hold_what_the_set_holds():
    image = picture()
    calls = []
    rows = corruption_rows(
        image, "val/a.png", ["fog", "gaussian_noise", "fog"], seed=4, progress=lambda *call: calls.append(call)
    )
    assert [(row.group, row.name, list(row.tiles)) for row in rows] == [
        ("noise", "gaussian_noise", [1, 2, 3, 4, 5]),
        ("weather", "fog", [1, 2, 3, 4, 5]),
    ]
    for row in rows:
        for severity, tile in row.tiles.items():
            key = picture_seed(4, "val/a.png", row.name, severity)
            np.testing.assert_array_equal(tile, corrupt(image, row.name, severity, key))
    assert calls == [(number, 10) for number in range(1, 11)]


@pytest.mark.usefixtures("_two_of_ones_own")
def test_every_tile_in_its_place():
    image = picture()
    rows = corruption_rows(image, "a.png", ["flip", "shade", "contrast"])
    assert [row.name for row in rows] == ["contrast", "flip", "shade"]
    sheet = contact_sheet(image, rows)
    frame = _frame(rows, image, 6, 40, 64)
    assert sheet.shape == (frame.height, frame.width, 3)
    np.testing.assert_array_equal(sheet[GAP : GAP + 40, frame.left : frame.left + 64], image)
    for row, top in zip(rows, frame.tops, strict=True):
        for column, severity in enumerate((1, 2, 3, 4, 5, 7)):
            left = frame.left + column * (64 + GAP)
            expected = row.tiles.get(severity, np.full((40, 64, 3), BLANK))
            np.testing.assert_array_equal(sheet[top : top + 40, left : left + 64], expected)
    assert frame.tops[1] - frame.tops[0] > frame.tops[2] - frame.tops[1]  # groups stand apart


def test_text_is_written_and_stays_inside():
    image = np.full((40, 64, 3), 200, np.uint8)
    row = SheetRow("weather", "a_very_long_name_for_a_corruption", {1: image, 2: image})
    sheet = contact_sheet(image, [row], ["a name $of a$ file that is much longer than the sheet has room for " * 2])
    left = _frame([row], image, 2, 40, 64).left
    assert (sheet[:, 28:left] < 128).any()  # the label
    assert (sheet[: GAP + 20, left + 70 :] < 128).any()  # the title
    assert (sheet[:, -2:] == 255).all()
    np.testing.assert_array_equal(
        sheet, contact_sheet(image, [row], ["a name $of a$ file that is much longer than the sheet has room for " * 2])
    )


def test_text_that_fits():
    assert _fitting_size("x" * 10, 70) == pytest.approx(7.2)
    assert _fitting_size("", 0) > 0


def test_errors():
    image = picture()
    with pytest.raises(ValueError, match="all of one size, got the sizes none"):
        contact_sheet(image, [])
    with pytest.raises(ValueError, match=r"all of one size, got the sizes \[\(20, 64, 3\), \(40, 64, 3\)\]"):
        contact_sheet(image, [SheetRow("a", "b", {1: image, 2: image[:20]})])
    with pytest.raises(ValueError, match="Did you mean 'fog'"):
        corruption_rows(image, "a.png", ["fogg"])
