"""Data for judging a callable: pairs, names, what is refused."""

import json

import numpy as np
import pytest
from helpers.tiny_pictures import CLASSES, pairs, write_folders
from PIL import Image

from mmfan import CocoData, SegmentationData
from mmfan.corruptions import corrupt, picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import WrongTypeError
from mmfan.evaluation.function.sources.items import Preparation, Unit, read_picture


@pytest.fixture
def folders(tmp_path):
    return write_folders(tmp_path)


def test_two_folders(folders):
    data = SegmentationData(*folders, CLASSES)
    assert (len(data), data.name, data.classes) == (3, "images", tuple(CLASSES))
    assert data.names == ["street/0.png", "street/1.png", "street/2.png"]
    for number, (picture, label) in enumerate(pairs()):
        item = data.item(number)
        assert (read_picture(item) == picture).all()
        assert (data.reading.read(item.truth, item.name) == label).all()


def test_links_that_lead_back_bring_nothing_twice(folders):
    count = len(SegmentationData(*folders, CLASSES))
    for folder in folders:
        (folder / "again").symlink_to(".")
    assert len(SegmentationData(*folders, CLASSES)) == count


def test_names_are_relative_to_root_where_it_is_given(folders):
    data = SegmentationData(*folders, CLASSES, root=folders[0].parent)
    assert data.names[0] == "images/street/0.png"


@pytest.mark.parametrize(
    ("place", "name"),
    [("leftImg8bit/val", "val/street/0.png"), ("val2017", "val2017/street/0.png"), ("photos", "street/0.png")],
)
def test_names_in_known_trees_are_those_of_the_loop(folders, tmp_path, place, name):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    folders[0].rename(tmp_path / place)
    assert SegmentationData(tmp_path / place, folders[1], CLASSES).names[0] == name


def test_suffixes(folders):
    for folder, end in ((folders[0], "_leftImg8bit.png"), (folders[1], "_L.png")):
        for path in list((folder / "street").iterdir()):
            path.rename(path.with_name(path.stem + end))
    data = SegmentationData(*folders, CLASSES, image_suffix="_leftImg8bit.png", label_suffix="_L.png")
    assert data.names[2] == "street/2_leftImg8bit.png"
    with pytest.raises(ValueError, match=r"3 pictures of 3 in .*images have no label map in .*_L\.png.*label_suffix"):
        SegmentationData(*folders, CLASSES)


def test_what_does_not_pair_is_listed(folders):
    (folders[1] / "street/1.png").unlink()
    with pytest.raises(ValueError, match=r"1 picture of 3 in .*images have no label map in .*labels: 1\.png"):
        SegmentationData(*folders, CLASSES)
    (folders[0] / "street/1.png").unlink()
    (folders[0] / "street/2.png").unlink()
    data = SegmentationData(*folders, CLASSES)
    assert len(data) == 1
    (told,) = data.remarks
    assert "1 label map in" in told
    assert "2.png" in told


def test_cityscapes(tmp_path):
    from helpers.tiny_segmentor import write_tree

    tree = write_tree(tmp_path / "data", train=1, val=2)
    data = SegmentationData.cityscapes(tree)
    assert data.names == [f"val/town/town_00000{number}_000000_leftImg8bit.png" for number in (0, 1)]
    assert (data.name, len(data.classes), data.classes[13]) == ("cityscapes", 19, "car")
    assert data.palette[13] == (0, 0, 142)
    with pytest.raises(FileNotFoundError, match="mmfan prepare cityscapes"):
        SegmentationData.cityscapes(tmp_path)


def test_any_sequence(folders):
    given = [(picture, label, f"{number}.png") for number, (picture, label) in enumerate(pairs())]
    data = SegmentationData(given, classes=CLASSES)
    assert (data.names, data.name) == (["0.png", "1.png", "2.png"], "data")
    assert (read_picture(data.item(1)) == given[1][0]).all()
    by_path = SegmentationData([(folders[0] / "street/0.png", folders[1] / "street/0.png", "0.png")], classes=CLASSES)
    assert (read_picture(by_path.item(0)) == given[0][0]).all()
    grey = SegmentationData([(given[0][0][..., 0], given[0][1], "a")], classes=CLASSES)
    assert read_picture(grey.item(0)).shape == (40, 48, 3)


def test_numbers_are_made_new_in_the_order_of_mmsegmentation():
    label = np.array([[0, 1, 2], [3, 4, 255]], np.uint8)
    data = SegmentationData([(np.zeros((2, 3, 3), np.uint8), label, "a")], classes=CLASSES, reduce_zero_label=True,
                            label_map={3: 255, 0: 2})  # fmt: skip
    assert data.reading.read(label, "a").tolist() == [[255, 2, 1], [2, 255, 255]]


def test_a_picture_is_corrupted_as_everywhere(folders):
    data = SegmentationData(*folders, CLASSES)
    cell = Cell("gaussian_noise", 3)
    ready = Preparation(7, data.reading).make(Unit(1, 2, cell, data.item(2)))
    clean = list(pairs())[2][0]
    assert (ready.picture == corrupt(clean, *cell, picture_seed(7, "street/2.png", *cell))).all()
    assert ready.picture.flags["C_CONTIGUOUS"]
    assert (Preparation(7, data.reading).make(Unit(0, 2, CLEAN, data.item(2))).picture == clean).all()


PICTURE, LABEL = next(pairs())


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ([(PICTURE, LABEL)], {}, r"Expected \(picture, truth, name\) at place 0"),
        ([(PICTURE, LABEL, "a"), (PICTURE, LABEL, "a")], {}, "have one name, 'a', and would be corrupted alike"),
        ([], {}, "There is no picture"),
        ([(PICTURE, LABEL, "a")], {"root": "."}, "a sequence of .* without root"),
        (iter([]), {}, "or a sequence of"),
        ([(PICTURE, LABEL, "a")], {"classes": "sky"}, "Expected `classes` to be a list"),
        ([(PICTURE, LABEL, "a")], {"classes": ["sky", "sky"]}, "1 to 255 different names"),
        ([(PICTURE, LABEL, "a")], {"ignore_index": 256}, "at most 255"),
        ([(PICTURE, LABEL, "a")], {"label_map": {0: 300}}, "at most 255"),
        ([(PICTURE, LABEL, "a")], {"label_map": [1]}, "Expected `label_map` to be a dict"),
        ("/nowhere", {}, "Expected `labels`"),
        ("/nowhere", {"labels": "/nowhere"}, "/nowhere does not exist"),
    ],
)
def test_refuses(given, more, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        SegmentationData(given, **{"classes": CLASSES, **more})


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (LABEL.astype(float), r"the truth of a to be a label map, \(H, W\) integers, got float64"),
        (np.full((40, 48), 3), "of a holds ids outside 0..2 and 255 .*: 3"),
        (LABEL[:20], "label map of a is 48x20 .*its picture 48x40"),
        (np.full((40, 48), 300), "300"),
    ],
)
def test_label_maps_that_are_none(truth, message):
    data = SegmentationData([(PICTURE, truth, "a")], classes=CLASSES)
    with pytest.raises(ValueError, match=message):
        Preparation(0, data.reading).make(Unit(0, 0, CLEAN, data.item(0)))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (PICTURE.astype(float), r"as RGB of uint8, \(H, W, 3\) or \(H, W\), got float64"),
        (np.zeros((40, 48, 4), np.uint8), r"to be RGB, \(H, W, 3\), got the shape \(40, 48, 4\)"),
        (None, "got NoneType"),
    ],
)
def test_pictures_that_are_none(picture, message):
    with pytest.raises(ValueError, match=message):
        read_picture(SegmentationData([(picture, LABEL, "a")], classes=CLASSES).item(0))


CONTENT = {
    "images": [{"id": 7, "file_name": "a.png", "width": 48, "height": 40}],
    "categories": [{"id": 3, "name": "box"}, {"id": 8, "name": "disc"}],
    "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 20, 20], "area": 400, "iscrowd": 0}],
}


def write_coco(root, **changes):
    (root / "val2017").mkdir(exist_ok=True)
    Image.fromarray(PICTURE).save(root / "val2017/a.png")
    (root / "a.json").write_text(json.dumps({**CONTENT, **changes}))
    return root / "val2017", root / "a.json"


def test_coco(tmp_path):
    data = CocoData(*write_coco(tmp_path))
    assert (data.names, data.classes, data.name) == (["val2017/a.png"], ("box", "disc"), "coco")
    assert tuple(data.item(0)) == (str(tmp_path / "val2017/a.png"), 7, "val2017/a.png", (48, 40), False)
    assert data.remarks == ("1 class of 2 never occurs in the truth: disc.",)
    assert CocoData(*write_coco(tmp_path), classes=["box"], root=tmp_path).remarks == ()


@pytest.mark.parametrize(
    ("changes", "more", "message"),
    [
        ({"images": [{**CONTENT["images"][0], "file_name": "b.png"}]}, {}, r"1 picture of 1 .* not in .*: b\.png"),
        ({"images": [], "annotations": []}, {}, "names no picture"),
        ({}, {"classes": ["kite"]}, "1 of the dataset's 1 classes are not among the 2 categories"),
        ({}, {"masks": True}, "with no mask"),
        ({"annotations": [{**CONTENT["annotations"][0], "id": 0}]}, {}, "id that is no whole number from 1 on"),
    ],
)
def test_coco_refuses(tmp_path, changes, more, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        CocoData(*write_coco(tmp_path, **changes), **more)


def test_coco_files_that_are_not_there(tmp_path):
    images, annotations = write_coco(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"picture folder .*none does not exist"):
        CocoData(tmp_path / "none", annotations)
    with pytest.raises(FileNotFoundError, match=r"annotation file .*none does not exist"):
        CocoData(images, tmp_path / "none")


def test_other_data_is_refused():
    from mmfan import judge

    with pytest.raises(
        ValueError, match="Expected `data` to be SegmentationData, CocoData or ClassificationData, got list"
    ):
        judge(lambda rgb: rgb, [])
    with pytest.raises(WrongTypeError, match="Expected `predict` to be a function of a picture, got int"):
        judge(3, [])
