"""Changes of one's own in the loop: what a function does to the pictures of a cell, told of the set first."""

import cv2
import numpy as np
import pytest
from helpers.tiny_robustness import judge, write_parts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def judged(parts, tmp_path_factory):
    """Scores and records of the straightforward run: one process, no workers."""
    return judge(*parts, tmp_path_factory.mktemp("judged") / "r.jsonl", seed=3)


def turn_grey(sample, cell):
    """Every channel becomes the cell's severity times 20."""
    sample["img"] = np.full_like(sample["img"], 20 * cell.severity)
    return sample


class Fitted:
    """A change that is told of the dataset first: the picture gets the seed's grey."""

    def install(self, dataset, seed, root):
        self.seen = (len(dataset), seed, root)

    def __call__(self, sample, cell):
        sample["img"] = np.full_like(sample["img"], self.seen[1])
        return sample


@pytest.mark.process
def test_a_change_is_installed_before_the_loading_processes_start(parts, tmp_path):
    more = {"protocol": {"corruptions": ["contrast"], "severities": [5]}, "seed": 77, "pictures": 1}
    for workers in (0, 1):
        change = Fitted()
        judge(*parts, tmp_path / f"{workers}.jsonl", change=change, workers=workers, **more)
        shown = next((tmp_path / f"{workers}.jsonl.pictures/input/contrast-5").rglob("*.png"))
        assert (cv2.imread(str(shown)) == 77).all()


@pytest.mark.process
def test_a_change_of_ones_own(parts, judged, tmp_path):
    more = {"protocol": {"corruptions": ["contrast"], "severities": [5]}, "seed": 3, "pictures": 1}
    _, records = judge(*parts, tmp_path / "r.jsonl", change=turn_grey, workers=1, **more)
    shown = next((tmp_path / "r.jsonl.pictures/input/contrast-5").rglob("*.png"))
    assert (cv2.imread(str(shown)) == 100).all()
    assert records["clean", 0]["metrics"] == judged[1]["clean", 0]["metrics"]
    assert records["contrast", 5]["metrics"] != records["clean", 0]["metrics"]
