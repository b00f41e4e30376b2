"""Names of types: a class, its name, a name with a package, a path."""

import pytest
from mmengine.config.lazy import LazyObject
from mmengine.hooks import EMAHook

from mmfan.utils.type_names import full_name, package_and_name


@pytest.mark.parametrize(
    ("kind", "full", "split"),
    [
        ("EMAHook", "EMAHook", ("", "EMAHook")),
        ("mmengine.EMAHook", "mmengine.EMAHook", ("mmengine", "EMAHook")),
        ("mmengine.hooks.EMAHook", "mmengine.hooks.EMAHook", ("mmengine", "EMAHook")),
        (EMAHook, "mmengine.hooks.ema_hook.EMAHook", ("mmengine", "EMAHook")),
        (full_name, "mmfan.utils.type_names.full_name", ("mmfan", "full_name")),
        (LazyObject("mmengine.hooks", "EMAHook"), "EMAHook", ("", "EMAHook")),
        (None, "None", ("", "None")),
    ],
)
def test_names(kind, full, split):
    assert (full_name(kind), package_and_name(kind)) == (full, split)
