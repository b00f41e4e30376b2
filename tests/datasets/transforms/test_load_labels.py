import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

pytest.importorskip("mmseg")
from mmseg.datasets.transforms import LoadAnnotations

from mmfan.datasets import LoadSegAnnotations
from mmfan.datasets.label_files import ids_outside, map_ids, reduce_zero
from mmfan.datasets.transforms import load_labels
from mmfan.errors import MMFanError

LABEL = np.array([[0, 1, 18], [5, 255, 7]], np.uint8)


def sample(path, **more):
    return {
        "img_path": "street.png",
        "seg_map_path": str(path),
        "seg_fields": [],
        "label_map": None,
        "reduce_zero_label": False,
        "num_classes": 19,
        "ori_shape": (2, 3),
        **more,
    }


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "street_gtFine_labelTrainIds.png"
    cv2.imwrite(str(target), LABEL)
    return target


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"label_map": {index: (index % 4 if index < 8 else 255) for index in range(19)}},
        {"reduce_zero_label": True},
        {"reduce_zero_label": True, "label_map": {index: 18 - index for index in range(19)}},
    ],
)
@pytest.mark.parametrize("backend", ["pillow", "cv2"])
def test_same_as_mmseg(path, more, backend):
    ours = LoadSegAnnotations(imdecode_backend=backend)(sample(path, **more))
    theirs = LoadAnnotations(imdecode_backend=backend)(sample(path, **more))
    assert ours.keys() == theirs.keys()
    assert ours["seg_fields"] == ["gt_seg_map"]
    assert ours["gt_seg_map"].dtype == np.uint8
    np.testing.assert_array_equal(ours["gt_seg_map"], theirs["gt_seg_map"])


def test_palette_label_holds_indices(path):
    image = Image.fromarray(LABEL, mode="P")
    image.putpalette([7] * 768)
    image.save(path)
    np.testing.assert_array_equal(LoadSegAnnotations()(sample(path))["gt_seg_map"], LABEL)


@pytest.mark.parametrize("backend", ["pillow", "cv2"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_a_bad_file_is_named(path, backend, share):
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 19, (40, 60), dtype=np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=rf"Cannot read the label image {path} \({int(len(content) * share)} bytes\)"):
        LoadSegAnnotations(imdecode_backend=backend)(sample(path))


def test_a_decoder_that_gives_up_without_a_word(path, monkeypatch):
    """As OpenCV does with pictures whose bytes fit together and whose kind it does not know."""
    monkeypatch.setattr(load_labels.mmcv, "imfrombytes", lambda *_, **__: None)
    with pytest.raises(MMFanError, match=r"Cannot read the label image .* bytes\)\. .* make it again\.$"):
        LoadSegAnnotations(imdecode_backend="cv2")(sample(path))


def test_no_file_and_no_path(path):
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        LoadSegAnnotations()(sample(path.with_name("none.png")))
    without = sample(path)
    del without["seg_map_path"]
    with pytest.raises(ValueError, match=r"The picture street.png has no label image: .*seg_map_path"):
        LoadSegAnnotations()(without)


def test_label_ids_instead_of_train_ids(path):
    cv2.imwrite(str(path), np.array([[7, 8, 11], [23, 26, 33]], np.uint8))
    with pytest.raises(
        ValueError, match=rf"{path} holds ids outside 0..18 and 255 \(ignored\): 23, 26, 33\."
    ) as caught:
        LoadSegAnnotations()(sample(path))
    assert "mmfan prepare cityscapes" in str(caught.value)


def test_instance_ids_do_not_wrap_around(path):
    # 26001 % 256 == 145, but 26112 % 256 == 0 would pass for road
    cv2.imwrite(str(path), np.full((2, 3), 26112, np.uint16))
    assert LoadAnnotations()(sample(path))["gt_seg_map"].max() == 0
    with pytest.raises(ValueError, match=r"holds ids outside 0\.\.18 and 255 \(ignored\): 26112\."):
        LoadSegAnnotations()(sample(path))
    cv2.imwrite(str(path), LABEL.astype(np.uint16))
    loaded = LoadSegAnnotations()(sample(path))["gt_seg_map"]
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, LABEL)


def test_colours_instead_of_ids(path):
    cv2.imwrite(str(path), np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(ValueError, match=r"has the shape \(2, 3, 3\)\. Expected an image of one channel"):
        LoadSegAnnotations()(sample(path))


def test_other_size_than_the_picture(path):
    with pytest.raises(ValueError, match=rf"{path} is 3x2 \(width x height\), but its picture street.png is 8x4\."):
        LoadSegAnnotations()(sample(path, ori_shape=(4, 8)))
    unknown = sample(path)
    del unknown["ori_shape"]
    np.testing.assert_array_equal(LoadSegAnnotations()(unknown)["gt_seg_map"], LABEL)


def test_where_the_number_of_classes_comes_from(path):
    few = {"num_classes": 18}
    with pytest.raises(ValueError, match=r"outside 0\.\.17"):
        LoadSegAnnotations()(sample(path, **few))
    LoadSegAnnotations(num_classes=19)(sample(path, **few))  # the argument goes first
    LoadSegAnnotations()(sample(path, **few, label_map=dict.fromkeys(range(19), 0)))
    unknown = sample(path)
    del unknown["num_classes"]
    LoadSegAnnotations()(unknown)  # mmsegmentation's own datasets do not say


def test_other_ignore_index(path):
    cv2.imwrite(str(path), np.array([[0, 1, 254]], np.uint8))
    with pytest.raises(ValueError, match=r"254\."):
        LoadSegAnnotations()(sample(path, ori_shape=(1, 3)))
    LoadSegAnnotations(ignore_index=254)(sample(path, ori_shape=(1, 3)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"num_classes": 0}, "num_classes"), ({"num_classes": 256}, "num_classes"), ({"ignore_index": 256}, "ignore_ind")],
)
def test_arguments_out_of_range(arguments, said):
    with pytest.raises(ValueError, match=said):
        LoadSegAnnotations(**arguments)


def test_reduce_zero_must_agree_with_the_dataset(path):
    with pytest.warns(UserWarning, match="reduce_zero_label"):
        step = LoadSegAnnotations(reduce_zero_label=True)
    with pytest.raises(ValueError, match="reduce_zero_label=True, its dataset False"):
        step(sample(path))


labels = npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=8))


@given(labels, st.integers(1, 255), st.integers(0, 255))
@pytest.mark.slow
def test_ids_outside_against_a_plain_count(label, num_classes, ignore):
    assert ids_outside(label, num_classes, ignore) == sorted(
        {value for value in label.ravel().tolist() if value >= num_classes and value != ignore}
    )


@given(npst.arrays(np.int32, (3, 3)))
@pytest.mark.slow
def test_ids_outside_of_signed_files(label):
    assert ids_outside(label, 19) == sorted(
        {value for value in label.ravel().tolist() if not (0 <= value < 19 or value == 255)}
    )


@given(labels, st.dictionaries(st.integers(0, 255), st.integers(0, 255)))
@pytest.mark.slow
def test_map_ids_against_a_loop(label, mapping):
    expected = [[mapping.get(value, value) for value in row] for row in label.tolist()]
    assert map_ids(label, mapping).tolist() == expected


@given(labels)
def test_reduce_zero_against_a_loop(label):
    expected = [[255 if value in (0, 255) else value - 1 for value in row] for row in label.tolist()]
    assert reduce_zero(label).tolist() == expected
