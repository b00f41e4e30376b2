"""The classic environment: pins that hold together, each with what it asks for."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"opencv-python", "typing"}  # the second OpenCV, and what the standard library holds
PINS = {
    canonicalize_name(pin.name): pin
    for line in (ROOT / "constraints-classic.txt").read_text().splitlines()
    if line and not line.startswith("#")
    for pin in [Requirement(line)]
}


def test_the_pins_are_releases_of_the_original_packages():
    assert {str(pin) for pin in PINS.values() if [part.operator for part in pin.specifier] != ["=="]} == set()
    assert {name for name in PINS if name.startswith(("mm", "onedl", "opencv"))} == {
        "mmcv", "mmdet", "mmengine", "mmsegmentation", "opencv-python-headless",
    }  # fmt: skip
    for name, release in {"torch": "2.1.2", "numpy": "1.26.4", "mmcv": "2.1.0"}.items():
        assert PINS[name].specifier.contains(release)


def test_the_pins_are_whole():
    """They are installed without asking for dependencies."""
    if importlib.metadata.version("torch").split("+")[0] != "2.1.2":
        pytest.skip("other packages are installed here, and ask for others")
    lacking = {}
    for name in PINS:
        for need in map(Requirement, importlib.metadata.requires(name) or []):
            known = canonicalize_name(need.name)
            if (need.marker is None or need.marker.evaluate({"extra": ""})) and known not in LEFT_OUT:
                here = importlib.metadata.version(known) if known in PINS else "none"
                if known not in PINS or not need.specifier.contains(here, prereleases=True):
                    lacking[f"{name} asks for {need}"] = here
    assert lacking == {}
