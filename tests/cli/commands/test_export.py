"""`mmfan export`: written and checked from the command line; and what is refused."""

import pytest
from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree

from mmfan.cli import main


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    config = write_config(folder / "tiny.py", write_tree(folder / "data"))
    return [str(config), str(write_checkpoint(folder / "tiny.pth", config))]


def refused(capsys, *given):
    with pytest.raises(SystemExit) as stop:
        main(["export", *map(str, given)])
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_network_is_written_and_checked(words, tmp_path, capsys):
    """TorchScript needs no further package."""
    target = tmp_path / "model.pt"
    assert main(["export", *words, str(target), "--argmax"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("1 x 3 x 128 x 160: 100.000% of the pixels agree")
    assert told[-1].startswith(f"{target}: 19 classes, ")
    assert "exists; --force replaces it" in refused(capsys, *words, target)


def test_without_the_check(words, tmp_path, capsys):
    assert main(["export", *words, str(tmp_path / "model.pt"), "--no-check"]) == 0
    assert "Not checked against the model." in capsys.readouterr().out


def test_what_is_told_of_a_config_with_windows_and_of_two_files(words, tmp_path, capsys, monkeypatch):
    """A config in pure Python has no scope; the weights of an .xml count, and are not replaced."""
    import json
    from pathlib import Path

    from mmfan.apis import export
    from mmfan.apis.export import Exported

    config = tmp_path / "slide.py"
    windows = "test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(42, 42))"
    config.write_text(
        Path(words[0]).read_text() + f"\ndefault_scope = None\nmodel.update(type='mmseg.EncoderDecoder', {windows})\n"
    )

    def written(model, target, *given, **more):
        files = [target, target.with_suffix(".bin")]
        for path in files:
            path.write_bytes(bytes(300_000))
        return Exported(files, {"mmfan.classes": json.dumps(["a", "b"])}, [])

    monkeypatch.setattr(export, "export_model", written)
    target = tmp_path / "model.xml"
    assert main(["export", str(config), words[1], str(target)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("The config cuts large pictures into windows")
    assert told[-1] == f"{target}, {target.with_suffix('.bin')}: 2 classes, 0.6 MB"
    target.unlink()
    assert "model.bin, which would be written beside model.xml, exists" in refused(
        capsys, str(config), words[1], target
    )


def test_bad_arguments(words, tmp_path, capsys):
    assert "one of the endings .onnx, .xml, .pt" in refused(capsys, *words, tmp_path / "model.h5")
    assert "the ending .xml for openvino" in refused(capsys, *words, tmp_path / "a.onnx", "--to", "openvino")
    assert "invalid choice: 'tflite'" in refused(capsys, *words, tmp_path / "a.onnx", "--to", "tflite")
    assert "none.pth" in refused(capsys, words[0], tmp_path / "none.pth", tmp_path / "a.onnx")
    assert "following arguments are required: target" in refused(capsys, *words)
