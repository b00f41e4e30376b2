"""Finding the pictures beside a results file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.results.pictures import PictureError, find_pictures, folder_name, pictures_folder

PALETTE = [[128, 64, 128], [70, 130, 180], [0, 0, 142]]
FOG, SNOW = Cell("fog", 1), Cell("snow", 2)


def save(path: Path, array: np.ndarray, palette: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    if palette and array.ndim == 2:
        picture.putpalette(np.asarray(PALETTE + [[0, 0, 0]] * 253, np.uint8).tobytes())
    picture.save(path)


def keep(results: Path, model: str, names=("a.png",), cells=(CLEAN, FOG, SNOW), number: int = 1) -> None:
    """Pictures of 4 x 6: input all 10 + severity, truth all 0 with a corner of 255, prediction all ``number``."""
    root = Path(f"{results}.pictures")
    for name in names:
        truth = np.zeros((4, 6), np.uint8)
        truth[0, 0] = 255
        save(root / "truth" / name, truth)
        for cell in cells:
            folder = f"{cell.corruption}-{cell.severity}"
            save(root / "input" / folder / name, np.full((4, 6, 3), 10 + cell.severity, np.uint8))
            save(root / model / folder / name, np.full((4, 6), number, np.uint8))


def test_a_picture_of_two_models_in_two_files(tmp_path):
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    keep(a, "fan-t", number=1)
    keep(b, "segformer", cells=(CLEAN, SNOW), number=2)
    (picture,) = find_pictures([(a, "fan-t"), (b, "segformer")], [SNOW, FOG])
    assert picture.name == "a"
    assert [shown.cell for shown in picture.cells] == [CLEAN, SNOW, FOG]
    assert picture.truth[0, 0] == 255
    assert picture.palette[:3].tolist() == PALETTE
    clean, snow, fog = picture.cells
    assert (clean.picture.shape, clean.picture[0, 0, 0], snow.picture[0, 0, 0]) == ((4, 6, 3), 10, 12)
    assert [part.max() for part in snow.predictions] == [1, 2]
    assert fog.predictions[0].max() == 1
    assert fog.predictions[1] is None


def test_names_in_folders_sorted_and_limited(tmp_path):
    results = tmp_path / "a.jsonl"
    keep(results, "fan-t", names=("val/zoo/x.png", "val/aachen/y z.png", "w.png"))
    found = find_pictures([(results, "fan-t")], [FOG], limit=2)
    assert [picture.name for picture in found] == ["val/aachen/y z", "val/zoo/x"]
    assert find_pictures([(results, "fan-t")], [FOG], limit=0) == []


def test_many_cells_are_thinned_evenly(tmp_path):
    results = tmp_path / "a.jsonl"
    cells = [Cell("fog", at) for at in range(1, 10)]
    keep(results, "fan-t", cells=(CLEAN, *cells))
    (picture,) = find_pictures([(results, "fan-t")], cells, cells_shown=3)
    assert [shown.cell.severity for shown in picture.cells] == [0, 1, 5, 9]


def test_nothing_kept(tmp_path):
    assert find_pictures([(tmp_path / "a.jsonl", "fan-t")], [FOG]) == []
    keep(tmp_path / "a.jsonl", "fan-t")
    assert find_pictures([(tmp_path / "a.jsonl", "another model")], [FOG]) == []


def test_the_short_name_of_the_folder(tmp_path):
    (tmp_path / "run.pictures").mkdir()
    assert pictures_folder(tmp_path / "run.jsonl") == tmp_path / "run.pictures"
    (tmp_path / "run.jsonl.pictures").mkdir()
    assert pictures_folder(tmp_path / "run.jsonl") == tmp_path / "run.jsonl.pictures"


def test_folders_of_odd_names(tmp_path):
    assert folder_name('a/b\\c:d"').startswith("a_b_c_d_~")
    keep(tmp_path / "a.jsonl", folder_name("org/fan-t"))
    assert len(find_pictures([(tmp_path / "a.jsonl", "org/fan-t")], [FOG])) == 1


def test_folders_of_version_0_1_are_found_where_they_can_be_no_other_models(tmp_path):
    results = tmp_path / "a.jsonl"
    keep(results, "org_fan-t")  # as it called the folder of org/fan-t
    assert len(find_pictures([(results, "org/fan-t")], [FOG])) == 1
    ours, other = find_pictures([(results, "org/fan-t"), (results, "org_fan-t")], [FOG])[0].cells[-1].predictions
    assert ours is None
    assert other is not None
    keep(results, folder_name("org/fan-t"))
    both = find_pictures([(results, "org/fan-t"), (results, "org_fan-t")], [FOG])[0].cells[-1].predictions
    assert all(one is not None for one in both)


def test_painted_objects_are_pictures(tmp_path):
    results = tmp_path / "a.jsonl"
    keep(results, "fan-t", cells=(CLEAN,))
    root = Path(f"{results}.pictures")
    painted = np.full((8, 12, 3), 99, np.uint8)
    save(root / "fan-t" / "clean-0" / "a.png", painted)
    save(root / "truth" / "a.png", painted + 1)
    (picture,) = find_pictures([(results, "fan-t")], [])
    assert (picture.truth == 100).all()
    assert (picture.cells[0].predictions[0] == painted).all()
    assert len(picture.palette) == 0


def test_bad_pictures(tmp_path):
    results = tmp_path / "a.jsonl"
    keep(results, "fan-t")
    path = Path(f"{results}.pictures") / "fan-t" / "fog-1" / "a.png"
    save(path, np.zeros((4, 6, 4), np.uint8))
    with pytest.raises(PictureError, match=r"fog-1.a\.png to hold class numbers .* got mode RGBA"):
        find_pictures([(results, "fan-t")], [FOG])
    path.write_bytes(b"not a picture")
    with pytest.raises(PictureError, match=r"fog-1.a\.png cannot be read"):
        find_pictures([(results, "fan-t")], [FOG])
