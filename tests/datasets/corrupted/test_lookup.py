"""Where the corrupted form of a picture is, and whether it is there: names, folders, suffixes, records, messages."""

import json
import os
import shlex

import pytest

from mmfan.corruptions import ENGINE_VERSION, picture_name, picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.layout import CleanSet, clean_set, list_pictures
from mmfan.datasets.corrupted.lookup import CorruptedSet, clean_set_of, local_files

FOG = Cell("fog", 3)
CITYSCAPES = clean_set("data/cityscapes/leftImg8bit/val")
COCO = clean_set("data/coco/val2017")
PHOTOS = clean_set("my photos")


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def write_record(folder, **more):
    content = {"seed": 0, "engine_version": ENGINE_VERSION, "layout": "coco", "format": "jpeg", "quality": 90}
    (folder / "corrupted_set.json").write_text(json.dumps({**content, **more}))


@pytest.mark.parametrize(
    ("image_dir", "expected"),
    [
        ("/d/cityscapes/leftImg8bit/val", CleanSet("cityscapes", "/d/cityscapes", "val")),
        ("/d/cityscapes/leftImg8bit/val/ulm/", CleanSet("cityscapes", "/d/cityscapes", "val")),
        ("leftImg8bit", CleanSet("cityscapes", ".", None)),
        ("/leftImg8bit/val", CleanSet("cityscapes", "/", "val")),
        ("/d/coco/val2017/", CleanSet("coco", "/d/coco", "val2017")),
        ("/d/val2017x", CleanSet("folder", "/d/val2017x", None)),
        (".", CleanSet("folder", ".", None)),
        ("s3://b/cityscapes/leftImg8bit/val", CleanSet("cityscapes", "s3://b/cityscapes", "val")),
    ],
)
def test_layouts(image_dir, expected):
    assert clean_set(image_dir) == expected


@pytest.mark.parametrize(
    ("source", "image_dir", "file"),
    [
        ("city", "city/leftImg8bit/val", "city/leftImg8bit/val/ulm/a_leftImg8bit.png"),
        ("coco", "coco/val2017", "coco/val2017/000000000139.jpg"),
        ("some/photos", "some/photos", "some/photos/a b/ü.jpg"),
    ],
)
def test_same_names_and_places_as_the_maker_of_sets(tmp_path, source, image_dir, file):
    path = touch(tmp_path / file)
    made = list_pictures(tmp_path / source)
    clean = clean_set(str(tmp_path / image_dir))
    assert (clean.layout, clean.root) == (made.layout, str(tmp_path / source))
    assert [clean.name(str(path))] == [picture.name for picture in made.pictures]
    found = CorruptedSet("c", clean, files=lambda folder: [picture.place for picture in made.pictures])
    folder = "c/leftImg8bit/fog/3" if made.layout == "cityscapes" else "c/fog/3"
    assert found.find([str(path)], FOG) == [f"{folder}/{made.pictures[0].place}"]


def test_where_the_set_is_if_nothing_else_is_said():
    assert CITYSCAPES.corrupted_root == "data/cityscapes_c"
    assert PHOTOS.corrupted_root == "my photos_c"
    assert clean_set("leftImg8bit/val").corrupted_root == os.getcwd() + "_c"


def test_the_clean_set_of_some_pictures():
    assert clean_set_of(["d/leftImg8bit/val/ulm/a.png"], None) == CleanSet("cityscapes", "d", "val")
    assert clean_set_of(["d/val2017/1.jpg"], None) == CleanSet("coco", "d", "val2017")
    assert clean_set_of(["d/any/x.bmp"], "d").name("d/any/x.bmp") == "any/x.bmp"
    # where nothing tells the folder of a plain set, pictures go by their file name alone, as for `picture_name`
    loose = clean_set_of(["d/any/x.bmp", "d/more/y.bmp"], None)
    assert [loose.name(path) for path in ("d/any/x.bmp", "d/more/y.bmp")] == ["x.bmp", "y.bmp"]
    assert clean_set_of([], None).name("d/any/x.bmp") == picture_name("d/any/x.bmp") == "x.bmp"


@pytest.mark.parametrize(
    ("clean", "root", "place"),
    [
        ("c/leftImg8bit/val/ulm/a.png", None, "leftImg8bit/fog/3/val/ulm/a.png"),
        ("c/leftImg8bit/val/ulm/a.png", None, "fog/3/val/ulm/a.png"),  # as others lay it out
        ("c/val2017/7.jpg", None, "fog/3/val2017/7.png"),
        ("c/val2017/7.jpg", None, "fog/3/val2017/7.jpg"),
        ("c/any/x.bmp", "c", "fog/3/any/x.png"),
    ],
)
def test_every_layout(tmp_path, clean, root, place):
    path = touch(tmp_path / place)
    found = CorruptedSet(tmp_path, clean_set_of([clean], root))
    assert found.path(clean, FOG) == str(path)
    assert found.find([clean], FOG) == [str(path)]
    found.check([clean], [FOG])
    with pytest.raises(FileNotFoundError, match=r"lacks 2 pictures of fog 4, snow 1: .*mmfan corrupt") as caught:
        found.check([clean], [FOG, Cell("fog", 4), Cell("snow", 1)])
    assert "--corruptions fog snow --severities 4 1" in str(caught.value)
    with pytest.raises(FileNotFoundError, match="lacks 1 pictures of snow 1"):
        found.path(clean, Cell("snow", 1))


@pytest.mark.parametrize("address", ["s3://b/c", "s3://b/c/"])
def test_sets_elsewhere(address):
    asked = []
    path = "s3://b/clean/leftImg8bit/val/ulm/a.png"
    clean = clean_set("s3://b/clean/leftImg8bit/val")
    found = CorruptedSet(address, clean, files=lambda folder: asked.append(folder) or ["val/ulm/a.jpg"])
    assert found.find([path], FOG) == ["s3://b/c/leftImg8bit/fog/3/val/ulm/a.jpg"]
    assert asked == ["s3://b/c/leftImg8bit/fog/3"]
    with pytest.raises(
        FileNotFoundError, match=r"The corrupted set s3://b/c/? lacks 1 pictures of fog 3: s3://b/c/left"
    ):
        CorruptedSet(address, clean, files=lambda folder: None).find([path], FOG)


def test_suffixes(tmp_path):
    there = ["a/1.png", "a/1.jpg", "a/2.jpeg", "a/3.JPG", "a/4.webp", "a/5.txt"]
    for name in there:
        touch(tmp_path / "fog/3" / name)
    asked = [f"my photos/a/{number}.webp" for number in range(1, 6)]
    found = CorruptedSet(tmp_path, PHOTOS)
    assert found.find(asked[:4], FOG) == [
        str(tmp_path / "fog/3" / name) for name in ("a/1.png", "a/2.jpeg", "a/3.JPG", "a/4.webp")
    ]
    assert [found.path(path, FOG) for path in asked[:4]] == found.find(asked[:4], FOG)
    with pytest.raises(FileNotFoundError, match=r"lacks 1 pictures of fog 3: .*fog/3/a/5\.png"):
        found.find(asked, FOG)
    assert local_files(str(tmp_path / "nothing")) is None
    assert sorted(local_files(str(tmp_path / "fog"))) == sorted(f"3/{name}" for name in there)


def test_the_record_of_a_set_is_believed(tmp_path):
    write_record(tmp_path)
    for name in ("7.png", "7.jpg", "8.png"):
        touch(tmp_path / "fog/3/val2017" / name)
    found = CorruptedSet(tmp_path, COCO)
    assert found.path("data/coco/val2017/7.jpg", FOG) == str(tmp_path / "fog/3/val2017/7.jpg")
    assert found.lossy == "jpeg 90"
    with pytest.raises(FileNotFoundError, match=r"val2017/8\.jpg"):  # a PNG that this set did not write
        found.find(["data/coco/val2017/8.jpg"], FOG)
    write_record(tmp_path, format="png", quality=None)
    assert CorruptedSet(tmp_path, COCO).lossy is None


def test_seeds(tmp_path):
    path = "data/cityscapes/leftImg8bit/val/ulm/a.png"
    assert CorruptedSet(tmp_path, CITYSCAPES).seed_of(path, FOG) is None  # nothing says it
    assert CorruptedSet(tmp_path, CITYSCAPES, 4).seed_of(path, FOG) == picture_seed(4, "val/ulm/a.png", "fog", 3)
    write_record(tmp_path, seed=5)
    for seed in (None, 5):
        assert CorruptedSet(tmp_path, CITYSCAPES, seed).seed_of(path, FOG) == picture_seed(5, "val/ulm/a.png", "fog", 3)
    for seed in (0, 4):
        with pytest.raises(ValueError, match=rf"made with the seed 5 \(corrupted_set.json\), but `seed` is {seed}"):
            CorruptedSet(tmp_path, CITYSCAPES, seed)


def test_other_corruptions_made_it(tmp_path):
    write_record(tmp_path)
    assert CorruptedSet(tmp_path, COCO).other_engine is None
    write_record(tmp_path, engine_version="0")
    assert "was made by version 0 of the corruptions, this is " in CorruptedSet(tmp_path, COCO).other_engine


def test_every_picture_in_order():
    paths = [f"data/cityscapes/leftImg8bit/val/{name}.png" for name in ("b/2", "a/1")]
    files = ["val/a/1.png", "val/b/2.png", "val/c/3.png"]
    expected = [f"data/cityscapes_c/leftImg8bit/fog/3/val/{name}.png" for name in ("b/2", "a/1")]
    assert CorruptedSet("data/cityscapes_c", CITYSCAPES, files=lambda _: files).find(paths, FOG) == expected


def test_what_is_missing_is_named_and_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photos = CorruptedSet("my photos_c", PHOTOS, seed=2)
    with pytest.raises(FileNotFoundError) as caught:
        photos.find(["my photos/a.png"], FOG)
    message = str(caught.value)
    assert message.startswith(f"The corrupted set {tmp_path}/my photos_c does not exist. Make them with `")
    command = ["my photos", "my photos_c", "--corruptions", "fog", "--severities", "3", "--seed", "2"]
    assert shlex.split(message.split("`")[1])[2:] == command
    assert "source='fly'" in message

    touch(tmp_path / "data/coco_c/snow/1/val2017/1.png")
    (tmp_path / "data/coco_c/manifests").mkdir()
    coco = CorruptedSet("data/coco_c", COCO)
    with pytest.raises(FileNotFoundError, match=r"fog/3/val2017/1\.png\. It holds snow\. Make .* --split val2017`"):
        coco.find(["data/coco/val2017/1.jpg"], FOG)
    with pytest.raises(FileNotFoundError, match="'fogg' may be misspelt"):
        coco.find(["data/coco/val2017/1.jpg"], Cell("fogg", 3))
    with pytest.raises(FileNotFoundError, match=r"mmfan corrupt CLEAN_SET"):
        CorruptedSet("c", clean_set_of(["a/b.png"], None)).find(["a/b.png"], FOG)
