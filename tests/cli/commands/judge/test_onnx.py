"""`mmfan judge --onnx`: judged from the command line, reported, resumed; and what is refused."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from mmfan.cli import main

LINE = "mmfan judge --onnx colours.onnx --images images --labels labels --classes classes.txt"
ARGUMENTS = ["--corruptions", "contrast", "--severities", "5", "--workers", "0"]


def refused(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main(["judge", *map(str, words)])
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_forms_are_not_mixed(capsys):
    assert refused(capsys, "--onnx", "a.onnx", "--images", "x").endswith("--onnx needs --labels too")
    assert refused(capsys, "a.py", "a.pth", "--onnx", "a.onnx").endswith(
        "CONFIG, CHECKPOINT cannot stand beside --onnx"
    )
    assert refused(capsys, "--onnx", "a.onnx", "--amp", "--tta").endswith("--amp, --tta cannot stand beside --onnx")
    assert refused(capsys, "a.py", "a.pth", "--images", "x", "--bgr").endswith("--images, --bgr are for --onnx FILE")
    assert refused(capsys).endswith("arguments are required: config (or --onnx FILE)")


def test_files_that_are_wrong(capsys, tmp_path):
    from helpers.small_onnx import write_colours

    folder = write_colours(tmp_path)
    classes = tmp_path / "c.txt"
    given = ["--onnx", tmp_path / "no.onnx", "--images", folder / "images", "--labels", folder / "labels"]
    assert "No such file or directory" in refused(capsys, *given, "--classes", classes)
    classes.write_text("\n \n")
    assert f"{classes} names no class" in refused(capsys, *given, "--classes", classes)
    classes.write_bytes(b"\xff\xfe\xd8")
    assert f"{classes} is no text in UTF-8" in refused(capsys, *given, "--classes", classes)
    classes.write_text("red\ngreen\nblue\n")
    assert "no.onnx does not exist" in refused(capsys, *given, "--classes", classes)
    assert "give white=255" in refused(capsys, *given, "--classes", classes, "--mean", 123, 116, 103)


def test_networks_that_do_not_say_enough(capsys, tmp_path):
    """The cure is one that a command has; `layout` and `output` are arguments in Python alone."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from helpers.small_onnx import write_colours, write_network

    folder, path = write_colours(tmp_path), write_network(tmp_path / "n.onnx")
    whole = onnx.load(str(path))
    given = ["--onnx", path, "--images", folder / "images", "--labels", folder / "labels"]
    given += ["--classes", folder / "classes.txt"]
    free = onnx.ModelProto.FromString(whole.SerializeToString())
    free.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "c"
    onnx.save(free, str(path))
    assert "in Python; a command needs a network that is exported with its 3 channels fixed" in refused(capsys, *given)
    whole.graph.output.append(onnx.helper.make_tensor_value_info("values", onnx.TensorProto.FLOAT, ["n", 3, "h", "w"]))
    onnx.save(whole, str(path))
    assert "in Python; a command needs a network that is exported with the one output" in refused(capsys, *given)


@pytest.mark.process
def test_a_network_is_judged_and_reported(tmp_path):
    """In processes of their own, without torch and OpenMMLab."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from helpers.small_onnx import CLEAN_MIOU, write_colours, write_network

    write_colours(tmp_path)
    write_network(tmp_path / "colours.onnx")

    def run(*words):
        blocked = "import sys\nfor name in ('torch', 'mmengine', 'mmcv', 'mmseg'): sys.modules[name] = None\n"
        command = [sys.executable, "-c", f"{blocked}from mmfan.cli import main\nsys.exit(main())", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip

    line = shlex.split(LINE)[1:]
    done = run(*line, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "Results: work_dirs/colours/robustness.jsonl"
    assert f" {100 * CLEAN_MIOU:.1f}" in next(text for text in said if text.startswith("| colours"))
    words = shlex.split(said[-1])
    assert words == ["mmfan", "report", "work_dirs/colours/robustness.jsonl"]
    report = run(*words[1:], "--format", "json")
    assert report.returncode == 0, report.stderr
    (model,) = json.loads(report.stdout)["models"]
    assert model["clean"] == pytest.approx(CLEAN_MIOU, abs=1e-12)
    # the same again judges nothing; with other preprocessing it is another model
    before = (tmp_path / "work_dirs/colours/robustness.jsonl").read_text()
    assert run(*line, *ARGUMENTS, "--quiet").stderr == ""
    assert (tmp_path / "work_dirs/colours/robustness.jsonl").read_text() == before
    assert run(*line, *ARGUMENTS, "--mean", "0.5", "0.5", "0.5", "--limit", "1").returncode == 0
    assert len((tmp_path / "work_dirs/colours/robustness.jsonl").read_text().splitlines()) == 4


def test_classes_that_the_network_names():
    from pathlib import Path
    from types import SimpleNamespace

    from mmfan.cli.commands.judge.onnx import classes_within
    from mmfan.errors import MMFanError

    def session(facts):
        return SimpleNamespace(get_modelmeta=lambda: SimpleNamespace(custom_metadata_map=facts))

    assert classes_within(session({"mmfan.classes": '["red", "green"]'}), Path("a.onnx")) == ["red", "green"]
    with pytest.raises(MMFanError, match=r"a\.onnx does not name its classes: give them by --classes FILE"):
        classes_within(session({}), Path("a.onnx"))
