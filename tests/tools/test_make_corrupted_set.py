import json
import os
import re
import signal
import sys
import time

import psutil
import pytest
from helpers.corrupted_tree import ROOT, start_tool, tree_bytes, write_cityscapes, write_module, write_picture

from mmfan import cli
from mmfan.corruptions import unregister_corruption


def run(*arguments, **environment):
    tool = start_tool(*arguments, **environment)
    tool.out, tool.err = tool.communicate(timeout=120)
    return tool


@pytest.fixture
def main(monkeypatch, tmp_path):
    """The tool's main function, called in this process: a process of its own takes longer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    previous = signal.getsignal(signal.SIGTERM)

    def call(*arguments):
        return cli.main(["corrupt", *map(str, arguments)])

    yield call
    signal.signal(signal.SIGTERM, previous)


@pytest.fixture
def source(tmp_path):
    return write_cityscapes(tmp_path / "clean", 5)


@pytest.mark.process
@pytest.mark.slow
def test_makes_verifies_and_complains(source, tmp_path, main, capsys):
    target = tmp_path / "c"
    options = ["--corruptions", "brightness", "contrast", "--severities", "1", "3"]
    done = run(source, target, *options, "--workers", "2")
    assert done.returncode == 0, done.err
    assert re.search(r"made 20 \(0\.00 GB\), kept 0, [\d.]+ s, [\d.]+ pictures/s", done.out)
    assert re.search(r"decode [\d.]+%, corrupt [\d.]+%, encode [\d.]+%, hash [\d.]+%, disk [\d.]+%", done.out)
    assert "complete: 4 of 4 corruptions x severities" in done.out
    assert re.search(r"pictures: 20/20, [\d.]+/s, 0 s left", done.err)
    assert len(list((target / "leftImg8bit").glob("*/*/val/*/*.png"))) == 20
    assert json.loads((target / "manifests/contrast/3/val.json").read_text())["parameters"] == 0.2

    assert main(source, target, *options) == 0
    assert "made 0 (0.00 GB), kept 20" in capsys.readouterr().out
    assert main(source, target, "--verify") == 0
    assert "4 corruptions x severities, 20 files as in the manifests, 0 problems" in capsys.readouterr().out

    victim = target / "leftImg8bit/contrast/3/val/ulm/ulm_000002_000019_leftImg8bit.png"
    write_picture(victim, 77)
    assert main(source, target, "--verify") == 1
    said = capsys.readouterr()
    assert "19 files as in the manifests, 1 problems" in said.out
    assert f"altered: {victim}\n" in said.err
    assert "run without --verify: what is missing is made" in said.err
    assert main(source, target, "--verify", "--corruptions", "fog") == 1
    assert "fog 5 is not complete: 0 of 5 pictures are there" in capsys.readouterr().err


def test_dry_run_writes_nothing(source, tmp_path, main, capsys):
    assert main(source, tmp_path / "c", "--dry-run", "--shard", "1/2") == 0
    said = capsys.readouterr().out
    assert f"{source} -> {tmp_path}/c (cityscapes, val, shard 1/2)" in said
    assert "3 pictures x 95 cells (png, seed 0)" in said
    assert "0 are there, 285 to make, about 0.00 GB" in said
    assert not (tmp_path / "c").exists()
    with pytest.raises(SystemExit):
        main(source, tmp_path / "c", "--dry-run", "--verify")
    assert "--verify: not allowed with argument --dry-run" in capsys.readouterr().err
    assert main(source, tmp_path / "c", "--dry-run", "--protocol", "kamann16", "--severities", "5") == 0
    assert "5 pictures x 12 cells" in capsys.readouterr().out


def test_coco_as_jpeg_and_a_folder_with_names(tmp_path, main, capsys):
    write_picture(tmp_path / "coco/val2017/000000000139.jpg", 1)
    options = ["--corruptions", "contrast", "--severities", "2", "--workers", "1"]
    assert main(tmp_path / "coco", tmp_path / "coco_c", *options, "--format", "jpeg", "--quality", "80") == 0
    assert (tmp_path / "coco_c/contrast/2/val2017/000000000139.jpg").is_file()
    manifest = json.loads((tmp_path / "coco_c/manifests/contrast/2/val2017.json").read_text())
    assert (manifest["format"], manifest["quality"]) == ("jpeg", 80)
    assert main(tmp_path / "coco", tmp_path / "coco_c", "--verify") == 0
    assert main(tmp_path / "coco", tmp_path / "coco_c", "--verify", "--quality", "80", "--seed", "0") == 0
    for option, value, there in (("seed", 5, 0), ("format", "png", "jpeg"), ("quality", 70, 80)):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(tmp_path / "coco", tmp_path / "coco_c", "--verify", f"--{option}", value)
        assert f"was made with {option} {there}, got --{option} {value}." in capsys.readouterr().err

    write_picture(tmp_path / "meine Bilder/größe 1/道.png", 1)
    assert main("meine Bilder", "bilder c", *options) == 0
    assert (tmp_path / "bilder c/contrast/2/größe 1/道.png").is_file()
    assert "größe 1/道.png" in (tmp_path / "bilder c/manifests/contrast/2/all.json").read_text()
    assert main("meine Bilder", "bilder c", "--verify") == 0


def test_ranks_of_torchrun_and_slurm(source, tmp_path, main, monkeypatch, capsys):
    options = ["--corruptions", "contrast", "--workers", "1"]
    main(source, tmp_path / "whole", *options)
    target = tmp_path / "c"
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    assert main(source, target, *options) == 0
    said = capsys.readouterr()
    assert "shard 2/2, from torchrun" in said.err
    assert "not complete: contrast 1 with 2 of 5 pictures and 4 more" in said.err
    monkeypatch.delenv("RANK")
    for name, value in (("SLURM_PROCID", "0"), ("SLURM_STEP_NUM_TASKS", "2")):
        monkeypatch.setenv(name, value)
    assert main(source, target, *options) == 0
    assert "shard 1/2, from slurm" in capsys.readouterr().err
    assert tree_bytes(target) == tree_bytes(tmp_path / "whole")


@pytest.mark.process
@pytest.mark.slow
def test_three_machines_at_once(source, tmp_path, main):
    options = ["--corruptions", "contrast", "brightness", "--workers", "1"]
    tools = [start_tool(source, tmp_path / "c", *options, "--shard", f"{number}/3") for number in (1, 2, 3)]
    for tool, made in zip(tools, (20, 20, 10), strict=True):
        said, complaints = tool.communicate()
        assert tool.returncode == 0, complaints
        assert f"made {made} (0.00 GB), kept 0," in said
    assert main(source, tmp_path / "whole", *options) == 0
    assert tree_bytes(tmp_path / "c") == tree_bytes(tmp_path / "whole")


@pytest.mark.process
def test_needs_neither_torch_nor_openmmlab():
    import subprocess

    code = (
        "import sys, mmfan.cli.commands.corrupt;"
        "print([name for name in ('torch', 'mmcv', 'mmengine', 'mmseg', 'mmdet', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.process
def test_a_users_own_corruption(source, tmp_path, main):
    module = write_module(tmp_path, "night_shade")
    assert main(source, "c", "--import", module, "--corruptions", "tint", "contrast", "--workers", "2") == 0
    unregister_corruption("tint")
    del sys.modules[module]
    assert len(list((tmp_path / "c/leftImg8bit/tint").rglob("*.png"))) == 3 * 5
    assert main(source, "one", "--import", module, "--corruptions", "tint", "contrast", "--workers", "1") == 0
    unregister_corruption("tint")
    assert tree_bytes(tmp_path / "c") == tree_bytes(tmp_path / "one")


def test_a_bad_picture_ends_with_1_and_names_it(source, tmp_path, main, capsys):
    bad = source / "leftImg8bit/val/ulm/ulm_000002_000019_leftImg8bit.png"
    bad.write_bytes(bad.read_bytes()[:-50])
    assert main(source, tmp_path / "c", "--corruptions", "contrast", "--workers", "1") == 1
    said = capsys.readouterr()
    assert "made 20" in said.out
    assert "complete: 0 of 5" in said.out
    assert f"Cannot use {bad}: the PNG is truncated" in said.err
    assert "not complete: contrast 1 with 4 of 5 pictures and 4 more" in said.err


@pytest.fixture
def at_work(tmp_path):
    """The tool, with two workers, when it has made ten pictures of some hundreds; and how it was called."""
    for index in range(60):
        write_picture(tmp_path / f"clean/{index}.png", index, (32, 32))
    module = write_module(tmp_path, sleep=0.1)
    options = [tmp_path / "clean", tmp_path / "c", "--import", module, "--corruptions", "tint", "--workers", "2"]
    tool = start_tool(*options, cwd=tmp_path)
    while tool.poll() is None and len(list((tmp_path / "c").rglob("*.png"))) < 10:
        time.sleep(0.01)
    yield tool, options
    if tool.poll() is None:
        tool.kill()
        tool.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.process
@pytest.mark.slow
def test_interrupted(tmp_path, at_work, how):
    tool, options = at_work
    again = run(*options, cwd=tmp_path)
    assert again.returncode == 2
    assert re.search(rf"is being made by process {tool.pid} on this machine .shard 1/1.\. Wait for it", again.err)
    helpers = psutil.Process(tool.pid).children(recursive=True)
    assert len(helpers) >= 3  # two workers and the server that started them
    tool.send_signal(how)
    said = tool.communicate()[1]
    assert tool.returncode == 130
    assert "Interrupted; what was made is whole and is kept." in said
    assert "Traceback" not in said
    assert psutil.wait_procs(helpers, timeout=10)[1] == []
    assert not list((tmp_path / "c").rglob("*.part*"))
    assert not list((tmp_path / "c").rglob("lock*"))


@pytest.mark.process
@pytest.mark.slow
def test_killed_it_takes_its_workers_along(tmp_path, at_work):
    tool, options = at_work
    helpers = psutil.Process(tool.pid).children(recursive=True)
    assert len(helpers) >= 3
    tool.kill()
    tool.communicate()
    assert psutil.wait_procs(helpers, timeout=10)[1] == []
    (tmp_path / "my_tint.py").write_text((tmp_path / "my_tint.py").read_text().replace("0.1", "0"))
    again = run(*options, cwd=tmp_path)
    assert again.returncode == 0, again.err
    assert not list((tmp_path / "c").rglob("*.part*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--corruptions", "fogg"], "there is no corruption 'fogg' (did you mean 'fog'?)"),
        (["--protocol", "kaman16"], "There is no protocol 'kaman16'. Did you mean 'kamann16'?"),
        (["--corruptions", "fog", "--severities", "6"], "fog has the severities 1, 2, 3, 4, 5, not 6"),
        (["--severities", "0"], "expected a whole number of at least 1, got '0'"),
        (["--severities", "2.5"], "expected a whole number of at least 1, got '2.5'"),
        (["--protocol", "level5", "--severities", "1"], "The protocol level5 has no severity 1."),
        (["--protocol", "level5", "--corruptions", "fog"], "not allowed with argument"),
        (["--shard", "3/2"], "expected a shard as i/n with i from 1 to n (the first of three is 1/3), got '3/2'"),
        (["--split", "test"], "There is no split 'test'"),
        (["--quality", "90"], "PNG is free of loss"),
        (["--import", "no_such_module"], "No module named 'no_such_module'"),
        (["--layout", "coco"], "There is no split 'val2017'"),
        (["--verify"], "has no corrupted_set.json"),
    ],
)
def test_bad_arguments(source, tmp_path, main, capsys, arguments, said):
    with pytest.raises(SystemExit) as caught:
        main(source, tmp_path / "c", *arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


@pytest.mark.process
@pytest.mark.slow
def test_mixing_and_missing_folders_end_in_one_line(source, tmp_path):
    options = [source, tmp_path / "c", "--corruptions", "contrast", "--workers", "1"]
    assert run(*options).returncode == 0
    done = run(*options, "--seed", "3")
    assert done.returncode == 2
    assert "base seed 0 there, 3 now. Use the same ones, or another folder." in done.err
    assert "Traceback" not in done.err
    done = run(tmp_path / "nowhere", tmp_path / "d")
    assert done.returncode == 2
    assert f"The folder {tmp_path}/nowhere does not exist." in done.err
    assert not os.path.exists(tmp_path / "d")
    done = run(source, tmp_path / ("e" * 256), "--corruptions", "contrast", "--workers", "1")
    assert done.returncode == 2
    assert "File name too long" in done.err
    assert "Traceback" not in done.err
    (tmp_path / "file").write_text("")
    done = run(source, tmp_path / "file/d", "--corruptions", "contrast")
    assert done.returncode == 2
    assert f"Not a directory: '{tmp_path}/file" in done.err
    assert "Traceback" not in done.err
