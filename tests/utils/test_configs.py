"""mmfan's own configs are found by name, by path as it is and as it was, and in bases."""

import json
import os
import sys
from pathlib import Path

import pytest

from mmfan.errors import MMFanError
from mmfan.utils import configs
from mmfan.utils.configs import config_folder, find_config, own_configs

ROOT = Path(__file__).parents[2]
MINI = ROOT / "configs/fan_segformer/fan_segformer_mini.py"
LONG = "fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024"


@pytest.fixture
def load_config():
    """The reader of configs, where there is mmengine; finding them needs none."""
    pytest.importorskip("mmengine")
    from mmfan.apis.config import load_config

    return load_config


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "given",
    [
        "fan_segformer_mini",
        "fan_segformer_mini.py",
        "mmfan::fan_segformer_mini",
        "mmfan::fan_segformer/fan_segformer_mini.py",
        "fan_segformer/fan_segformer_mini",
        "configs/fan_segformer_mini.py",  # where it was before there were folders
        Path("/some/checkout/configs/fan_segformer_mini.py"),
    ],
)
def test_found_in_an_empty_folder(given, elsewhere):
    assert find_config(given) == MINI


def test_every_name_is_there_once():
    files = [path for path in (ROOT / "configs").rglob("*.py") if "_base_" not in path.parts]
    assert len({path.stem for path in files}) == len(files) == len(own_configs())
    assert set(own_configs().values()) == set(files)


def test_a_file_of_ones_own_comes_first(elsewhere):
    (elsewhere / "configs").mkdir()
    for name in ("fan_segformer_mini.py", "configs/fan_segformer_mini.py"):
        (elsewhere / name).write_text("a = 1\n")
        assert find_config(name) == Path(name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "fan_segformer_mni",
            r"The config fan_segformer_mni does not exist .* Did you mean 'fan_segformer_mini'\? `mmf",
        ),
        ("mmfan::fan-segformer-mini", r"The config mmfan::fan-segformer-mini does not exist\. Did you mean 'fan_segf"),
        ("my_project/fan_segformer_mini.py", r"looked for /.*/my_project/fan_segformer_mini\.py"),
        ("x.py", r"x\.py does not exist \(looked for /.*/x\.py\)\. `mmfan configs` lists"),
    ],
)
def test_misses_are_named_with_what_was_meant(given, message, elsewhere):
    with pytest.raises(FileNotFoundError, match=message):
        find_config(given)


def test_a_base_by_name_is_the_config_itself(elsewhere, load_config):
    (elsewhere / "mine.py").write_text('_base_ = ["mmfan::fan_segformer_mini"]\nmax_iters = 3\n')
    mine, own = load_config("mine.py"), load_config("mmfan::fan_segformer_mini")
    assert mine.pop("max_iters") == 3
    own.pop("max_iters")
    assert mine.to_dict() == own.to_dict()
    (elsewhere / "wrong.py").write_text('_base_ = "mmfan::fan_segformer_mimi"\n')
    with pytest.raises(
        FileNotFoundError, match=r"wrong\.py: one of its bases cannot be found: .*Did you mean 'fan_segf"
    ):
        load_config("wrong.py")


def test_short_names_are_what_they_say(load_config):
    for short, name in configs.config_index()["short"].items():
        assert load_config(short).to_dict() == load_config(name).to_dict()


def test_an_installed_package_has_its_configs_inside(tmp_path, monkeypatch):
    inside = tmp_path / "mmfan/.mim/configs"
    (inside / "a").mkdir(parents=True)
    (inside / "index.json").write_text(json.dumps({"folders": []}))
    (inside / "a" / "only.py").write_text("")
    monkeypatch.setattr(configs, "PACKAGE", tmp_path / "mmfan")
    for cached in (config_folder, own_configs):
        cached.cache_clear()
    try:
        assert find_config("only") == inside / "a" / "only.py"
        os.remove(inside / "index.json")
        config_folder.cache_clear()
        with pytest.raises(MMFanError, match="install mmfan again"):
            config_folder()
    finally:
        for cached in (config_folder, own_configs):
            cached.cache_clear()


def test_messages_name_the_tool_that_runs(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tools/train.py"])
    with pytest.raises(FileNotFoundError, match=r"`mmfan configs` lists"):  # there is no tool for it
        find_config("nowhere")
