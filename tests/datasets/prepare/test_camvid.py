import cv2
import numpy as np
import pytest
from PIL import Image

from mmfan.datasets.prepare.camvid import SEGNET11, find_split, half_size, map_labels, prepare
from mmfan.datasets.prepare.cityscapes_tree import report_split
from mmfan.errors import MMFanError

# every class of the SegNet tutorial once, in its order, and the void
SEGNET_LABEL = np.arange(12, dtype=np.uint8).reshape(3, 4)
TRAIN_IDS = np.array([[10, 2, 5, 0], [1, 8, 7, 4], [13, 11, 12, 255]], np.uint8)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)  # RGB


def write(path, pixels, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **more)


@pytest.fixture
def segnet(tmp_path):
    source = tmp_path / "CamVid"
    for split, names in (("train", ("0001TP_006690", "0016E5_00390")), ("val", ("0006R0_f00930",))):
        for name in names:
            write(source / split / f"{name}.png", PIXELS)
            write(source / f"{split}annot" / f"{name}.png", SEGNET_LABEL)
    return source


def read(path):
    return np.asarray(Image.open(path))


def test_segnet_form(segnet, tmp_path):
    target = tmp_path / "out"
    calls = []
    assert prepare(segnet, target, progress=lambda *n: calls.append(n)) == {"train": 2, "val": 1}
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*.png")) == [
        "gtFine/train/0001tp/0001TP_006690_gtFine_labelTrainIds.png",
        "gtFine/train/0016e5/0016E5_00390_gtFine_labelTrainIds.png",
        "gtFine/val/0006r0/0006R0_f00930_gtFine_labelTrainIds.png",
        "leftImg8bit/train/0001tp/0001TP_006690_leftImg8bit.png",
        "leftImg8bit/train/0016e5/0016E5_00390_leftImg8bit.png",
        "leftImg8bit/val/0006r0/0006R0_f00930_leftImg8bit.png",
    ]
    for path in (target / "gtFine").rglob("*.png"):
        np.testing.assert_array_equal(read(path), TRAIN_IDS)
    for path in (target / "leftImg8bit").rglob("*.png"):
        np.testing.assert_array_equal(read(path), PIXELS)
    assert report_split(target, "train", 2).problems == []


def test_trainids_and_jpeg(tmp_path):
    source, target = tmp_path / "mine", tmp_path / "out"
    write(source / "images/val/0001TP_1.jpg", np.repeat(np.repeat(PIXELS, 8, 0), 8, 1), quality=95)
    write(source / "labels/val/0001TP_1.png", np.repeat(np.repeat(TRAIN_IDS, 8, 0), 8, 1))
    assert prepare(source, target, labels="trainids", workers=2) == {"val": 1}
    label = read(target / "gtFine/val/0001tp/0001TP_1_gtFine_labelTrainIds.png")
    np.testing.assert_array_equal(label[::8, ::8], TRAIN_IDS)
    # the same colours as OpenCV decodes from the JPEG, in the same order
    np.testing.assert_allclose(
        cv2.imread(str(target / "leftImg8bit/val/0001tp/0001TP_1_leftImg8bit.png")).astype(int),
        cv2.imread(str(source / "images/val/0001TP_1.jpg")).astype(int),
        atol=2,
    )


def test_palette_labels(segnet, tmp_path):
    image = Image.fromarray(SEGNET_LABEL, mode="P")
    image.putpalette([9] * 768)
    image.save(segnet / "trainannot/0001TP_006690.png")
    prepare(segnet, tmp_path / "out")
    label = read(tmp_path / "out/gtFine/train/0001tp/0001TP_006690_gtFine_labelTrainIds.png")
    np.testing.assert_array_equal(label, TRAIN_IDS)


def test_pairs_are_kept_unless_forced(segnet, tmp_path):
    target = tmp_path / "out"
    prepare(segnet, target)
    whole = {path: path.read_bytes() for path in target.rglob("*.png")}
    first, second, third = sorted(whole)[:3]
    first.unlink()
    second.write_bytes(whole[second][:20])
    calls = []
    prepare(segnet, target, progress=lambda *n: calls.append(n))
    assert calls == [(1, 2), (2, 2)]
    write(third, np.zeros((3, 4), np.uint8))
    prepare(segnet, target)
    assert third.read_bytes() != whole[third]
    prepare(segnet, target, force=True)
    assert {path: path.read_bytes() for path in target.rglob("*.png")} == whole


def test_wrong_kind_of_labels_is_named(segnet, tmp_path):
    bad = segnet / "trainannot/0001TP_006690.png"
    write(bad, TRAIN_IDS)
    with pytest.raises(ValueError, match=rf"{bad} does not fit the kind of labels given: ids \[12, 13, 255\] are none"):
        prepare(segnet, tmp_path / "out")
    with pytest.raises(ValueError, match=r"Expected `labels` to be one of .*, got 'camvid32'"):
        prepare(segnet, tmp_path / "out", labels="camvid32")


@pytest.mark.parametrize("folder", ["train", "trainannot"])
def test_bad_files_are_named(segnet, tmp_path, folder):
    bad = segnet / folder / "0001TP_006690.png"
    bad.write_bytes(bad.read_bytes()[:45])
    with pytest.raises(ValueError, match=f"Cannot read {bad}"):
        prepare(segnet, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("0001TP*"))


def test_sizes_and_colour_labels(segnet, tmp_path):
    bad = segnet / "trainannot/0001TP_006690.png"
    write(bad, SEGNET_LABEL.T.copy())
    with pytest.raises(ValueError, match=rf"{bad} is 3x4 \(width x height\), but its picture .* is 4x3"):
        prepare(segnet, tmp_path / "out")
    write(bad, PIXELS)
    with pytest.raises(ValueError, match=rf"{bad} has the shape \(3, 4, 3\) and type uint8"):
        prepare(segnet, tmp_path / "out")


def test_incomplete_source(segnet, tmp_path):
    (segnet / "valannot/0006R0_f00930.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 pictures in .*val have no label in .*valannot: 0006R0_f00930\.png"):
        prepare(segnet, tmp_path / "out")
    (segnet / "val/0006R0_f00930.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"No picture \(\.png, \.jpg, .*\) in .*val"):
        prepare(segnet, tmp_path / "out")
    write(segnet / "trainannot/0099_1.png", SEGNET_LABEL)
    with pytest.raises(FileNotFoundError, match=r"1 labels in .*trainannot have no picture in .*: 0099_1\.png"):
        prepare(segnet, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_source(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No CamVid found in .*nowhere: looked for train/ with trainannot/"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    assert find_split(tmp_path, "train") is None


def test_map_labels_covers_the_tutorial():
    assert sorted(SEGNET11) == list(range(12))
    np.testing.assert_array_equal(map_labels(SEGNET_LABEL, SEGNET11), TRAIN_IDS)


def test_at_half_the_size(segnet, tmp_path):
    """Pictures are means of four pixels, labels the upper left one; an odd last row is left out."""
    target = tmp_path / "half"
    assert prepare(segnet, target, halve=True) == {"train": 2, "val": 1}
    label = read(target / "gtFine/val/0006r0/0006R0_f00930_gtFine_labelTrainIds.png")
    np.testing.assert_array_equal(label, TRAIN_IDS[:1, [0, 2]])
    picture = read(target / "leftImg8bit/val/0006r0/0006R0_f00930_leftImg8bit.png")
    means = PIXELS[:2].reshape(1, 2, 2, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(picture - means).max() <= 0.5
    assert half_size(PIXELS).shape == (1, 2, 3)


def test_pairs_of_another_size_are_not_kept(segnet, tmp_path):
    target = tmp_path / "out"
    prepare(segnet, target)
    with pytest.raises(MMFanError, match=r"has sides of 3 and 4 pixels, where 1 and 2 are asked for \(with --halve\)"):
        prepare(segnet, target, halve=True)
    assert prepare(segnet, target, halve=True, force=True) == {"train": 2, "val": 1}
    assert prepare(segnet, target, halve=True) == {"train": 2, "val": 1}
    with pytest.raises(MMFanError, match=r"sides of 1 and 2 pixels, where 3 and 4 are asked for \(without --halve\)"):
        prepare(segnet, target)


def test_two_pictures_of_one_name(segnet, tmp_path):
    write(segnet / "val/0006R0_f00930.bmp", PIXELS)
    with pytest.raises(MMFanError, match=r"0006R0_f00930\.bmp and .*\.png would both be written as 0006R0_f00930"):
        prepare(segnet, tmp_path / "out")
