"""mmpretrain, which ``make test-cls`` has; elsewhere these tests are skipped."""

import pytest

from mmfan.environment import is_installed

if is_installed("mmpretrain"):  # before anything imports it
    from helpers.torchvision_beside import import_torchvision

    import_torchvision()


@pytest.fixture(scope="session", autouse=True)
def mmpretrain():
    return pytest.importorskip("mmpretrain")
