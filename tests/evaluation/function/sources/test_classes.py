"""Sets of pictures with one class each: where the classes come from, and which column is whose."""

import json

import numpy as np
import pytest
from helpers.tiny_classes import CLASSES, write_set
from PIL import Image

from mmfan import ClassificationData
from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.evaluation.function import PictureForm
from mmfan.evaluation.function.sources.class_names import columns_of, read_names
from mmfan.evaluation.function.sources.items import read_picture


@pytest.fixture
def folder(tmp_path):
    return write_set(tmp_path / "val")


def test_folders_are_classes_sorted_by_name(folder):
    data = ClassificationData(folder)
    assert data.classes == CLASSES
    assert data.names == ["n01/0.png", "n01/1.png", "n02/0.png", "n02/1.png", "n07/0.png", "n07/1.png"]
    assert [data.item(number).truth for number in range(6)] == [0, 0, 1, 1, 2, 2]
    assert (data.name, data.columns, data.outputs) == ("val", None, None)


def test_a_list_of_classes_decides_about_their_numbers(folder, tmp_path):
    (tmp_path / "synsets.txt").write_text("n07 dark things\nn05\n\nn01 bright\nn02\n")
    data = ClassificationData(folder, tmp_path / "synsets.txt")
    assert data.classes == ("n07", "n05", "n01", "n02")
    assert [data.item(number).truth for number in range(6)] == [2, 2, 3, 3, 0, 0]
    with pytest.raises(MMFanError, match=r"'n07' of n07/0.png is none of the 2 of the set"):
        ClassificationData(folder, ["n01", "n02"])


def test_columns_are_found_by_the_names_of_the_folders(folder):
    data = ClassificationData(folder, outputs=["n00", "n02", "n01", "n09", "n07"])
    assert data.columns == (2, 1, 4)
    with pytest.raises(MMFanError, match=r"1 class of 3 in the set are none of the 3 .* n07"):
        ClassificationData(folder, outputs=["n00", "n02", "n01"])


def test_numbers_as_folders_sort_as_numbers(tmp_path):
    for number in ("0", "2", "10", "9"):
        (tmp_path / number).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / number / "a.jpg")
    data = ClassificationData(tmp_path, outputs=11)
    assert data.classes == ("0", "2", "9", "10")
    assert data.columns == (0, 2, 9, 10)
    with pytest.raises(MMFanError, match="numbers below it"):
        ClassificationData(tmp_path, outputs=10)


def test_a_list_of_pictures(folder, tmp_path):
    (tmp_path / "some.csv").write_text("file,class\nn07/1.png,2\nn01/0.png,0\n")
    data = ClassificationData(folder, CLASSES, labels=tmp_path / "some.csv")
    assert data.names == ["n07/1.png", "n01/0.png"]
    assert [data.item(number).truth for number in range(2)] == [2, 0]
    (tmp_path / "val.txt").write_text("n07/1.png 2\nn01/0.png 0\n")  # the form of OpenMMLab's lists
    assert ClassificationData(folder, CLASSES, labels=tmp_path / "val.txt").names == data.names
    (tmp_path / "val.txt").write_text("n07/1.png\n")
    with pytest.raises(MMFanError, match="less in line 1"):
        ClassificationData(folder, CLASSES, labels=tmp_path / "val.txt")
    (tmp_path / "some.csv").write_text("n07/1.png,n07\nn01/5.png,n01\n")
    with pytest.raises(FileNotFoundError, match=r"1 picture of 2 that .* n01/5.png"):
        ClassificationData(folder, CLASSES, labels=tmp_path / "some.csv")


def test_names_in_files(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"1": ["n02", "grey"], "0": ["n01", "bright"]}))
    assert read_names("outputs", tmp_path / "keras.json") == ("n01", "n02")
    (tmp_path / "list.json").write_text(json.dumps(["a", "b"]))
    assert read_names("outputs", tmp_path / "list.json") == ("a", "b")
    with pytest.raises(MMFanError, match=r"`outputs` names 1 class twice: b"):
        read_names("outputs", ["a", "b", "b"])
    (tmp_path / "keras.json").write_text(json.dumps({"1": "a", "2": "b"}))
    with pytest.raises(MMFanError, match="numbers 0 to 1"):
        read_names("outputs", tmp_path / "keras.json")
    assert columns_of(("a",), None) is None


def test_a_sequence_needs_names_of_classes():
    picture = np.zeros((40, 40, 3), np.uint8)
    data = ClassificationData([(picture, 1, "x"), (picture, "a", "y")], ["a", "b"])
    assert [data.item(number).truth for number in range(2)] == [1, 0]
    with pytest.raises(MMFanError, match=r"which have no names.*--classes 1000"):
        ClassificationData([(picture, 1, "x")])
    with pytest.raises(MMFanError, match="from 0 to 1"):
        ClassificationData([(picture, 2, "x")], ["a", "b"])
    with pytest.raises(WrongTypeError, match="a sequence of"):
        ClassificationData(np.zeros(3), ["a"], labels="x.csv")


def test_stored_pictures_have_the_path_of_the_clean_one(folder, tmp_path):
    for kind in ("fog", "elastic_transform"):
        write_set(tmp_path / "c" / kind / "3")
    data = ClassificationData.imagenet_c(folder, tmp_path / "c")
    assert data.name == "imagenet"
    found = data.under(3, Cell("fog", 3))
    assert found.picture == str(tmp_path / "c/fog/3/n02/1.png")
    assert found.corrupted
    assert not data.under(3, Cell("clean", 0)).corrupted
    # the type whose numbers are ImageNet-C's own has a name of its own here, and not there
    assert "elastic_transform/3/n02" in data.under(3, Cell("elastic_transform_imagenet_c", 3)).picture
    with pytest.raises(FileNotFoundError, match=r"fog/4/n02/1.png of fog 4"):
        data.under(3, Cell("fog", 4))


def test_stored_types_may_lie_in_groups(folder, tmp_path):
    """As the archives of ImageNet-C are named; a type that is nowhere is said at once, with what there is."""
    write_set(tmp_path / "c" / "weather" / "fog" / "3")
    data = ClassificationData.imagenet_c(folder, tmp_path / "c")
    assert data.under(3, Cell("fog", 3)).picture == str(tmp_path / "c/weather/fog/3/n02/1.png")
    with pytest.raises(FileNotFoundError, match=r"no folder snow .* it has weather\.$"):
        data.under(3, Cell("snow", 3))
    with pytest.raises(FileNotFoundError, match=r"no folder spatter .* take --protocol imagenet_c\."):
        data.under(3, Cell("spatter", 3))


def test_a_folder_names_the_classes_of_a_model(folder, tmp_path):
    for name in ("n02", "n00", "n07", "n01", "n09", ".hidden"):
        (tmp_path / "all" / name).mkdir(parents=True)
    (tmp_path / "all" / "notes.txt").write_text("no class")
    assert read_names("outputs", tmp_path / "all") == ("n00", "n01", "n02", "n07", "n09")
    assert ClassificationData(folder, outputs=tmp_path / "all").columns == (1, 2, 3)
    (tmp_path / "none").mkdir()
    with pytest.raises(FileNotFoundError, match="no folder of a class in"):
        read_names("classes", tmp_path / "none")


def test_cifar_c_is_severity_after_severity(tmp_path):
    clean = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    stored = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3), np.uint8)
    np.save(tmp_path / "fog.npy", stored)
    np.save(tmp_path / "labels.npy", np.tile([1, 0, 1, 1], 5))
    data = ClassificationData.cifar_c(tmp_path, clean, ["cat", "dog"])
    assert (read_picture(data.under(2, Cell("fog", 3))) == stored[2 * 4 + 2]).all()
    assert (read_picture(data.under(2, Cell("clean", 0))) == clean[2]).all()
    assert [data.item(number).truth for number in range(4)] == [1, 0, 1, 1]
    with pytest.raises(MMFanError, match="has 5 severities"):
        data.under(0, Cell("fog", 6))
    with pytest.raises(FileNotFoundError, match=r"snow\.npy"):
        data.under(0, Cell("snow", 1))


def test_form_is_that_of_torchvision_on_pillow():
    ramp = np.broadcast_to(np.arange(300, dtype=np.float64)[None, :, None] / 299 * 255, (500, 300, 3))
    picture = ramp.round().astype(np.uint8)
    made = PictureForm(resize=256, crop=224).clean(picture, "x")
    assert made.shape == (224, 224, 3)
    whole = np.asarray(Image.fromarray(picture).resize((256, int(256 * 500 / 300)), Image.Resampling.BILINEAR))
    assert (made == whole[101:325, 16:240]).all()
    assert PictureForm(crop=224).clean(made, "x").shape == (224, 224, 3)
    with pytest.raises(MMFanError, match=r"300x500 .* smaller than the crop of 400"):
        PictureForm(crop=400).clean(picture, "x")
    with pytest.raises(MMFanError, match="at most `resize`, 200"):
        PictureForm(resize=200, crop=224)


def test_quality_is_that_of_the_file():
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert PictureForm().corrupted(picture) is picture
    apart = [np.abs(PictureForm(quality=q).corrupted(picture).astype(int) - picture).mean() for q in (95, 85, 10)]
    assert 0 < apart[0] < apart[1] < apart[2]
