import json

import pytest
from helpers.corrupted_tree import write_cityscapes, write_picture

from mmfan.corruptions import register_corruption, unregister_corruption
from mmfan.datasets.corrupted import list_pictures, make_corrupted_set, make_plan, verify_set
from mmfan.errors import MMFanError

CELLS = [("shade", 1), ("shade", 4)]


@pytest.fixture
def source(tmp_path):
    return write_cityscapes(tmp_path / "clean", 4)


@pytest.fixture
def target(source, tmp_path):
    register_corruption("shade", lambda image, severity, seed: image // severity)
    make_corrupted_set(make_plan(source, tmp_path / "c", CELLS))
    yield tmp_path / "c"
    unregister_corruption("shade")


def test_a_whole_set(source, target):
    calls = []
    done = verify_set(target, list_pictures(source), workers=2, progress=lambda *numbers: calls.append(numbers))
    assert (done.cells, done.files, done.problems) == (2, 8, [])
    assert calls[-1] == (8, 8)
    assert verify_set(target, list_pictures(source), CELLS[:1]).files == 4


def test_everything_that_can_be_wrong_is_named(source, target):
    missing, truncated, altered, repainted = sorted((target / "leftImg8bit/shade/4").rglob("*.png"))
    missing.unlink()
    truncated.write_bytes(truncated.read_bytes()[:-9])
    content = bytearray(altered.read_bytes())
    content[-40] ^= 1
    altered.write_bytes(content)
    write_picture(repainted, 5)
    surplus = write_picture(target / "leftImg8bit/shade/1/val/ulm/more.png", 0)
    left = repainted.with_name(f".{repainted.name}.1-a.1-of-1.part")
    left.write_bytes(b"half")
    repainted.with_name(".DS_Store").write_bytes(b"")
    done = verify_set(target, list_pictures(source))
    assert done.files == 4
    assert len(done.problems) == 6
    for text in (
        f"missing: {missing}",
        f"truncated or damaged: {truncated}: the PNG is truncated",
        f"truncated or damaged: {altered}: the PNG is damaged: the checksum of its IDAT",
        f"altered: {repainted}",
        f"surplus: {surplus}",
        f"surplus: {left}",
    ):
        assert sum(problem.startswith(text) for problem in done.problems) == 1, text

    for path in (truncated, altered, repainted, surplus):
        path.unlink()
    again = make_corrupted_set(make_plan(source, target, CELLS))
    assert (again.made, again.kept) == (4, 4)
    assert verify_set(target, list_pictures(source)).problems == []


def test_a_folder_in_the_place_of_a_picture(source, target):
    path = next((target / "leftImg8bit/shade/4").rglob("*.png"))
    path.unlink()
    path.mkdir()
    done = verify_set(target, list_pictures(source))
    assert (done.files, done.problems) == (7, [f"unreadable: {path}: Is a directory"])


def test_cells_that_are_not_complete(source, target):
    (target / "manifests/shade/1/val.json").unlink()
    next((target / "leftImg8bit/shade/1").rglob("*.png")).unlink()
    done = verify_set(target, list_pictures(source))
    assert (done.cells, done.files) == (2, 4)
    assert done.problems == [
        "shade 1 is not complete: 3 of 4 pictures are there, and no manifest. Run without --verify to make the rest."
    ]
    done = verify_set(target, list_pictures(source), [("shade", 2)])
    assert done.problems[0].startswith("shade 2 is not complete: 0 of 4")
    assert (
        verify_set(target, list_pictures(source, split="train"))
        .problems[0]
        .endswith("holds nothing of the split train.")
    )


def test_more_pictures_in_the_source_and_other_seeds_in_a_manifest(source, target):
    write_picture(source / "leftImg8bit/val/ulm/new_leftImg8bit.png", 0)
    path = target / "manifests/shade/4/val.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 8'))
    problems = verify_set(target, list_pictures(source)).problems
    assert len(problems) == 3
    assert f"missing in the manifest: {target}/leftImg8bit/shade/1/val/ulm/new_leftImg8bit.png" in problems
    assert "the manifest of shade 4 says seed 8, the set 0" in problems


def test_what_is_no_set(source, target):
    with pytest.raises(FileNotFoundError, match=r"has no corrupted_set\.json: it is no set that this tool made"):
        verify_set(source, list_pictures(source))
    path = target / "manifests/shade/4/val.json"
    whole = json.loads(path.read_text())
    others = [
        {"count": 3},
        *({"count": 1, "files": {name: "0" * 64}} for name in ("../a.png", "/a.png", "a\0.png", "", "\ud800")),
    ]
    for content in ("", "[]", "{}", "[" * 100_000, *(json.dumps(whole | other) for other in others)):
        path.write_text(content)
        with pytest.raises(ValueError, match=f"{path} is not a manifest .*Delete it"):
            verify_set(target, list_pictures(source))


def test_a_set_of_jpegs_needs_no_word_of_it(source, tmp_path):
    make_corrupted_set(make_plan(source, tmp_path / "j", [("contrast", 1)], picture_format="jpeg"))
    done = verify_set(tmp_path / "j", list_pictures(source))
    assert (done.files, done.problems) == (4, [])


def test_another_layout(source, target):
    with pytest.raises(MMFanError, match="the clean pictures are listed as folder: give --layout cityscapes"):
        verify_set(target, list_pictures(source, layout="folder"))
