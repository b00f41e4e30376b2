"""Seeds of pictures: the documented rule, repeated independently, and the names of the known sets."""

import hashlib
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.corruptions import CORRUPTIONS, picture_name, picture_seed

NAME = "val/frankfurt/frankfurt_000000_000294_leftImg8bit.png"


def test_seed_is_the_documented_hash() -> None:
    text = f"mmfan-1 7 glass_blur 4 {NAME}"
    expected = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    assert picture_seed(7, NAME, "glass_blur", 4) == expected
    # never to change: sets on disks depend on it
    assert picture_seed(0, NAME, "gaussian_noise", 1) == 10127829021514688184
    assert picture_seed(0, "val2017/000000000139.jpg", "fog", 3) == 1751826096283240140


def test_every_part_matters_and_nothing_collides() -> None:
    seeds = {
        picture_seed(base, name, corruption, severity)
        for base in (0, 1, 11)
        for name in ("1.png", "11.png", "a/1.png", "1.PNG")
        for corruption in CORRUPTIONS
        for severity in range(1, 6)
    }
    assert len(seeds) == 3 * 4 * 19 * 5
    assert all(0 <= seed < 2**64 for seed in seeds)


def test_seeds_are_uniform() -> None:
    seeds = np.array([picture_seed(0, f"{number}.png", "fog", 1) for number in range(20000)], np.uint64)
    for shift in (0, 60):
        counts = np.bincount(((seeds >> np.uint64(shift)) & np.uint64(15)).astype(np.int64), minlength=16)
        assert np.abs(counts - 1250).max() < 4.5 * np.sqrt(1250)


def test_both_unicode_forms_of_a_name_are_one() -> None:
    composed, decomposed = (unicodedata.normalize(form, "val/zürich/straße.png") for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert picture_seed(0, composed, "fog", 1) == picture_seed(0, decomposed, "fog", 1)


def test_names_that_are_no_unicode() -> None:
    broken = os.fsdecode(b"val/caf\xe9 1.png")
    assert picture_seed(0, broken, "fog", 1) != picture_seed(0, "val/café 1.png", "fog", 1)


def test_whole_numbers_of_any_type() -> None:
    assert picture_seed(np.int64(3), NAME, "fog", np.uint8(2)) == picture_seed(3, NAME, "fog", 2)
    assert picture_seed(10**30, NAME, "fog", 2) != picture_seed(10**30 + 1, NAME, "fog", 2)
    with pytest.raises(TypeError):
        picture_seed(1.5, NAME, "fog", 2)


@pytest.mark.parametrize("name", ["", "/data/val/a.png"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="relative to its set, got"):
        picture_seed(0, name, "fog", 1)


def test_negative_base_seed() -> None:
    with pytest.raises(ValueError, match="at least 0, got -1"):
        picture_seed(-1, NAME, "fog", 1)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/data/cityscapes/leftImg8bit/{NAME}", NAME),
        (f"leftImg8bit/{NAME}", NAME),
        ("/leftImg8bit/old/leftImg8bit/val/ulm/a b.png", "val/ulm/a b.png"),
        ("/data/coco/val2017/000000000139.jpg", "val2017/000000000139.jpg"),
        ("train2014/x.jpg", "train2014/x.jpg"),
        ("/data/coco/myval2017/x.jpg", "x.jpg"),
        ("/data/val2017", "val2017"),
        ("a/b/c.png", "c.png"),
        ("c.png", "c.png"),
        (Path("a") / "ü.png", "ü.png"),
    ],
)
def test_names_of_the_known_layouts(path: str, name: str) -> None:
    assert picture_name(path) == name


def test_names_below_a_root(tmp_path: Path) -> None:
    assert picture_name(tmp_path / "leftImg8bit" / "a.png", tmp_path) == "leftImg8bit/a.png"
    assert picture_name("a/../b/c.png", "b") == "c.png"
    assert picture_name(tmp_path / "..x" / "c.png", tmp_path) == "..x/c.png"
    with pytest.raises(ValueError, match=r"is not inside .* Give the folder"):
        picture_name(tmp_path / "a.png", tmp_path / "b")


@given(st.lists(st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_the_set_may_lie_anywhere(parts: list[str]) -> None:
    if any(part in (".", "..", "leftImg8bit") for part in parts):
        return
    name = "/".join(parts)
    assert picture_name(f"/one/leftImg8bit/{name}") == picture_name(f"other place/leftImg8bit/{name}") == name
