"""Real weather in ``judge``: each condition against pictures judged by themselves, resumed, reported, refused."""

import numpy as np
import pytest
from helpers.mini_weather import write_mini_weather
from helpers.tiny_pictures import CLASSES, write_folders
from PIL import Image

from mmfan import SegmentationData, judge
from mmfan.corruptions.cell import Cell
from mmfan.datasets.cityscapes_labels import TRAIN_CLASSES
from mmfan.datasets.miniature import write_cityscapes
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.items import read_picture
from mmfan.evaluation.judging.weather import weather_conditions
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.page.embedded import gallery
from mmfan.evaluation.report.runs.choice import choose_families, choose_protocol
from mmfan.evaluation.results.pictures import find_pictures
from mmfan.evaluation.results.store import ResultsStore
from mmfan.evaluation.summary import SummaryError
from mmfan.evaluation.summary.uncertainty.from_counts import scores_from_counts

QUICK = {"workers": 0, "verbose": False}


def predict(rgb):
    """Something that depends on the picture: its brightness, as one of 19 classes."""
    return (rgb.mean(axis=2) // 14).astype(int)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    write_mini_weather(folder / "weather", val=3)
    write_cityscapes(folder / "city", train=0, val=3, size=(96, 64), workers=1)
    return folder


@pytest.fixture(scope="module")
def data(root):
    return SegmentationData.cityscapes(root / "city")


def of_condition(root, name, kind=""):
    """Pictures of one condition as data of their own."""
    suffix = "_ref" if kind else ""
    return SegmentationData(
        root / f"weather/rgb_anon/{name}/val{suffix}", root / f"weather/gt/{name}/val{suffix}", TRAIN_CLASSES,
        image_suffix=f"_rgb{suffix}_anon.png", label_suffix=f"_gt{suffix}_labelTrainIds.png",
    )  # fmt: skip


def metrics_of(found):
    return [record["metrics"] for record in found.records]


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 0), (2, 1)])
def test_a_condition_is_judged_on_pictures_of_its_own(batch_size, workers, root, data, tmp_path):
    model = predict if batch_size == 1 else lambda pictures: [predict(one) for one in pictures]
    found = judge(
        model, data, "clean", tmp_path / "r.jsonl", weather={"acdc": root / "weather"}, batch_size=batch_size,
        verbose=False, workers=workers,
    )  # fmt: skip
    assert [str(cell) for cell in found.protocol.judged] == [
        "clean", "fog of acdc", "night of acdc", "rain of acdc", "snow of acdc",
    ]  # fmt: skip
    alone = [judge(predict, of_condition(root, name), "clean", **QUICK) for name in ("fog", "night", "rain", "snow")]
    clean = judge(predict, data, "clean", **QUICK)
    assert metrics_of(found) == [metrics_of(one)[0] for one in (clean, *alone)]
    assert len({one["aAcc"] for one in metrics_of(found)}) == 5
    mean = sum(one["aAcc"] for one in metrics_of(found)[1:]) / 4
    assert found.summary_of("aAcc").corrupted == pytest.approx(mean)
    assert found.summary_of("aAcc").retention == pytest.approx(mean / found.records[0]["metrics"]["aAcc"])
    counts = ResultsStore(tmp_path / "r.jsonl").read_counts(found.records[2])
    assert len(counts.pictures) == 3
    assert all(name.startswith("night/val/") for name in counts.pictures)


def test_a_killed_run_goes_on_and_more_conditions_are_added(root, data, tmp_path):
    path, seen = tmp_path / "r.jsonl", []

    def counting(rgb):
        seen.append(1)
        return predict(rgb)

    some = {"acdc": {"root": root / "weather", "conditions": ["fog"]}}
    first = judge(counting, data, "clean", path, weather=some, **QUICK)
    assert len(seen) == 1 + 6
    seen.clear()
    whole = judge(counting, data, "clean", path, weather={"acdc": root / "weather"}, **QUICK)
    assert len(seen) == 1 + 9  # fog and the clean pictures are there
    assert whole.records[:2] == first.records
    seen.clear()
    less = judge(counting, data, "clean", path, weather={"acdc": root / "weather"}, limit=2, **QUICK)
    assert len(seen) == 1 + 10
    assert [one["condition"]["settings"]["contents"][:2] for one in less.records[1:]] == ["2-"] * 4


def test_pictures_of_conditions_are_kept_with_their_truth(root, data, tmp_path):
    place = {"acdc": {"root": root / "weather", "conditions": ["night", "fog"]}}
    found = judge(predict, data, "clean", tmp_path / "r.jsonl", weather=place, pictures=2, **QUICK)
    places = [(tmp_path / "r.jsonl", "model")]
    shown = find_pictures(places, found.protocol.cells, limit=9)
    assert [[str(cell.cell) for cell in one.cells] for one in shown] == [
        ["clean"], ["clean"], ["fog of acdc"], ["night of acdc"], ["fog of acdc"], ["night of acdc"],
    ]  # fmt: skip
    night, fog = (of_condition(root, name) for name in ("night", "fog"))
    for one, (own, at) in zip(shown[2:], ((fog, 0), (night, 0), (fog, 2), (night, 2)), strict=True):
        item = own.item(at)
        assert one.name.endswith(item.name.removesuffix(".png"))
        rgb = read_picture(item)
        np.testing.assert_array_equal(one.cells[0].picture, rgb)
        np.testing.assert_array_equal(one.cells[0].predictions[0], predict(rgb))
        np.testing.assert_array_equal(one.truth, np.asarray(Image.open(item.truth)))
    # a report on corruptions shows those of weather neither, nor does it count them
    report = found.report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert page.count('data-said="fog of acdc"') == 1  # of four pictures the third
    assert [len(one.cells) for one in gallery(report, 3).pictures] == [1, 1, 1]
    assert find_pictures(places, [Cell("fog", 1)], limit=2)[0].name == shown[0].name


def test_reference_frames(root, data, tmp_path):
    place = {"acdc": {"root": root / "weather", "conditions": ["night", "rain"], "reference": "frames"}}
    found = judge(predict, data, "clean", tmp_path / "r.jsonl", weather=place, **QUICK)
    assert [str(cell) for cell in found.protocol.judged] == [
        "reference frames of acdc", "night of acdc", "rain of acdc",
    ]  # fmt: skip
    names = ("fog", "night", "rain", "snow")
    pooled = [
        (item.picture, item.truth, f"{name}{number}")
        for name in names
        for number, item in ((at, of_condition(root, name, "ref").item(at)) for at in range(3))
    ]
    expected = judge(predict, SegmentationData(pooled, classes=TRAIN_CLASSES), "clean", **QUICK)
    assert metrics_of(found)[0] == metrics_of(expected)[0]
    night = [metrics_of(judge(predict, of_condition(root, "night"), "clean", **QUICK))[0]["aAcc"]]
    assert found.summary_of("aAcc").by_corruption["night"] == night[0]
    assert found.summary_of("aAcc").clean == metrics_of(expected)[0]["aAcc"]


def test_two_families_in_one_file_and_one_report(root, data, tmp_path):
    path = tmp_path / "r.jsonl"
    protocol = {"name": "both", "corruptions": {"contrast": [1]}, "conditions": weather_conditions("acdc", ["fog"])}
    found = judge(predict, data, protocol, path, weather={"acdc": root / "weather"}, **QUICK)
    judge(predict, data, "clean", path, weather={"acdc": root / "weather"}, **QUICK)
    assert [family.size for family in found.protocol.families] == [1, 1]
    runs = read_runs([path])
    chosen = choose_protocol(runs)
    assert chosen.corruptions == ("contrast",)
    report = build_report(runs, chosen, families=choose_families(runs, chosen), partial=True)
    [section] = report.sections
    assert section.title == "Real weather: weather, reference clean, set acdc, split val"
    assert "Held against the clean pictures of the set that the model was trained on." in section.text
    assert section.numbers[0]["cells"] == 4
    assert [row[0] for table in section.tables if "by condition" in table.title for row in table.rows][1:5] == [
        "fog", "night", "rain", "snow",
    ]  # fmt: skip
    scores = {record["condition"]["name"]: record["metrics"]["aAcc"] for record in runs[0].records[2:]}
    assert set(scores) == {"fog", "night", "rain", "snow"}


def test_classes_of_each_set_and_intervals(data, tmp_path):
    """A condition whose truth holds two classes is averaged over these, and is drawn by itself."""
    pictures = {"few": [], "many": []}
    for number in range(len(data)):
        item = data.item(number)
        pictures["many"].append((item.picture, item.truth, item.name))
    for number in range(5):
        rgb = read_picture(data.item(number % 3))
        truth = predict(rgb)
        truth[(truth < 7) | (truth > 8)] = 255
        pictures["few"].append((rgb, truth, f"few{number}"))
    place = {"mine": {name: SegmentationData(entries, classes=TRAIN_CLASSES) for name, entries in pictures.items()}}
    found = judge(predict, data, "clean", tmp_path / "r.jsonl", weather=place, **QUICK)
    assert found.summary.scores["few"][1] == 1  # its two classes are right
    assert found.summary.scores["many"][1] == pytest.approx(found.clean)
    report = found.report(tmp_path / "r.md")
    note = next(note for note in report.notes if "the truth of each set holds" in note)
    assert note.startswith("Means are over the classes that the truth of each set holds: the clean reference 1")
    assert note.endswith("few of mine 2.")
    intervals = report.models[0].intervals
    assert intervals.by_corruption["few"] == (1, 1)
    assert intervals.by_corruption["many"][0] < found.clean < intervals.by_corruption["many"][1]
    drawn = scores_from_counts(report.models[0].run.files, found.protocol, "mIoU").drawn
    assert drawn.whole["clean"] == found.clean
    assert (drawn.by_corruption["many"] != drawn.clean).any()  # the same pictures, drawn anew


def test_clean_cells_of_other_labels_are_still_an_error(data, tmp_path):
    found = judge(predict, data, {"corruptions": {"contrast": [1]}}, tmp_path / "r.jsonl", **QUICK)
    records = [dict(record) for record in found.records]
    records[1]["per_class"] = {**records[1]["per_class"], "Acc": dict.fromkeys(TRAIN_CLASSES, 0.5)}
    from mmfan.evaluation.summary import summarize

    with pytest.raises(SummaryError, match="holds other classes than that of clean"):
        summarize(records, {"corruptions": {"contrast": [1]}})


def test_what_is_refused(root, data, tmp_path):
    def refused(match, error=MMFanError, data=data, **place):
        with pytest.raises(error, match=match):
            judge(predict, data, "clean", tmp_path / "r.jsonl", weather=place, **QUICK)

    refused("no set of real weather 'fogs' that mmfan knows", fogs="x")
    refused("ACDC is at", FileNotFoundError, acdc=tmp_path)
    refused("ACDC has the conditions fog, night, rain, snow, got 'nigth'", acdc={"root": "x", "conditions": ["nigth"]})
    refused("labels of train, val, got the split 'test'", acdc={"root": root / "weather", "split": "test"})
    refused("no reference frames", muses={"root": "x", "reference": "frames"})
    refused("has root, conditions, split, reference, and no parts", acdc={"root": "x", "parts": 1})
    refused("coco_o has objects and no label maps", coco_o="x")
    other = SegmentationData(*write_folders(tmp_path / "other"), CLASSES)
    refused("has other classes than the clean pictures", mine={"fog": other})
    refused("has the 19 classes of Cityscapes, and the data has 3", data=other, acdc=root / "weather")
    mapped = SegmentationData.cityscapes(root / "city", label_map={0: 0})
    refused("are read otherwise than those of the clean", data=mapped, acdc=root / "weather")
    refused("as a dict condition -> data, got int", mine={"fog": 3})
