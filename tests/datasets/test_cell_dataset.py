"""What the datasets of one cell may be asked for."""

import pytest

pytest.importorskip("mmengine")

from mmfan.corruptions import register_corruption, unregister_corruption
from mmfan.datasets.cell_dataset import CellSource


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fog", 3, "disc"), "Expected `source` to be 'disk' or 'fly', got 'disc'"),
        (("fog", 6), "fog has the severities 1, 2, 3, 4, 5, got 6"),
        (("fog", 0), "go together, got corruption='fog', severity=0"),
        (("clean", 1), "go together, got corruption='clean', severity=1"),
        (("fog", 2.5), "one whole number, got 2.5"),
        (("fog", True), "one whole number, got True"),
        (("fog", [1, 2]), r"one whole number, got \[1, 2\]"),
        ((["fog"], 1), "the name of one corruption"),
        (("fogg", 1, "fly"), "Did you mean 'fog'"),
        (("../fog", 1), "There is no corruption '../fog'"),
        (("mine", -1), "There is no corruption 'mine' at severity -1"),
        (("fog", 1, "disk", None, -1), "Expected `seed`"),
    ],
)
def test_bad_cells(arguments, said):
    with pytest.raises(ValueError, match=said):
        CellSource(*arguments)


def test_others_corruptions():
    assert CellSource("lens_flare", 7).severity == 7  # on disk the folders decide
    register_corruption("lens_flare", lambda image, severity, seed: image, severities=(1, 2))
    try:
        with pytest.raises(ValueError, match="lens_flare has the severities 1, 2, got 7"):
            CellSource("lens_flare", 7)
    finally:
        unregister_corruption("lens_flare")
