"""Configs: bases of installed packages, misspelt keys, options that do not fit, errors with their place."""

import json
import sys

import pytest
from mmengine.config import utils as config_utils
from mmengine.optim import OptimWrapper

from mmfan.apis.config import (
    RUNNER_ARGUMENTS,
    check_options,
    innermost_dataset,
    innermost_datasets,
    load_config,
    nearest_argument,
    package_bases,
)
from mmfan.environment import EnvironmentMismatchError
from mmfan.errors import ConfigError


def write(folder, text, name="experiment.py"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("base", "key", "value"),
    [
        ("mmseg::_base_/models/segformer_mit-b0.py", "decode_head", "SegformerHead"),
        ("mmdet::_base_/models/faster-rcnn_r50_fpn.py", "neck", "FPN"),
    ],
)
def test_bases_of_both_packages_resolve(tmp_path, base, key, value):
    cfg = load_config(write(tmp_path, f"_base_ = {base!r}\n"))
    assert cfg.model[key].type == value


def test_whole_experiment_of_mmseg_resolves_by_its_address(tmp_path):
    base = "mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py"
    cfg = load_config(write(tmp_path, f"_base_ = {base!r}\n"))
    assert cfg.train_cfg.max_iters == 160000


@pytest.mark.parametrize(
    ("address", "model", "scope"),
    [
        ("mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py", "EncoderDecoder", "mmseg"),
        ("mmdet::retinanet/retinanet_r50_fpn_1x_coco.py", "RetinaNet", "mmdet"),
    ],
)
def test_whole_experiments_of_both_packages_by_their_address_alone(tmp_path, address, model, scope):
    cfg = load_config(address, {"train_dataloader.num_workers": 0})
    assert (cfg.model.type, cfg.default_scope, cfg.train_dataloader.num_workers) == (model, scope, 0)
    based = load_config(write(tmp_path, f"_base_ = {address!r}\n"), {"train_dataloader.num_workers": 0})
    assert cfg.model.backbone.init_cfg == based.model.backbone.init_cfg


@pytest.mark.parametrize(
    ("address", "kind", "message"),
    [
        ("mmseg::segformer/none.py", FileNotFoundError, r"mmseg::segformer/none\.py does not exist"),
        ("mmnothing::a/b.py", ConfigError, r"as in mmseg::segformer/NAME\.py, got 'mmnothing::a/b\.py'"),
        ("mmseg::none", ConfigError, "got 'mmseg::none'"),
        ("mmfan::none", FileNotFoundError, "The config mmfan::none does not exist"),
    ],
)
def test_addresses_that_lead_nowhere_are_named(address, kind, message):
    with pytest.raises(kind, match=message):
        load_config(address)


def test_table_of_packages_is_restored_even_after_an_error():
    before = dict(config_utils.MODULE2PACKAGE)
    with pytest.raises(RuntimeError, match="inside"), package_bases():
        raise RuntimeError("inside")
    assert dict(config_utils.MODULE2PACKAGE) == before


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.py does not exist \(looked for /"):
        load_config(tmp_path / "nowhere.py")
    with pytest.raises(FileNotFoundError, match=r"experiment\.py: one of its bases .*other\.py"):
        load_config(write(tmp_path, "_base_ = './other.py'\n"))
    with pytest.raises(ConfigError, match=r"ends in one of \.py, .*got .*\.txt"):
        load_config(write(tmp_path, "a = 1\n", "experiment.txt"))


def test_unknown_package_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="does not support to load mmnothing"):
        load_config(write(tmp_path, "_base_ = 'mmnothing::a/b.py'\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = a / 0\n", r"experiment\.py:2: ZeroDivisionError"),
        ("a = 1\n\nb = (\n", r"experiment\.py:3: SyntaxError"),
        ("lr = unknown_name\n", r"experiment\.py:1: NameError: name 'unknown_name'"),
    ],
)
def test_python_errors_give_file_and_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("train_dataloder", "train_dataloader"),
        ("optim_wraper", "optim_wrapper"),
        ("parm_scheduler", "param_scheduler"),
        ("val_evalautor", "val_evaluator"),
        ("modle", "model"),
        ("custom_hook", "custom_hooks"),
    ],
)
def test_misspelt_top_level_key_names_both(tmp_path, key, meant):
    with pytest.raises(ConfigError, match=f"unknown key '{key}'; did you mean '{meant}'"):
        load_config(write(tmp_path, f"{key} = dict()\n"))


def test_classes_that_a_config_in_pure_python_imports_are_no_keys(tmp_path):
    write(
        tmp_path,
        "from mmengine.optim import OptimWrapper\nfrom mmengine.visualization import Visualizer\n"
        "import mmengine.model as modle\nparam_schedulr = modle.BaseModel\noptim_wrapper = dict(type=OptimWrapper)\n",
        "base.py",
    )
    text = "from mmengine.config import read_base\nwith read_base():\n    from .base import *\n"
    cfg = load_config(write(tmp_path, text), {"optim_wrapper.accumulative_counts": 2})
    assert (cfg.optim_wrapper.type, cfg.optim_wrapper.accumulative_counts) == (OptimWrapper, 2)
    with pytest.raises(ConfigError, match="unknown key 'train_dataloder'; did you mean 'train_dataloader'"):
        load_config(write(tmp_path, text + "train_dataloder = dict()\n"))


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("from mmengine.model import BaseModl\nmodel = dict(type=BaseModl)\n", ConfigError,
         r"experiment\.py: ImportError: Failed to import BaseModl from mmengine\.model in .*experiment\.py, line 1"),
        ("from mmnothing import Model\nmodel = dict(parts=[dict(type=Model)])\n", EnvironmentMismatchError,
         r"experiment\.py: Failed to import mmnothing in .*experiment\.py, line 1"),
    ],
)  # fmt: skip
def test_classes_that_cannot_be_imported_are_named(tmp_path, text, kind, message):
    with pytest.raises(kind, match=message):
        load_config(write(tmp_path, text))


def test_a_package_that_is_missing_says_how_to_install_it(tmp_path, monkeypatch):
    """As from the base of one."""
    monkeypatch.setattr("mmfan.apis.config.is_installed", lambda module: False)
    monkeypatch.setattr("mmfan.apis.config.check_environment", lambda module: pytest.fail(f"asked for {module}"))
    monkeypatch.setitem(sys.modules, "mmpretrain", None)
    with pytest.raises(pytest.fail.Exception, match="asked for mmpretrain"):
        load_config(write(tmp_path, "from mmpretrain.models import Vim\nmodel = dict(type=Vim)\n"))


@pytest.mark.parametrize(
    "name", ["train_pipeline", "data_root", "models", "val_evaluator_full", "conv_cfg", "norm_cfg"]
)
def test_variables_of_real_configs_pass(name):
    assert nearest_argument(name) is None


def test_no_argument_of_the_runner_is_its_own_misspelling():
    assert "train_dataloader" in RUNNER_ARGUMENTS
    assert [nearest_argument(name) for name in RUNNER_ARGUMENTS] == [None] * len(RUNNER_ARGUMENTS)


@pytest.fixture
def cfg(tmp_path):
    text = "model = dict(a=1, steps=[dict(type='A'), dict(type='B')], size=(1, 2), none=None)\nvariable = 3\n"
    return load_config(write(tmp_path, text))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train_dataloder.batch_size", 2, "no key 'train_dataloder' .*did you mean 'train_dataloader'"),
        ("variabel", 2, "did you mean 'variable'"),
        ("zzz", 2, "known are .*train_cfg"),
        ("model.a.b", 2, r"model\.a is 1, which has no keys to set; replace it whole with model\.a=\.\.\."),
        ("model.none.b", 2, r"model\.none is None"),
        ("model.size.0", 2, r"model\.size is \(1, 2\)"),
        ("model.steps.2.type", "C", "list of 2; expected an index below that .*'2'"),
        ("model.steps.first.type", "C", "expected an index .*'first'"),
        ("model.steps.0", "C", "give the whole list"),
    ],
)
def test_options_that_cannot_work_are_refused(cfg, key, value, message):
    with pytest.raises(ConfigError, match=message):
        check_options(cfg, {key: value})


def test_options_that_fit_are_applied(tmp_path):
    path = write(tmp_path, "model = dict(a=1, steps=[dict(type='A'), dict(type='B')])\n")
    cfg = load_config(path, {"model.a": 5, "model.steps.1.type": "C", "model.new.key": 7, "randomness.seed": 3})
    assert cfg.model == {"a": 5, "steps": [{"type": "A"}, {"type": "C"}], "new": {"key": 7}}
    assert cfg.randomness.seed == 3


def test_misspelt_argument_of_a_constructor_is_named_by_mmengine():
    from mmengine.registry import MODELS, DefaultScope

    with (
        DefaultScope.overwrite_default_scope("mmseg"),
        pytest.raises(TypeError, match="drop_path_ratee"),
    ):
        MODELS.build({"type": "mmfan.FANHybrid", "arch": "tiny", "drop_path_ratee": 0.1})


def test_sets_within_sets():
    first, second = {"type": "A", "pipeline": []}, {"type": "B", "pipeline": []}
    joined = {"type": "ConcatDataset", "datasets": [first, {"type": "RepeatDataset", "dataset": second}]}
    assert innermost_datasets({"type": "RepeatDataset", "dataset": joined}) == [first, second]
    assert innermost_dataset({"type": "RepeatDataset", "dataset": first}) is first
    assert innermost_dataset(joined) is joined
    assert innermost_dataset({}) == {}


def test_texts_that_cannot_be_written(tmp_path):
    path = tmp_path / "a.json"
    for content, place in (
        ({"model": {"parts": ["ok", "\ud800"]}}, "a.json: model: parts"),
        ({"model": {"\udfff": 1}}, "a key of .*a.json: model"),
    ):
        path.write_text(json.dumps(content))
        with pytest.raises(ConfigError, match=f"{place}: '.*' is no text"):
            load_config(path)
    path.write_text(json.dumps({"model": {"parts": "\U0001f600"}}))
    assert load_config(path).model.parts == "\U0001f600"
