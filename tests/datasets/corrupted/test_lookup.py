"""From clean pictures to those of a cell: names, folders, messages."""

import pytest

from mmfan.corruptions import picture_name, picture_seed, register_corruption, unregister_corruption
from mmfan.datasets.corrupted.layout import list_pictures
from mmfan.datasets.corrupted.lookup import (
    CellSource,
    CleanSet,
    clean_set,
    corrupted_root,
    folder_of_cell,
    how_to_make,
    match_files,
    on_disk,
    seed_of_picture,
    seed_of_set,
)

FOG = CellSource("fog", 3)
CITYSCAPES = clean_set("data/cityscapes/leftImg8bit/val")
COCO = clean_set("data/coco/val2017")
PHOTOS = clean_set("my photos")


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
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    made = list_pictures(tmp_path / source)
    clean = clean_set(str(tmp_path / image_dir))
    assert (clean.layout, clean.root) == (made.layout, str(tmp_path / source))
    assert [clean.name(str(path))] == [picture.name for picture in made.pictures]
    found, absent = match_files([clean.name(str(path))], [picture.place for picture in made.pictures])
    assert list(found.values()) == [picture.place for picture in made.pictures]
    assert not absent


def test_folders_by_hand():
    assert folder_of_cell("data/cityscapes_c", CITYSCAPES, FOG) == "data/cityscapes_c/leftImg8bit/fog/3"
    assert folder_of_cell("data/coco_c", COCO, FOG) == "data/coco_c/fog/3"
    assert folder_of_cell("s3://b/c", CITYSCAPES, FOG) == "s3://b/c/leftImg8bit/fog/3"
    assert corrupted_root(FOG, CITYSCAPES) == "data/cityscapes_c"
    assert corrupted_root(FOG, PHOTOS) == "my photos_c"
    assert corrupted_root(CellSource("fog", 3, corrupted_root="x"), COCO) == "x"
    assert corrupted_root(FOG, clean_set("leftImg8bit/val")).endswith("_c")


def test_seeds_of_pictures():
    name = picture_name("data/cityscapes/leftImg8bit/val/ulm/a.png")
    assert CITYSCAPES.name("data/cityscapes/leftImg8bit/val/ulm/a.png") == name == "val/ulm/a.png"
    assert seed_of_picture(4, name, FOG) == picture_seed(4, name, "fog", 3)
    assert seed_of_picture(None, name, FOG) is None
    assert seed_of_picture(4, name, CellSource("clean", 0)) is None


def test_seed_of_a_set():
    assert seed_of_set("c", FOG, None) is None
    assert seed_of_set("c", FOG, 5) == 5
    five = CellSource("fog", 3, seed=5)
    assert seed_of_set("c", five, 5) == seed_of_set("c", five, None) == 5
    with pytest.raises(ValueError, match=r"set c was made with the seed 4 \(corrupted_set.json\), but `seed` is 5"):
        seed_of_set("c", five, 4)
    with pytest.raises(ValueError, match="made with the seed 4"):
        seed_of_set("c", CellSource("fog", 3, seed=0), 4)


def test_suffixes():
    there = ["a/1.png", "a/1.jpg", "a/2.jpeg", "a/3.JPG", "a/4.webp", "a/5.txt"]
    found, absent = match_files([f"a/{number}.webp" for number in range(1, 6)], there)
    assert found == {"a/1.webp": "a/1.png", "a/2.webp": "a/2.jpeg", "a/3.webp": "a/3.JPG", "a/4.webp": "a/4.webp"}
    assert absent == ["a/5.webp"]
    assert match_files(["a/1.bmp"], there, ".jpg")[0] == {"a/1.bmp": "a/1.jpg"}


def test_every_picture_in_order():
    paths = [f"data/cityscapes/leftImg8bit/val/{name}.png" for name in ("b/2", "a/1")]
    expected = [f"data/cityscapes_c/leftImg8bit/fog/3/val/{name}.png" for name in ("b/2", "a/1")]
    assert on_disk(paths, FOG, CITYSCAPES, ["val/a/1.png", "val/b/2.png", "val/c/3.png"]) == expected
    with pytest.raises(FileNotFoundError) as caught:
        on_disk(paths, FOG, CITYSCAPES, ["val/a/1.png"])
    message = str(caught.value)
    assert message.startswith("1 of 2 pictures have no corrupted form in ")
    assert "data/cityscapes_c/leftImg8bit/fog/3: val/b/2.png. Make them with " in message
    command = "make_corrupted_set.py data/cityscapes data/cityscapes_c --corruptions fog --severities 3 --split val`"
    assert command in message
    assert "source='fly'" in message
    with pytest.raises(
        FileNotFoundError, match=r"There is no fog at severity 3: .* does not exist\. The set holds snow\."
    ):
        on_disk(paths, FOG, CITYSCAPES, None, cells=["snow"])


def test_commands():
    seeded = CellSource("fog", 3, seed=2)
    said = "`python tools/make_corrupted_set.py 'my photos' 'my photos_c' --corruptions fog --severities 3 --seed 2`"
    assert said in how_to_make("my photos_c", PHOTOS, seeded)
    assert "`corruption` may be misspelt" in how_to_make("c", COCO, CellSource("fogg", 3))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fog", 3, "disc"), "Expected `source` to be 'disk' or 'fly', got 'disc'"),
        (("fog", 6), "fog has the severities 1, 2, 3, 4, 5, got 6"),
        (("fog", 0), "go together, got corruption='fog', severity=0"),
        (("clean", 1), "go together, got corruption='clean', severity=1"),
        (("fog", 2.5), "one whole number, got 2.5"),
        (("fog", True), "one whole number, got True"),
        (("fog", [1, 2]), r"one whole number, got \[1, 2\]"),
        ((["fog"], 1), "the name of one corruption"),
        (("fogg", 1, "fly"), "Did you mean 'fog'"),
        (("../fog", 1), "There is no corruption '../fog'"),
        (("mine", -1), "There is no corruption 'mine' at severity -1"),
        (("fog", 1, "disk", None, -1), "Expected `seed`"),
    ],
)
def test_bad_cells(arguments, said):
    with pytest.raises(ValueError, match=said):
        CellSource(*arguments)


def test_others_corruptions():
    assert CellSource("lens_flare", 7).severity == 7  # on disk the folders decide
    register_corruption("lens_flare", lambda image, severity, seed: image, severities=(1, 2))
    try:
        with pytest.raises(ValueError, match="lens_flare has the severities 1, 2, got 7"):
            CellSource("lens_flare", 7)
    finally:
        unregister_corruption("lens_flare")
