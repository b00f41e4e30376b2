"""Every public class builds by ``type='mmfan.X'`` from another package's registry, in a fresh process."""

import subprocess
import sys

import pytest

BUILD = """
from mmengine.registry import MODELS, DefaultScope
scope = {scope!r}
if scope:
    DefaultScope.get_instance("test", scope_name=scope)
    MODELS = __import__(scope + ".registry", fromlist=["MODELS"]).MODELS
arch = dict(embed_dims=32, depth=1, num_heads=4)
for cfg in (
    dict(type="mmfan.FAN", arch=arch, out_indices=(0,)),
    dict(type="mmfan.FANHybrid", arch=dict(stem_depths=(1, 1), **arch)),
    dict(type="mmfan.FANSegformerHead", in_channels=(8, 8), num_classes=3, embed_dim=8),
    dict(type="mmfan.FANClassifier", backbone=dict(type="mmfan.FAN", arch=arch, out_indices=(0,)), num_classes=2),
):
    print(type(MODELS.build(cfg)).__name__)
"""

WITHOUT_MMSEG = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "mmseg" else find(name, *rest)
from mmengine.registry import MODELS
from mmfan.environment import EnvironmentMismatchError
print(type(MODELS.build(dict(type="mmfan.FANHybrid"))).__name__)
try:
    MODELS.build(dict(type="mmfan.FANSegformerHead", in_channels=(8,), num_classes=3))
except EnvironmentMismatchError as error:
    print(error)
print("mmseg" in sys.modules)
"""

# A plain config of mmsegmentation that is judged names nothing else of mmfan.
LOOP_ALONE = """
import sys
from mmengine.registry import EVALUATOR, LOOPS
print(LOOPS.get("mmfan.RobustnessLoop").__name__, EVALUATOR.get("mmfan.RetentionEvaluator").__name__)
asked = ("mmfan.models", "mmseg", "mmdet", "mmcv._ext", "cityscapesscripts", "imagecorruptions", "pycocotools")
print([name for name in asked if name in sys.modules])
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("scope", [None, "mmseg", "mmdet"])
@pytest.mark.process
@pytest.mark.slow
def test_by_prefix_under_any_scope(scope):
    assert run(BUILD.format(scope=scope)) == ["FAN", "FANHybrid", "FANSegformerHead", "FANClassifier"]


@pytest.mark.process
@pytest.mark.slow
def test_backbones_work_without_mmseg():
    built, message, loaded = run(WITHOUT_MMSEG)
    assert built == "FANHybrid"
    assert message.startswith("mmfan.FANSegformerHead needs the package `mmseg`, which is not installed.")
    assert loaded == "False"


@pytest.mark.process
def test_the_loop_asks_for_no_model_of_mmfan_and_no_further_package():
    assert run(LOOP_ALONE) == ["RobustnessLoop RetentionEvaluator", "[]"]


def test_registries_of_the_design_are_children_of_the_roots():
    import mmengine.registry as roots

    from mmfan import registry

    for name in ("MODELS", "DATASETS", "TRANSFORMS", "METRICS", "EVALUATOR", "LOOPS", "HOOKS"):
        ours = getattr(registry, name)
        assert ours.scope == "mmfan"
        assert ours.parent is getattr(roots, name)
