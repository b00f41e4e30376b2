"""`mmfan judge --classifier`: judged from the command line, reported, resumed; shape bias; and what is refused."""

import json

import numpy as np
import pytest
from helpers.tiny_classes import write_set
from PIL import Image

from mmfan.cli import main

MODEL = """
import numpy as np
LEVELS = np.array([210, 120, 30])


def by_level(rgb):
    return -np.abs(rgb.mean() - LEVELS).astype(np.float32)


def of_ten(rgb):
    scores = np.full(10, 50, np.float32)
    scores[[2, 3, 5]] = by_level(rgb)
    return scores


def cat(rgb):
    return np.eye(1000, dtype=np.float32)[281]


def made():
    return by_level


def fails(rgb):
    return 1 / 0


number = 7
"""
ARGUMENTS = ["--corruptions", "contrast", "--severities", "1", "5", "--workers", "0", "--quiet"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_set(tmp_path / "val")
    (tmp_path / "own.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main(["judge", *map(str, words)])
    assert stop.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_forms_are_not_mixed(capsys, folder):
    for words, told in (
        (["--classification", "--images", "x"], "--classification needs --onnx FILE"),
        (["--classifier", "a.py:b", "--onnx", "a.onnx"], "take --classifier or --onnx, not both"),
        (["--classifier", "a.py:b"], "a classifier needs --images DIR or --cue-conflict DIR or --imagenet-p DIR"),
        (["--classifier", "a.py:b", "--images", "x", "--tta"], "--tta cannot stand beside a classifier"),
        (["--classifier", "a.py:b", "--images", "x", "--bgr", "--ignore-index", "3"], "--ignore-index cannot stand"),
        (["--classifier", "a.py:b", "--images", "x", "--flips"], "--flips cannot stand beside a classifier"),
        (["a.py", "a.pth", "--stored", "x"], "--stored is for --classifier MODEL or --onnx FILE --classification"),
        (["--classifier", "a.py:b", "--images", "x", "--imagenet-c", "--crop", "3"], "take --imagenet-c or --resize"),
        (
            ["--classifier", "a.py:b", "--images", "x", "--imagenet-c", "--protocol", "all19"],
            "own constants of elastic_t",
        ),
        (
            ["--classifier", "a.py:b", "--images", "x", "--imagenet-c", "--corruptions", "fog", "elastic_transform"],
            "beside --imagenet-c take elastic_transform_imagenet_c",
        ),
        (["--classifier", "no.py:b", "--images", "val"], "no.py does not exist"),
        (["--classifier", "own.py:b", "--images", "val"], "no 'b' in own.py; it has np, LEVELS, by_level"),
        (["--classifier", "own.py:number", "--images", "val"], "a function of a picture, got int"),
        (["--classifier", "own.py:cat", "--images", "val", "--white", "255"], "leave --white out"),
        (["--classifier", "nowhere_at_all:b", "--images", "val"], "no module 'nowhere_at_all'"),
        (["--classifier", "own.py:cat", "--images", "val", "--ema"], "--ema is for official files"),
        (["--classifier", "own.py", "--images", "val"], "the name of a model in own.py, as own.py:model"),
        (
            ["--classifier", "own.py:cat", "--cue-conflict", "x", "--outputs", "9", "--crop", "3"],
            "--outputs, --crop ca",
        ),
        (["--classifier", "own.py:cat", "--imagenet-p", "x", "--protocol", "cbar10"], "--protocol cannot stand beside"),
        (["--classifier", "own.py:cat", "--imagenet-p", "x", "--attack", "pgd"], "--attack cannot stand beside"),
    ):
        assert told in refused(capsys, *words)


def test_what_cannot_be_done_is_said(capsys, folder):
    """Neither may be passed over in silence."""
    line = ["judge", "--classifier", "own.py:by_level", "--images", "val", *ARGUMENTS, "--results", "r.jsonl"]
    for words, told in (
        (["--adapt", "bn"], "bn (batch 1, order set, prior 16, reset cell) cannot be done to a function"),
        (["--attack", "pgd"], "cannot be done to"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*line, *words])
        assert stop.value.code == 1
        assert told in capsys.readouterr().err
    assert not (folder / "r.jsonl").exists()


def test_a_function_is_judged_goes_on_and_is_reported(folder, capsys):
    line = ["judge", "--classifier", "own.py:by_level", "--images", "val", *ARGUMENTS, "--results", "r.jsonl"]
    assert main(line) == 0
    first = (folder / "r.jsonl").read_text()
    assert [(one["corruption"], one["severity"]) for one in records(folder / "r.jsonl")] == [
        ("clean", 0), ("contrast", 1), ("contrast", 5),
    ]  # fmt: skip
    assert records(folder / "r.jsonl")[0]["model"] == "by_level"
    assert "mmfan report r.jsonl" in capsys.readouterr().out
    assert main(line) == 0
    assert (folder / "r.jsonl").read_text() == first
    for form, told in (
        ("markdown", "| by_level | custom   |     2 | 100.0 |"),
        ("latex", r"by\_level & "),
        ("html", ">by_level<"),
    ):
        assert main(["report", "r.jsonl", "--format", form, "--out", f"r.{form}"]) == 0
        assert told in (folder / f"r.{form}").read_text()


def test_the_columns_of_the_set_and_the_clean_pictures_alone(folder, capsys):
    names = [f"x{number}" for number in range(10)]
    names[2], names[3], names[5] = "n01", "n02", "n07"
    (folder / "names.txt").write_text("\n".join(names))
    line = ["judge", "--classifier", "own.py:of_ten", "--images", "val", "--protocol", "clean", "--workers", "0"]
    assert main([*line, "--outputs", "names.txt", "--results", "r.jsonl", "--dataset-name", "imagenet-r"]) == 0
    assert "of_ten on imagenet-r, clean pictures: top1 100.00 %" in capsys.readouterr().out
    (record,) = records(folder / "r.jsonl")
    assert (record["dataset"], record["metrics"]["top1"]) == ("imagenet-r", 1.0)


def test_form_of_imagenet_c(folder):
    write_set(folder / "c" / "contrast" / "5")
    for path in (folder / "val").rglob("*.png"):
        Image.open(path).resize((256, 256)).save(path)
    line = ["judge", "--classifier", "own.py:made", "--images", "val", "--imagenet-c", "--workers", "0", "--limit", "2"]
    line += ["--corruptions", "contrast", "--severities", "5", "--results", "r.jsonl", "--quiet"]
    assert main(line) == 0
    assert main([*line, "--stored", "c"]) == 0
    made, stored = (records(folder / "r.jsonl")[at] for at in (1, 3))
    assert (made["source"], made["form"]) == ("fly", {"resize": 256, "crop": 224, "quality": 85})
    assert (stored["source"], stored["form"]) == ("stored", {"resize": 256, "crop": 224})
    assert made["dataset"] == "imagenet"


def test_shape_bias(folder, capsys):
    for name in ("cat/cat1-dog2.png", "dog/dog3-cat1.png", "dog/dog1-bear1.png", "bear/bear2-bear3.png"):
        (folder / "cues" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(folder / "cues" / name)
    assert main(["judge", "--classifier", "own.py:cat", "--cue-conflict", "cues", "--results", "cues.json"]) == 0
    out = capsys.readouterr().out
    assert "cat: shape bias 0.500 (mean of classes 0.500), neither 0.333" in out
    assert "  0.960 people (about)\n  0.214 ResNet-50\n" in out
    kept = json.loads((folder / "cues.json").read_text())
    assert (kept["shape"], kept["texture"], kept["neither"], kept["excluded"]) == (1, 1, 1, 1)


def test_what_a_shape_bias_cannot_be_asked_of(folder, capsys):
    (folder / "cues" / "cat").mkdir(parents=True)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(folder / "cues/cat/cat1-dog2.png")
    for name, told in (
        ("of_ten", "the scores of ImageNet's 1000 classes, (1000,), which the groups are made of, got the shape (10,)"),
        ("fails", "predict raised ZeroDivisionError on cat/cat1-dog2.png: division by zero"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["judge", "--classifier", f"own.py:{name}", "--cue-conflict", "cues"])
        assert stop.value.code == 1
        assert told in capsys.readouterr().err


def test_a_network_that_classifies(folder, capsys):
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    # the mean of the picture against three levels: score = level * mean - level ** 2 / 2, highest for the nearest
    levels = np.array([210, 120, 30], np.float32)
    weight = helper.make_tensor("w", kind, [3, 3], (np.ones((3, 1)) / 3 * levels).ravel())
    bias = helper.make_tensor("b", kind, [3], -(levels**2) / 2)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "levels", [helper.make_tensor_value_info("x", kind, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", kind, ["n", 3])], [weight, bias],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "levels.onnx"))
    line = ["--onnx", "levels.onnx", "--classification", "--images", "val", "--white", "255", "--batch-size", "4"]
    assert main(["judge", *line, *ARGUMENTS, "--results", "r.jsonl"]) == 0
    assert (
        main(["judge", "--classifier", "own.py:by_level", "--images", "val", *ARGUMENTS, "--results", "r.jsonl"]) == 0
    )
    found = records(folder / "r.jsonl")
    assert [one["metrics"] for one in found[:3]] == [one["metrics"] for one in found[3:]]
    assert found[0]["checkpoint_hash"]


@pytest.mark.slow
def test_an_official_file(folder, capsys):
    """Random weights under published names: found by its tensors, normalised as ImageNet, known again by its hash."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("mmengine")
    from mmfan import picture_files
    from mmfan.adapters import Preprocessing
    from mmfan.models import FANClassifier

    torch.manual_seed(0)
    model = FANClassifier({"type": "mmfan.FANHybrid", "arch": "tiny"}, num_classes=3).eval()
    state = {key.removeprefix("backbone."): value for key, value in model.state_dict().items()}
    torch.save({"state_dict": state}, folder / "fan_tiny.pth.tar")
    line = ["judge", "--classifier", "fan_tiny.pth.tar", "--images", "val", "--crop", "32", "--protocol", "clean"]
    assert main([*line, "--batch-size", "4", "--workers", "0", "--results", "r.jsonl", "--quiet"]) == 0
    (record,) = records(folder / "r.jsonl")
    assert record["model"] == "fan_tiny"
    assert len(record["checkpoint_hash"]) == 16
    preprocessing = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    right = []
    for number, kind in enumerate(("n01", "n02", "n07")):
        for one in range(2):
            rgb = picture_files.read(str(folder / "val" / kind / f"{one}.png"))[4:36, 8:40, ::-1]
            batch = torch.from_numpy(preprocessing.array(np.ascontiguousarray(rgb)).transpose(2, 0, 1).copy())[None]
            with torch.no_grad():
                right.append(int(model(batch).argmax()) == number)
    assert record["metrics"]["top1"] == pytest.approx(sum(right) / 6)
