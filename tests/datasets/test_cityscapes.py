import shutil

import cv2
import numpy as np
import pytest

pytest.importorskip("mmseg")
from mmseg.datasets import CityscapesDataset as MMSegCityscapesDataset

from mmfan.datasets import CityscapesDataset

PREFIX = {"img_path": "leftImg8bit/train", "seg_map_path": "gtFine/train"}
NAMES = [f"{city}/{city}_{index:06d}_000000" for city in ("bonn", "ulm") for index in range(3)]


@pytest.fixture
def root(tmp_path):
    for number, name in enumerate(NAMES):
        image = tmp_path / "leftImg8bit/train" / f"{name}_leftImg8bit.png"
        label = tmp_path / "gtFine/train" / f"{name}_gtFine_labelTrainIds.png"
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(image), np.full((6, 10, 3), number, np.uint8))
        cv2.imwrite(str(label), np.full((6, 10), number, np.uint8))
    return tmp_path


def labels_of(root):
    return sorted((root / "gtFine/train").rglob("*_gtFine_labelTrainIds.png"))


@pytest.mark.slow
def test_same_samples_and_meta_as_mmseg(root):
    ours = CityscapesDataset(data_root=str(root), data_prefix=PREFIX)
    theirs = MMSegCityscapesDataset(data_root=str(root), data_prefix=PREFIX)
    assert ours.metainfo == theirs.metainfo
    assert len(ours) == len(theirs) == 6
    for index in range(6):
        sample = ours.get_data_info(index)
        assert sample.pop("num_classes") == 19
        assert sample == theirs.get_data_info(index)


@pytest.mark.parametrize("serialize", [True, False])
@pytest.mark.parametrize(("indices", "numbers"), [(2, [0, 1]), (-1, [5]), ([0, 4], [0, 4])])
def test_indices_and_serialisation(root, serialize, indices, numbers):
    dataset = CityscapesDataset(data_root=str(root), data_prefix=PREFIX, indices=indices, serialize_data=serialize)
    names = [dataset.get_data_info(index)["img_path"] for index in range(len(dataset))]
    assert [name.split("train/")[1].removesuffix("_leftImg8bit.png") for name in names] == [NAMES[n] for n in numbers]


def test_through_a_pipeline(root):
    pipeline = [
        {"type": "mmfan.LoadImageFromFile"},
        {"type": "mmfan.LoadSegAnnotations"},
        {"type": "mmseg.PackSegInputs"},
    ]
    dataset = CityscapesDataset(data_root=str(root), data_prefix=PREFIX, pipeline=pipeline)
    sample = dataset[4]
    assert tuple(sample["inputs"].shape) == (3, 6, 10)
    assert sample["data_samples"].gt_sem_seg.data.unique().tolist() == [4]


def test_fewer_classes(root):
    pipeline = [{"type": "mmfan.LoadSegAnnotations"}]
    classes = {"classes": ("building", "road")}
    dataset = CityscapesDataset(data_root=str(root), data_prefix=PREFIX, metainfo=classes, pipeline=pipeline)
    assert [int(dataset[index]["gt_seg_map"][0, 0]) for index in range(4)] == [1, 255, 0, 255]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("", "The data root {root} does not exist"),
        ("leftImg8bit/train", "The picture folder {root}/leftImg8bit/train does not exist"),
        ("gtFine/train", "The label folder {root}/gtFine/train does not exist"),
    ],
)
def test_missing_folder(root, gone, said):
    shutil.rmtree(root / gone)
    with pytest.raises(FileNotFoundError) as caught:
        CityscapesDataset(data_root=str(root), data_prefix=PREFIX)
    message = str(caught.value)
    assert message.startswith(said.format(root=root))
    assert f"{root}/gtFine/{{train,val,test}}/<city>/*_gtFine_labelTrainIds.png" in message
    assert f"mmfan prepare cityscapes {root}" in message
    assert "mmfan mini cityscapes data/mini_cityscapes" in message


def test_relative_root_is_named_in_full(root, monkeypatch):
    monkeypatch.chdir(root)
    with pytest.raises(FileNotFoundError, match=f"The data root {root}/data/nowhere does not exist"):
        CityscapesDataset(data_root="data/nowhere", data_prefix=PREFIX)


def test_empty_split(root):
    for path in (root / "leftImg8bit/train").rglob("*.png"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=f"No picture \\*_leftImg8bit.png in {root}/leftImg8bit/train"):
        CityscapesDataset(data_root=str(root), data_prefix=PREFIX)


@pytest.mark.parametrize("test_mode", [False, True])
def test_missing_labels_are_named(root, test_mode):
    for path in labels_of(root)[1:]:
        path.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        CityscapesDataset(data_root=str(root), data_prefix=PREFIX, test_mode=test_mode)
    message = str(caught.value)
    assert message.startswith(f"5 of 6 pictures have no label in {root}/gtFine/train: {NAMES[1]}_gtFine")
    assert f"{NAMES[3]}_gtFine_labelTrainIds.png and 2 more." in message
    assert "have not been made" not in message


@pytest.mark.parametrize("suffix", ["polygons.json", "labelIds.png"])
def test_unprepared_download_says_so(root, suffix):
    for path in labels_of(root):
        path.rename(str(path).replace("labelTrainIds.png", suffix))
    with pytest.raises(FileNotFoundError) as caught:
        CityscapesDataset(data_root=str(root), data_prefix=PREFIX)
    assert f"*_gtFine_{suffix} are there, but the train ids have not been made from them: run " in str(caught.value)


def test_lazy_init_checks_later(root):
    dataset = CityscapesDataset(data_root=str(root / "nowhere"), data_prefix=PREFIX, lazy_init=True)
    assert dataset.metainfo["classes"][0] == "road"
    with pytest.raises(FileNotFoundError, match="does not exist"):
        dataset.full_init()


def test_pictures_without_labels(root):
    shutil.rmtree(root / "gtFine")
    dataset = CityscapesDataset(data_root=str(root), data_prefix={"img_path": "leftImg8bit/train"}, test_mode=True)
    assert len(dataset) == 6
    assert "seg_map_path" not in dataset.get_data_info(0)


def test_list_of_pictures(root):
    (root / "some.txt").write_text(f"{NAMES[2]}\n{NAMES[5]}\n")
    labels_of(root)[0].unlink()  # not asked for
    dataset = CityscapesDataset(data_root=str(root), data_prefix=PREFIX, ann_file="some.txt")
    assert [NAMES[n] in dataset.get_data_info(i)["img_path"] for i, n in enumerate((2, 5))] == [True, True]

    (root / "some.txt").write_text(f"{NAMES[2]}\nulm/ulm_999999_000000\n")
    with pytest.raises(FileNotFoundError, match=r"1 of 2 pictures asked for are not in .*: ulm/ulm_999999_000000_left"):
        CityscapesDataset(data_root=str(root), data_prefix=PREFIX, ann_file="some.txt")
    with pytest.raises(FileNotFoundError, match=f"The list of pictures {root}/none.txt"):
        CityscapesDataset(data_root=str(root), data_prefix=PREFIX, ann_file="none.txt")


@pytest.mark.parametrize("prefix", [{"img": "x"}, {"img_path": "x", "seg_path": "y"}, {}])
def test_misspelt_prefix(root, prefix):
    with pytest.raises(ValueError, match=r"Expected `data_prefix` to hold 'img_path' and none but .*, got"):
        CityscapesDataset(data_root=str(root), data_prefix=prefix)


def test_unknown_argument(root):
    with pytest.raises(TypeError, match="data_rot"):
        CityscapesDataset(data_rot=str(root), data_prefix=PREFIX)
