"""A picture corrupted in memory and its file in a corrupted set are the same array, or both doors refuse it."""

import warnings

import cv2
import numpy as np
import pytest
from helpers.kinds_of_pictures import KINDS, scene, turned
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import Compose

from mmfan.corruptions import corrupt, picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.corrupted.codec import encode_picture
from mmfan.datasets.corrupted.lookup import CorruptedSet, clean_set_of
from mmfan.datasets.transforms.corrupt import Corrupt
from mmfan.datasets.transforms.loading import change_after_loading, loading_of
from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.loop.loading.corrupting import CorruptPicture, LoadCorrupted
from mmfan.picture_files import decode

FOG = Cell("fog", 3)
SETTINGS = [
    {"color_type": color_type, "imdecode_backend": backend, "to_float32": floats}
    for color_type in ("color", "grayscale", "unchanged", "color_ignore_orientation", "grayscale_ignore_orientation")
    for backend in ("cv2", "pillow")
    for floats in (False, True)
]
TURNED = [(name, "turned") for name in ("PNG", "JPEG", "TIFF", "WEBP")]
SUFFIX = {"JPEG": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Pictures of every kind, and the fog of each, as the set maker writes it."""
    root = tmp_path_factory.mktemp("kinds")
    (root / "clean").mkdir()
    (root / "set/fog/3").mkdir(parents=True)
    for name, mode in KINDS + TURNED:
        file = f"{name}-{mode.replace(';', '')}{SUFFIX.get(name, '.' + name.lower())}"
        content = turned(name) if mode == "turned" else scene(name, mode)
        (root / "clean" / file).write_bytes(content)
        colours = np.ascontiguousarray(decode(content)[..., ::-1])
        foggy = corrupt(colours, "fog", 3, picture_seed(0, file, "fog", 3))
        (root / "set/fog/3" / file).with_suffix(".png").write_bytes(encode_picture(foggy, "png", None))
    return root


def loaded(root, file, cell, settings, disk, step=LoadImageFromFile):
    """What a model gets, or the error."""
    clean = clean_set_of([str(path) for path in (root / "clean").iterdir()], str(root / "clean"))
    source = CorruptedSet(root / "set", clean, 0) if disk else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load = LoadCorrupted(step(**settings), CorruptPicture(0, str(root / "clean")), source)
            load.cell = cell
            return load.transform({"img_path": str(root / "clean" / file)})["img"]
    except MMFanError as error:
        return error


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(map(str, settings.values())))
@pytest.mark.slow
def test_every_kind_by_both_doors(sets, settings):
    pairs = 0
    for path in sorted((sets / "clean").iterdir()):
        fly, disk = (loaded(sets, path.name, FOG, settings, door) for door in (False, True))
        clean = loaded(sets, path.name, CLEAN, settings, False)
        if isinstance(fly, MMFanError):
            assert isinstance(disk, MMFanError)
            assert isinstance(clean, MMFanError), path  # so that it is found out before anything is scored
            assert "Set color_type='color' and imdecode_backend='cv2'" in str(fly) + str(disk)
            assert path.name in str(fly)
            continue
        pairs += 1
        assert fly.dtype == disk.dtype == clean.dtype == (np.float32 if settings["to_float32"] else np.uint8), path
        np.testing.assert_array_equal(fly, disk, err_msg=str(path))
        assert fly.shape == clean.shape
        assert np.abs(fly.astype(float) - clean).mean() > 5  # it is foggy
        assert settings["to_float32"] or not np.array_equal(fly, clean)
    expected = {"color": len(KINDS) + 4, "grayscale": len(KINDS) + 4}
    if settings["imdecode_backend"] == "cv2" and settings["color_type"] in expected:
        assert pairs == expected[settings["color_type"]]
    else:
        assert pairs >= 6


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"color_type": "unchanged"}, {"PNG-L", "PNG-RGBA", "PNG-I16", "JPEG-L", "PNG-turned", "WEBP-RGBA"}),
        ({"imdecode_backend": "pillow"}, {"PNG-LA", "PNG-I16", "TIFF-I16"}),
        ({"color_type": "color_ignore_orientation"}, {"PNG-turned", "JPEG-turned"}),
    ],
)
def test_readings_that_no_corrupted_form_has_are_refused(sets, settings, refused):
    for path in (sets / "clean").iterdir():
        if path.stem in refused:
            for door in (False, True):
                for cell in (CLEAN, FOG):
                    assert isinstance(loaded(sets, path.name, cell, settings, door), MMFanError), (path, door, cell)


@pytest.mark.parametrize("backend", ["turbojpeg", "tifffile"])
def test_backends_that_read_no_png(backend):
    with pytest.raises(ConfigError, match=f"{backend}.*set imdecode_backend='cv2'"):
        loading_of(LoadImageFromFile(imdecode_backend=backend))


def test_damaged_pictures_are_named_by_both_doors_and_by_steps_of_others(sets, tmp_path):
    class LoadImageOfOthers(LoadImageFromFile):
        pass

    for cut in (0.0, 0.5, 0.95):
        for file in ("JPEG-RGB.jpg", "PNG-RGB.png", "TIFF-RGB.tif", "BMP-RGB.bmp", "PPM-RGB.ppm"):
            content = (sets / "clean" / file).read_bytes()
            (tmp_path / "clean").mkdir(exist_ok=True)
            (tmp_path / "clean" / file).write_bytes(content[: int(cut * len(content))])
            for step in (LoadImageFromFile, LoadImageOfOthers)[: 1 + (cut > 0)]:
                for cell in (CLEAN, FOG):
                    found = loaded(tmp_path, file, cell, {}, False, step)
                    assert isinstance(found, MMFanError)
                    assert f"Cannot read the picture {tmp_path / 'clean' / file}" in str(found)


def test_a_step_of_others_that_reads_otherwise_is_judged_on_the_fly_only(sets):
    class LoadImageInRGB(LoadImageFromFile):
        def transform(self, results):
            results = super().transform(results)
            return {**results, "img": np.ascontiguousarray(results["img"][..., ::-1])}

    class LoadImageAsUsual(LoadImageFromFile):
        pass

    assert loaded(sets, "PNG-RGB.png", FOG, {}, False, LoadImageInRGB).shape == (64, 96, 3)
    with pytest.raises(MMFanError, match=r"LoadImageInRGB makes .* not its colours.*judge on the fly"):
        raise loaded(sets, "PNG-RGB.png", FOG, {}, True, LoadImageInRGB)
    for settings in ({}, {"to_float32": True}):
        fly, disk = (loaded(sets, "PNG-RGB.png", FOG, settings, door, LoadImageAsUsual) for door in (False, True))
        np.testing.assert_array_equal(fly, disk)
        assert fly.dtype == (np.float32 if settings else np.uint8)


def test_small_pictures_are_refused_when_they_are_corrupted(tmp_path):
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean/a.bmp").write_bytes(scene("BMP"))
    cv2.imwrite(str(tmp_path / "clean/small.png"), np.zeros((20, 40, 3), np.uint8))
    found = loaded(tmp_path, "small.png", FOG, {"color_type": "grayscale"}, False)
    assert "fog 3 of the picture" in str(found)
    assert "at least 32 pixels, got 20 rows x 40 columns. Enlarge" in str(found)


@pytest.mark.parametrize("settings", [{}, {"to_float32": True}, {"color_type": "grayscale"}])
def test_the_datasets_of_corrupted_sets_put_the_corruption_between_the_halves(sets, settings):
    path = sets / "clean/JPEG-RGB.jpg"
    fly, disk = Compose([LoadImageFromFile(**settings)]), Compose([LoadImageFromFile(**settings)])
    change_after_loading(fly, Corrupt("fog", 3, root=str(sets / "clean")))
    change_after_loading(disk, None)
    made = fly({"img_path": str(path)})
    file = {"img_path": str(sets / "set/fog/3/JPEG-RGB.png"), "clean_img_path": str(path)}
    np.testing.assert_array_equal(made["img"], disk(file)["img"])
    assert made["img_shape"] == made["ori_shape"] == (64, 96)
    assert made["corruption"] == "fog"
