"""Real weather in the loop: each condition against the ordinary test on its set, resumed, and what is refused."""

import shutil

import cv2
import pytest
from helpers.mini_weather import write_mini_weather
from helpers.tiny_robustness import make_runner, write_parts

from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import ProtocolError
from mmfan.evaluation.results.pictures import find_pictures
from mmfan.evaluation.results.store import ResultsStore, key_of

pytestmark = pytest.mark.slow
CONDITIONS = ("fog", "night", "rain", "snow")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    return *write_parts(folder), write_mini_weather(folder / "weather")


@pytest.fixture(scope="module")
def found(parts, tmp_path_factory):
    """Scores of the loop, and the file of the records: fog corrupted, then all four conditions."""
    results = tmp_path_factory.mktemp("found") / "r.jsonl"
    return judged(parts, results, protocol={"corruptions": {"fog": [1]}})[0], results


def judged(parts, results, options=None, **more):
    """Scores, and the records by the words of their cells."""
    config, checkpoint, weather = parts
    runner = make_runner(
        config, checkpoint, results.parent / "work", options, results=str(results),
        **{"weather": {"acdc": str(weather)}, **more},
    )  # fmt: skip
    scores = runner.test()
    return scores, {str(key_of(record)[1]): record for record in ResultsStore(results).records()}


def ordinary(parts, kind, work, **dataset):
    """What mmsegmentation's own test gives on a data set."""
    from mmfan.apis import build_runner, load_config

    config, checkpoint, weather = parts
    cfg = load_config(config)
    own = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = {"type": kind, "data_root": str(weather), "pipeline": own.pipeline, **dataset}
    return build_runner(cfg, work_dir=work, checkpoint=checkpoint).test()


def test_a_condition_is_what_the_ordinary_test_on_its_set_says(parts, found, tmp_path):
    records = {str(key_of(record)[1]): record for record in ResultsStore(found[1]).records()}
    assert list(records) == ["clean", "fog 1", *(f"{name} of acdc" for name in CONDITIONS)]
    scores = ordinary(parts, "mmfan.ACDCDataset", tmp_path, split="val", condition="night")
    assert 100 * records["night of acdc"]["metrics"]["aAcc"] == pytest.approx(scores["aAcc"], abs=0.01)
    assert len({record["metrics"]["aAcc"] for record in records.values()}) == 6
    entry = records["snow of acdc"]
    assert (entry["corruption"], entry["severity"]) == ("clean", 0)
    assert (entry["condition"]["kind"], entry["condition"]["name"]) == ("weather", "snow")
    settings = entry["condition"]["settings"]
    assert {key: settings[key] for key in ("set", "split", "reference")} == {
        "set": "acdc", "split": "val", "reference": "clean",
    }  # fmt: skip
    assert settings["contents"].startswith("2-")
    assert len({one["condition"]["settings"]["contents"] for one in list(records.values())[2:]}) == 4
    assert len({key_of(record)[0] for record in records.values()}) == 1  # all are of one run
    counts = ResultsStore(found[1]).read_counts(entry)
    assert [name.rpartition("/")[2] for name in counts.pictures] == [
        f"{town}_snow_frame_{at:06d}_rgb_anon.png" for at, town in enumerate(("falkenrode", "mohnstadt"))
    ]
    assert all(name.startswith("snow/val/") for name in counts.pictures)


def test_the_family_has_a_mean_of_its_own(found):
    scores, results = found
    records = {str(key_of(record)[1]): record["metrics"]["aAcc"] for record in ResultsStore(results).records()}
    mean = sum(records[f"{name} of acdc"] for name in CONDITIONS) / 4
    key = next(name for name in scores if name.endswith("reference clean, set acdc, split val/corrupted/aAcc"))
    assert scores[key] == pytest.approx(mean)
    assert scores["corrupted/aAcc"] == records["fog 1"]
    assert scores[key.replace("corrupted", "retention")] == pytest.approx(mean / records["clean"])


def test_a_killed_run_goes_on_with_other_batches_and_workers(parts, found, tmp_path):
    lines = found[1].read_text().splitlines(keepends=True)
    (tmp_path / "r.jsonl").write_text("".join(lines[:3]))
    again, records = judged(
        parts,
        tmp_path / "r.jsonl",
        {"test_dataloader.batch_size": 3},
        protocol={"corruptions": {"fog": [1]}},
        workers=1,
    )
    assert again == found[0]
    whole = {str(key_of(record)[1]): record for record in ResultsStore(found[1]).records()}
    assert [one["condition"] for one in list(records.values())[2:]] == [
        one["condition"] for one in list(whole.values())[2:]
    ]
    assert [one["metrics"] for one in records.values()] == [one["metrics"] for one in whole.values()]


def test_reference_frames_are_held_against(parts, tmp_path):
    place = {"root": str(parts[2]), "conditions": ["night"], "reference": "frames"}
    more = {"weather": {"acdc": place}, "limit": 5, "pictures": 1}
    scores, records = judged(parts, tmp_path / "r.jsonl", protocol="clean", **more)
    [picture] = find_pictures(
        [(tmp_path / "r.jsonl", records["night of acdc"]["model"])], [key_of(records["night of acdc"])[1]]
    )
    assert picture.name.startswith("acdc/night/night/val/")
    file = next((parts[2] / "gt/night/val").rglob(f"{picture.name.rpartition('/')[2][:-9]}_gt_labelTrainIds.png"))
    assert (picture.truth == cv2.imread(str(file), cv2.IMREAD_UNCHANGED)).all()
    assert picture.cells[0].predictions[0].shape == picture.truth.shape
    assert list(records) == ["reference frames of acdc", "night of acdc"]
    settings = records["night of acdc"]["condition"]["settings"]
    reference = records["reference frames of acdc"]["condition"]["settings"]
    assert settings["frames"] == reference["frames"] == reference["contents"] != settings["contents"]
    assert reference["contents"].startswith("5-")  # of the eight of all conditions
    assert settings["contents"].startswith("2-")
    clean, night = (records[f"{one} of acdc"]["metrics"]["aAcc"] for one in ("reference frames", "night"))
    assert scores["retention/aAcc"] == pytest.approx(night / clean)


def test_other_labels_are_another_cell(parts, found, tmp_path):
    other = shutil.copytree(parts[2], tmp_path / "weather")
    label = next((other / "gt/fog/val").rglob("*labelTrainIds.png"))
    cv2.imwrite(str(label), 0 * cv2.imread(str(label), cv2.IMREAD_UNCHANGED))
    shutil.copy(found[1], tmp_path / "r.jsonl")
    shutil.copytree(f"{found[1]}.counts", tmp_path / "r.jsonl.counts")
    judged((*parts[:2], other), tmp_path / "r.jsonl", protocol={"corruptions": {"fog": [1]}})
    records = ResultsStore(tmp_path / "r.jsonl").records()
    assert [str(key_of(record)[1]) for record in records[6:]] == ["fog of acdc"]
    assert records[6]["metrics"] != records[2]["metrics"]


def test_a_set_of_ones_own_and_what_is_refused(parts, tmp_path):
    own = {"type": "mmfan.ACDCDataset", "data_root": str(parts[2]), "condition": "rain"}
    _, records = judged(parts, tmp_path / "r.jsonl", protocol="clean", weather={"mine": {"wet": own}})
    assert list(records) == ["clean", "wet of mine"]
    assert records["wet of mine"]["condition"]["settings"].keys() == {"set", "reference", "contents"}
    with pytest.raises(ProtocolError, match="no set of real weather 'acdx'"):
        judged(parts, tmp_path / "r.jsonl", weather={"acdx": "here"})
    with pytest.raises(FileNotFoundError, match="ACDC is at"):
        judged(parts, tmp_path / "r.jsonl", weather={"acdc": str(tmp_path)})
    with pytest.raises(
        MMFanError, match=r"coco_o has objects and no label maps: segmentors are judged on acdc, dark_z"
    ):
        judged(parts, tmp_path / "r.jsonl", weather={"coco_o": str(tmp_path)})
    protocol = {"conditions": [{"kind": "weather", "name": "fog", "strengths": [1], "settings": {"set": "acdc"}}]}
    with pytest.raises(ProtocolError, match=r"takes pictures of acdc: say where they are"):
        judged(parts, tmp_path / "r.jsonl", protocol=protocol, weather=None)
    with pytest.raises(MMFanError, match="has other classes than the clean pictures"):
        judged(
            parts, tmp_path / "r.jsonl",
            {"test_dataloader.dataset.metainfo": {"classes": ("road", "sky"), "palette": [[0, 0, 0], [1, 1, 1]]}},
        )  # fmt: skip
