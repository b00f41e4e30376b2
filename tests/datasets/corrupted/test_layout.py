import re
from pathlib import Path

import pytest
from helpers.corrupted_tree import write_cityscapes, write_picture
from helpers.kinds_of_pictures import READ, scene
from PIL import Image

from mmfan.datasets.corrupted.layout import cell_folder, list_pictures
from mmfan.picture_files import read
from mmfan.picture_files.header import FORMATS


def test_cityscapes(tmp_path):
    root = write_cityscapes(tmp_path / "cityscapes", 3)
    (root / "leftImg8bit/val/ulm/.hidden.png").write_bytes(b"")
    (root / "leftImg8bit/val/ulm/notes.txt").write_text("")
    listing = list_pictures(root)
    assert (listing.layout, listing.split, listing.problems) == ("cityscapes", "val", ())
    names = [
        "val/jena/jena_000001_000019_leftImg8bit.png",
        "val/ulm/ulm_000000_000019_leftImg8bit.png",
        "val/ulm/ulm_000002_000019_leftImg8bit.png",
    ]
    assert [picture.name for picture in listing.pictures] == names
    assert [picture.place for picture in listing.pictures] == names
    assert [picture.path for picture in listing.pictures] == [str(root / "leftImg8bit" / name) for name in names]
    assert list_pictures(root, split="train").pictures[0].name.startswith("train/bonn/")
    assert cell_folder("c", "cityscapes", "fog", 3).as_posix() == "c/leftImg8bit/fog/3"


def test_coco(tmp_path):
    write_picture(tmp_path / "val2017/000000000139.jpg", 0)
    write_picture(tmp_path / "train2017/000000000009.jpg", 0)
    listing = list_pictures(tmp_path)
    assert (listing.layout, listing.split) == ("coco", "val2017")
    picture = (str(tmp_path / "val2017/000000000139.jpg"), "val2017/000000000139.jpg", "val2017/000000000139.png")
    assert [tuple(each) for each in listing.pictures] == [picture]
    assert list_pictures(tmp_path, picture_format="jpeg").pictures[0].place == "val2017/000000000139.jpg"
    assert list_pictures(tmp_path, split="train").split == "train2017"
    assert list_pictures(tmp_path, split="train2017").pictures[0].name == "train2017/000000000009.jpg"
    assert cell_folder("c", "coco", "fog", 3).as_posix() == "c/fog/3"


def test_folder_with_spaces_and_other_letters(tmp_path):
    root = tmp_path / "meine Bilder"
    for name in ("a b/Straße.JPG", "道路.png", "b.tiff"):
        write_picture(root / name, 0)
    listing = list_pictures(root)
    assert (listing.layout, listing.split) == ("folder", "all")
    assert [(each.name, each.place) for each in listing.pictures] == [
        ("a b/Straße.JPG", "a b/Straße.png"),
        ("b.tiff", "b.png"),
        ("道路.png", "道路.png"),
    ]


def test_every_format_that_is_read_is_found(tmp_path):
    """By the endings that the page names, which are those of the formats that the reader knows."""
    page = (Path(__file__).parents[3] / "docs/pictures.md").read_text()
    named = page[page.index("Where a folder is given") : page.index("in capitals or not")]
    endings = re.findall(r"`(\.\w+)`", named)
    Image.init()
    assert {Image.EXTENSION[end] for end in endings} == set(FORMATS)
    for end in endings:
        (tmp_path / f"{end[1:]}{end}").write_bytes(scene(Image.EXTENSION[end]))
    (tmp_path / "notes.txt").write_text("")
    listed = [each.name for each in list_pictures(tmp_path).pictures]
    assert sorted(listed) == sorted(f"{end[1:]}{end}" for end in endings)
    shown = [read(tmp_path / name).shape for name in listed if Image.EXTENSION[Path(name).suffix] in READ]
    assert set(shown) == {(64, 96, 3)}


def test_linked_folders_are_followed(tmp_path):
    write_picture(tmp_path / "elsewhere/x.png", 0)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/link").symlink_to(tmp_path / "elsewhere")
    assert [each.name for each in list_pictures(tmp_path / "set").pictures] == ["link/x.png"]


def test_links_that_lead_back_are_not_followed(tmp_path):
    write_picture(tmp_path / "a/one.png", 0)
    write_picture(tmp_path / "b/two.png", 0)
    (tmp_path / "a/self").symlink_to(".")
    (tmp_path / "a/other").symlink_to("../b")
    (tmp_path / "b/back").symlink_to("../a")
    names = [picture.name for picture in list_pictures(tmp_path / "a").pictures]
    assert names == ["one.png", "other/two.png"]


def test_two_pictures_for_one_file(tmp_path):
    write_picture(tmp_path / "a/x.png", 0)
    write_picture(tmp_path / "a/x.jpg", 0)
    with pytest.raises(ValueError, match=r"would both be written to a/x\.png\. Rename one") as caught:
        list_pictures(tmp_path)
    assert str(tmp_path / "a/x.png") in str(caught.value)
    assert str(tmp_path / "a/x.jpg") in str(caught.value)


@pytest.mark.parametrize("part", ["leftImg8bit", "leftImg8bit/val", "leftImg8bit/val/ulm"])
def test_a_part_of_cityscapes_is_sent_to_its_root(tmp_path, part):
    root = write_cityscapes(tmp_path / "cityscapes", 1)
    with pytest.raises(ValueError, match=f"is a part of a set: give its root, {root},"):
        list_pictures(root / part)
    assert list_pictures(root / part, "folder").layout == "folder"


def test_a_part_of_coco_is_sent_to_its_root(tmp_path):
    write_picture(tmp_path / "val2017/000000000139.jpg", 0)
    with pytest.raises(ValueError, match=f"give its root, {tmp_path},"):
        list_pictures(tmp_path / "val2017")


def test_what_is_not_there(tmp_path):
    root = write_cityscapes(tmp_path / "cityscapes", 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist\. Give the folder that holds the pictures"):
        list_pictures(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        list_pictures(tmp_path / "nowhere", "coco")
    with pytest.raises(FileNotFoundError, match=r"no split 'test'.*leftImg8bit holds train, val"):
        list_pictures(root, split="test")
    with pytest.raises(FileNotFoundError, match=r"no split 'val2017'"):
        list_pictures(root, "coco")
    with pytest.raises(FileNotFoundError, match="empty holds no picture"):
        list_pictures(tmp_path / "empty")
    with pytest.raises(ValueError, match="A plain folder has no splits, got the split 'val'"):
        list_pictures(tmp_path / "empty", "folder", "val")
    with pytest.raises(
        ValueError, match="Expected the layout to be auto or one of cityscapes, coco, folder, got 'voc'"
    ):
        list_pictures(root, "voc")
