"""Flips within sequences, of a classifier that tells dark, grey and bright."""

import json

import cv2
import numpy as np
import pytest
from helpers.tiny_classes import by_level

from mmfan.cli import main
from mmfan.errors import MMFanError
from mmfan.evaluation.function import judge_imagenet_p
from mmfan.evaluation.metrics.perturbation_flips import FlipProbabilities, Flips, flips_of_sequence

# levels of the frames; classes by_level: 210 is 0, 120 is 1, 30 is 2
SEQUENCES = {
    "gaussian_noise/n01/a": [210, 120, 210, 30],  # from the first: 2 of 3
    "gaussian_noise/n02/b": [120, 120, 120, 120],  # 0 of 3
    "rotate/n01/a": [210, 120, 120, 30],  # from the one before: 2 of 3
}


def frame(level):
    return np.full((48, 48, 3), level, np.uint8)


@pytest.fixture
def stored(tmp_path):
    for name, levels in SEQUENCES.items():
        (tmp_path / "p" / name).mkdir(parents=True)
        for number, level in enumerate(levels):
            cv2.imwrite(str(tmp_path / "p" / name / f"{number:02d}.png"), frame(level))
    return tmp_path / "p"


def test_frames_of_reference():
    answers = [0, 1, 0, 2, 0]
    assert flips_of_sequence(answers, noise=True) == Flips(2, 4)
    assert flips_of_sequence(answers, noise=False) == Flips(4, 4)
    assert flips_of_sequence(answers, noise=False, distance=2) == Flips(1, 3)
    assert flips_of_sequence(answers, noise=False, distance=9) == Flips(0, 0)


def test_probabilities_by_type(stored):
    found = judge_imagenet_p(by_level, stored)
    assert found.by_type == {"gaussian_noise": Flips(2, 6), "rotate": Flips(2, 3)}
    assert found.mean == pytest.approx((1 / 3 + 2 / 3) / 2)
    batches = judge_imagenet_p(lambda pictures: [by_level(one) for one in pictures], stored, batch_size=3)
    assert batches == found
    assert judge_imagenet_p(by_level, stored, distance=2).by_type["rotate"] == Flips(2, 2)
    assert judge_imagenet_p(by_level, stored, limit=1).sequences == {"gaussian_noise": 1, "rotate": 1}


def test_what_was_killed_goes_on_with_the_next_sequence(stored, tmp_path):
    calls = []

    def counted(rgb):
        calls.append(int(rgb.mean()))
        if len(calls) == 7:
            raise KeyboardInterrupt
        return by_level(rgb)

    place = tmp_path / "kept.jsonl"
    with pytest.raises(KeyboardInterrupt):
        judge_imagenet_p(counted, stored, kept=place, version="a")
    assert [json.loads(line)["sequence"] for line in place.read_text().splitlines()] == ["gaussian_noise/n01/a"]
    assert judge_imagenet_p(counted, stored, kept=place, version="a") == judge_imagenet_p(by_level, stored)
    assert len(calls) == 7 + 8  # not those of the first sequence again
    # other versions and distances are none of these
    assert judge_imagenet_p(by_level, stored, kept=place, distance=2, version="a").by_type["rotate"] == Flips(2, 2)
    assert len(place.read_text().splitlines()) == 6


def test_another_model_does_not_go_on(stored, tmp_path):
    place = tmp_path / "kept.jsonl"
    first = judge_imagenet_p(by_level, stored, kept=place)
    assert judge_imagenet_p(by_level, stored, kept=place) == first
    with pytest.raises(MMFanError, match="sequences of another model"):
        judge_imagenet_p(lambda rgb: by_level(rgb)[::-1], stored, kept=place)


def test_rates_are_over_those_of_another_model():
    found = FlipProbabilities({"snow": Flips(1, 4), "tilt": Flips(1, 2)}, {"snow": 1, "tilt": 1})
    assert found.rates({"snow": 0.5, "tilt": 0.25}) == {"snow": 0.5, "tilt": 2.0, "mFR": 1.25}
    own = found.to_dict()["by_type"]
    assert found.rates(own)["mFR"] == 1
    with pytest.raises(MMFanError, match="no flips of tilt"):
        found.rates({"snow": 0.5})


def test_films_are_read(tmp_path):
    (tmp_path / "scale" / "n01").mkdir(parents=True)
    film = cv2.VideoWriter(str(tmp_path / "scale/n01/a.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (48, 48))
    if not film.isOpened():
        pytest.skip("this OpenCV writes no films")
    for level in (210, 210, 30, 30, 30):
        film.write(frame(level))
    film.release()
    assert judge_imagenet_p(by_level, tmp_path).by_type == {"scale": Flips(1, 4)}
    (tmp_path / "scale" / "n01" / "a.mp4").write_bytes(b"no film at all")
    with pytest.raises(MMFanError, match="cannot be decoded"):
        judge_imagenet_p(by_level, tmp_path)


def test_what_is_no_set(tmp_path, stored):
    with pytest.raises(FileNotFoundError, match="expected folders of types"):
        judge_imagenet_p(by_level, tmp_path)
    with pytest.raises(MMFanError, match=r"\(K,\) of floats"):
        judge_imagenet_p(lambda _: 3, stored)
    with pytest.raises(MMFanError, match="too few frames"):
        judge_imagenet_p(by_level, stored, distance=4)


def test_the_command(stored, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("from helpers.tiny_classes import by_level\n")
    words = ["judge", "--classifier", "own.py:by_level", "--imagenet-p", str(stored)]
    assert main([*words, "--results", "a.json"]) == 0
    kept = json.loads((tmp_path / "a.json").read_text())
    assert kept["by_type"] == {"gaussian_noise": pytest.approx(1 / 3), "rotate": pytest.approx(2 / 3)}
    assert "50.00 %" in capsys.readouterr().out
    assert main([*words, "--results", "b.json", "--flip-reference", "a.json"]) == 0
    assert json.loads((tmp_path / "b.json").read_text())["rates"]["mFR"] == pytest.approx(1)
    assert "mFR 100.00 %" in capsys.readouterr().out
