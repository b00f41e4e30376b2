import pytest
from helpers.corrupted_tree import write_cityscapes, write_picture

from mmfan.corruptions import UnknownCorruptionError
from mmfan.datasets.corrupted import Shard, free_space, make_corrupted_set, make_plan, survey

CELLS = [("fog", 1), ("fog", 2), ("snow", 5)]


@pytest.fixture
def source(tmp_path):
    return write_cityscapes(tmp_path / "clean", 7)


@pytest.mark.parametrize(
    ("cells", "options", "error", "said"),
    [
        ([("fogg", 1)], {}, UnknownCorruptionError, "Did you mean 'fog'"),
        ([("fog", 6)], {}, ValueError, "fog has the severities 1, 2, 3, 4, 5, got 6"),
        ([("fog", 0)], {}, ValueError, "got 0"),
        ([("fog", 2.5)], {}, ValueError, r"got 2\.5"),
        ([], {}, ValueError, "at least one corruption and severity, got none"),
        (CELLS, {"seed": -1}, ValueError, "`seed` to be a whole number of at least 0, got -1"),
        (CELLS, {"quality": 90}, ValueError, "PNG is free of loss"),
        (CELLS, {"picture_format": "jpeg", "quality": 0}, ValueError, "quality from 1 to 100, got 0"),
        (CELLS, {"picture_format": "gif"}, ValueError, "one of png, jpeg, got 'gif'"),
        (CELLS, {"split": "test"}, FileNotFoundError, "no split 'test'"),
    ],
)
def test_what_is_refused(source, tmp_path, cells, options, error, said):
    with pytest.raises(error, match=said):
        make_plan(source, tmp_path / "c", cells, **options)
    assert not (tmp_path / "c").exists()


def test_targets_that_would_be_taken_for_sources(source, tmp_path):
    with pytest.raises(ValueError, match="corrupted pictures would be taken for clean ones"):
        make_plan(source, source, CELLS)
    write_picture(tmp_path / "plain/a.png", 0)
    with pytest.raises(ValueError, match="lies in it"):
        make_plan(tmp_path / "plain", tmp_path / "plain/corrupted", CELLS)
    with pytest.raises(ValueError, match="corrupted pictures would be taken for clean ones"):
        make_plan(source, source / "leftImg8bit/val", CELLS)
    write_picture(tmp_path / "coco/val2017/a.png", 0)
    with pytest.raises(ValueError, match="corrupted pictures would be taken for clean ones"):
        make_plan(tmp_path / "coco", tmp_path / "coco/val2017/c", CELLS)
    assert make_plan(tmp_path / "coco", tmp_path / "coco/corrupted", CELLS).listing.layout == "coco"
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file to be a folder or not to exist, it is a file"):
        make_plan(source, tmp_path / "file", CELLS)


def test_units_are_of_one_picture_and_of_eight_forms_at_most(source, tmp_path):
    plan = make_plan(source, tmp_path / "c", [("fog", 1), *CELLS])
    found = survey(plan)
    assert (found.kept, found.count) == (0, 21)
    assert list(found.units()) == [(picture, (0, 1, 2)) for picture in range(7)]
    assert str(plan.folders["snow", 5]) == f"{tmp_path}/c/leftImg8bit/snow/5"
    assert len(list(found.units(2))) == 14  # eight pieces or more, so that none waits long for the last
    assert len(list(found.units(16))) == 21
    assert not (tmp_path / "c").exists()
    many = [(name, severity) for name in ("fog", "snow", "contrast", "frost") for severity in (1, 2, 3, 4, 5)]
    units = list(survey(make_plan(source, tmp_path / "c", many)).units(2))
    assert [len(cells) for _, cells in units] == [8, 8, 4] * 7
    assert sorted((picture, cell) for picture, cells in units for cell in cells) == [
        (picture, cell) for picture in range(7) for cell in range(20)
    ]


def test_shards_have_the_size_of_their_part(source, tmp_path):
    whole = survey(make_plan(source, tmp_path / "c", CELLS))
    parts = [survey(make_plan(source, tmp_path / "c", CELLS, shard=Shard(number, 3))) for number in (1, 2, 3)]
    assert [part.count for part in parts] == [9, 6, 6]
    assert sum(part.size for part in parts) == pytest.approx(whole.size, rel=1e-3)


@pytest.mark.slow
def test_the_estimate_is_of_the_right_size(tmp_path):
    """Photographs, all types: within a factor of 1.5 of what they take."""
    data = pytest.importorskip("skimage.data")
    import cv2

    from mmfan.corruptions import CORRUPTIONS

    source = tmp_path / "photographs"
    source.mkdir()
    cv2.imwrite(
        str(source / "a.jpg"), cv2.resize(data.astronaut()[..., ::-1], (256, 256), interpolation=cv2.INTER_AREA)
    )
    cells = [(name, 3) for name in CORRUPTIONS]
    for form, options in (("png", {}), ("jpeg", {"quality": 95}), ("jpeg", {"quality": 75})):
        plan = make_plan(source, tmp_path / f"c{form}{options.get('quality')}", cells, picture_format=form, **options)
        expected = survey(plan).size
        done = make_corrupted_set(plan)
        assert done.failures == []
        assert 1 / 1.5 < expected / done.size < 1.5, (form, options, expected, done.size)


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path):
    assert free_space(tmp_path / "a/b/c") == pytest.approx(free_space(tmp_path), rel=0.01)
