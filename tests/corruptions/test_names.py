"""The table of corruptions: complete, consistent, and that of the reference."""

import numpy as np
import pytest
from helpers.reference_corruptions import package, photograph

from mmfan.corruptions import COMMON, CORRUPTIONS, EXTRA, GROUPS, PARAMETERS, SEVERITIES, corrupt


def test_names_and_their_order_are_those_of_the_reference() -> None:
    assert list(COMMON) == package.get_corruption_names("common")
    assert list(CORRUPTIONS) == package.get_corruption_names("all")
    assert set(EXTRA) == set(package.get_corruption_names("validation"))
    assert (len(COMMON), len(EXTRA), SEVERITIES) == (15, 4, (1, 2, 3, 4, 5))


def test_groups_part_the_names() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(CORRUPTIONS)
    for group, names in GROUPS.items():
        common = [name for name in names if name in COMMON]
        assert common == package.get_corruption_names(group)


def test_every_severity_has_its_numbers() -> None:
    assert set(PARAMETERS) == set(CORRUPTIONS)
    assert all(len(levels) == len(SEVERITIES) for levels in PARAMETERS.values())


# Saturation goes down and then up. Snow, frost and spatter take turns in what they do: more but fainter flakes, less
# of the picture for more of the texture, water and mud. Glass is shaken twice at severity 1 and once at 2.
_NOT_IN_ORDER = ("saturate", "snow", "frost", "spatter", "glass_blur")


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in _NOT_IN_ORDER])
def test_a_higher_severity_is_further_from_the_picture(name: str) -> None:
    image = photograph("astronaut")

    def distance(severity: int, seed: int) -> float:
        return float(np.sqrt(np.mean((corrupt(image, name, severity, seed).astype(float) - image) ** 2)))

    distances = [np.mean([distance(severity, seed) for seed in range(8)]) for severity in SEVERITIES]
    assert distances == sorted(distances)
    assert len(set(distances)) == 5
