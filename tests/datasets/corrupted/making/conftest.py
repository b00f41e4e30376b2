"""A clean tree, two corruptions of one's own, and the set that is made of them."""

import pytest
from helpers.corrupted_tree import tree_bytes, write_cityscapes
from helpers.own_sets import dim, make, tint

from mmfan.corruptions import register_corruption, unregister_corruption


@pytest.fixture
def own_corruptions():
    register_corruption("tint", tint, severities=(1, 2, 3))
    register_corruption("dim", dim)
    yield
    unregister_corruption("tint")
    unregister_corruption("dim")


@pytest.fixture
def source(tmp_path):
    return write_cityscapes(tmp_path / "clean")


@pytest.fixture
def whole(own_corruptions, source, tmp_path):
    make(source, tmp_path / "whole")
    return tree_bytes(tmp_path / "whole")
