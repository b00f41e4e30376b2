"""From checkpoint to label map."""

import cv2
import numpy as np
import pytest
import torch
from helpers.kinds_of_pictures import scene
from helpers.lazy_segmentor import write_lazy_config
from helpers.tiny_segmentor import SIZE, write_checkpoint, write_config, write_tree
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config

from mmfan.apis import build_runner, init_model, load_config, predict, read_picture
from mmfan.apis.inference import find_pictures, inference_pipeline, predict_sample, predicted_rows
from mmfan.apis.outputs.hooks import PredictionWriter
from mmfan.errors import ConfigError
from mmfan.models.safe_load import CheckpointError
from mmfan.visualization import overlay


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    data = write_tree(folder / "data")
    config = write_config(folder / "tiny.py", data)
    return data, config, write_checkpoint(folder / "tiny.pth", config)


@pytest.fixture(scope="module")
def model(trained):
    return init_model(trained[1], trained[2], "cpu")


def test_classes_come_from_the_checkpoint_else_from_the_dataset(trained, model, tmp_path):
    assert model.dataset_meta["classes"][1] == "thing 1"
    assert not model.training
    bare = init_model(trained[1], write_checkpoint(tmp_path / "bare.pth", trained[1], meta=False), "cpu")
    assert bare.dataset_meta["classes"][:2] == ("road", "sidewalk")
    assert bare.dataset_meta["palette"][0] == [128, 64, 128]


def test_a_config_in_pure_python_predicts(trained, tmp_path):
    more = """
from mmengine.dataset import ConcatDataset

test_dataloader = dict(dataset=dict(type=ConcatDataset, datasets=[val_dataloader["dataset"]] * 2))
"""
    config = write_lazy_config(tmp_path, trained[0], more, scope=None)
    model = init_model(config, None, "cpu")
    assert model.dataset_meta["classes"][:2] == ("road", "sidewalk")
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert predict(model, picture).shape == (64, 64)
    assert len(predicted_rows(model, 2)) == 2


@pytest.mark.process
@pytest.mark.slow
def test_files_and_arrays_give_the_same_labels_as_the_test_loop(trained, model, tmp_path):
    data, config, checkpoint = trained
    pictures = sorted((data / "leftImg8bit" / "val" / "town").iterdir())
    runner = build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=checkpoint)
    runner.register_hook(PredictionWriter(tmp_path / "out", tmp_path / "show", opacity=0.25, ids="train"))
    runner.test()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [path.name for path in pictures]
    for path in pictures:
        labels = predict(model, path)
        assert (labels.shape, labels.dtype) == (SIZE, np.uint8)
        assert labels.max() < 19
        assert np.array_equal(labels, predict(model, cv2.imread(str(path))))
        assert np.array_equal(labels, cv2.imread(str(tmp_path / "out" / path.name), cv2.IMREAD_UNCHANGED))
        painted = cv2.imread(str(tmp_path / "show" / path.name))[..., ::-1]
        palette = runner.test_dataloader.dataset.metainfo["palette"]
        assert np.array_equal(painted, overlay(read_picture(path)[..., ::-1], labels, palette, 0.25))


def test_any_size_of_picture_works(model):
    for height, width in ((33, 70), (16, 16), (1, 5)):
        picture = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
        assert predict(model, picture).shape == (height, width)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8)],
)
def test_arrays_that_are_no_pictures_are_refused(model, picture):
    with pytest.raises(ValueError, match=r"Expected a picture of shape \(H, W, 3\) and type uint8, got"):
        predict(model, picture)


@pytest.mark.parametrize("step", [{"color_type": "grayscale"}, {"to_float32": True}, {"imdecode_backend": "pillow"}])
def test_a_picture_in_memory_takes_the_form_of_the_loading_step(tmp_path, step):
    (tmp_path / "a.jpg").write_bytes(scene("JPEG"))
    (tmp_path / "deep.png").write_bytes(scene("PNG", "I;16"))
    pipeline = [{"type": "LoadImageFromFile", **step}, {"type": "LoadAnnotations"}, {"type": "PackSegInputs"}]
    config = Config({"default_scope": "mmseg", "test_pipeline": pipeline})
    built = inference_pipeline(config)
    picture = read_picture(tmp_path / "a.jpg")
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    loaded = LoadImageFromFile(**step)({"img_path": str(tmp_path / "a.png")})["img"]
    seen = built({"img": picture})["inputs"].numpy()
    np.testing.assert_array_equal(seen, loaded[None] if loaded.ndim == 2 else loaded.transpose(2, 0, 1))
    assert seen.dtype == loaded.dtype

    class Model:
        def __init__(self, pipeline):
            self.pipeline = pipeline

        def test_step(self, data):
            return [data["inputs"][0]]

    assert (predict_sample(Model(built), tmp_path / "a.jpg").numpy() == seen).all()
    if "imdecode_backend" in step:
        with pytest.raises(ValueError, match=r"deep\.png .*Set color_type='color' and imdecode_backend='cv2'"):
            predict_sample(Model(built), tmp_path / "deep.png")


def test_unreadable_pictures_are_named(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    for name in ("empty.png", "text.png"):
        with pytest.raises(ValueError, match=rf"{name} \(\d+ bytes\) cannot be read: "):
            read_picture(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"none\.png does not exist"):
        read_picture(tmp_path / "none.png")


def test_wrong_device_checkpoint_and_config(trained, tmp_path):
    _, config, checkpoint = trained
    with pytest.raises(ValueError, match="device 'nonsense' cannot be used"):
        init_model(config, checkpoint, "nonsense")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth does not fit .*\d+ missing"):
        init_model(config, tmp_path / "other.pth", "cpu")
    cfg = load_config(config)
    cfg.pop("test_dataloader")
    cfg.pop("test_pipeline")
    with pytest.raises(ConfigError, match="has no pipeline"):
        init_model(cfg, checkpoint, "cpu")


def test_find_pictures(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "sub/c.png", "sub/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in find_pictures([tmp_path])] == ["a.JPG", "b.png"]
    assert find_pictures([tmp_path / "b.png", tmp_path / "b.png"]) == [tmp_path / "b.png"]
    with pytest.raises(ValueError, match=r"a\.JPG and .*a\.png would be written to the same file"):
        find_pictures([tmp_path, tmp_path / "sub"])
    with pytest.raises(FileNotFoundError, match=r"none\.png does not exist"):
        find_pictures([tmp_path / "none.png"])
    (tmp_path / "bare").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no picture .* in the folder"):
        find_pictures([tmp_path / "bare"])


@pytest.mark.slow
def test_rows_of_the_test_set(model):
    (first, last) = predicted_rows(model, 5)
    assert first.label.startswith("town_000000")
    assert last.label.startswith("town_000001")
    assert set(np.unique(first.truth)) == {0, 10, 13, 255}
    assert first.picture.shape == (*SIZE, 3)
    assert len(predicted_rows(model, 1)) == 1


def test_predictions_need_a_folder_and_distinct_names(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="got the file"):
        PredictionWriter(out=tmp_path / "file")
    writer = PredictionWriter(out=tmp_path / "out")
    assert writer._name("a/x.png") == writer._name("a/x.png") == "x.png"
    with pytest.raises(ValueError, match=r"a/x\.png and b/x\.jpg"):
        writer._name("b/x.jpg")
