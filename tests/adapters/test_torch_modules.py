"""Modules of torch: what they get, what becomes of what they return, and the same records as OpenMMLab's loop."""

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from helpers.tiny_pictures import CLASSES, PROTOCOL, by_brightness, write_folders

from mmfan import SegmentationData, judge
from mmfan.adapters import Preprocessing, TorchClassifier, TorchDetector, TorchSegmentor
from mmfan.errors import MMFanError

IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375), "white": 255}


class Brightness(torch.nn.Module):
    """Scores of sky, road and car from the mean of the channels; keeps what it saw."""

    def __init__(self, stride=1, form=lambda scores: scores):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.stride, self.form, self.seen = stride, form, []

    def forward(self, pictures):
        self.seen.append((pictures.detach(), self.training, torch.is_grad_enabled()))
        grey = pictures.mean(1, keepdim=True)[..., :: self.stride, :: self.stride]
        return self.form(torch.cat((grey - 155, 25 - abs(grey - 130), 70 - grey), 1) * self.weight)


def picture(height=40, width=48, value=200):
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data")), CLASSES, name="street")


def wrapped(module, **more):
    return TorchSegmentor(module, CLASSES, Preprocessing(white=255), **more)


def test_what_the_module_gets():
    module = Brightness()
    rgb = np.dstack([np.full((33, 40), value, np.uint8) for value in (10, 20, 250)])
    predict = TorchSegmentor(module.train(), CLASSES, Preprocessing(**IMAGENET, bgr=True, divisor=32))
    predict(rgb)
    seen, training, grad = module.seen[0]
    assert seen.shape == (1, 3, 64, 64)
    assert (training, grad) == (False, False)
    assert seen[0, :, 32, 39].tolist() == pytest.approx(
        [(250 - 103.53) / 57.375, (20 - 116.28) / 57.12, (10 - 123.675) / 58.395]
    )
    assert (seen[0, :, 33:] == 0).all()
    assert (seen[0, :, :, 40:] == 0).all()
    own = predict._module.preprocessing.array(rgb)
    assert torch.equal(seen[0], torch.from_numpy(own.transpose(2, 0, 1).copy()))
    module.train()  # a training goes on between two judgements
    predict(rgb)
    assert module.seen[1][1:] == (False, False)


@pytest.mark.parametrize(
    ("form", "output"),
    [
        (lambda scores: scores, None),
        (lambda scores: {"out": scores, "aux": None}, None),
        (lambda scores: Held(scores), None),
        (lambda scores: {"seg": scores}, "seg"),
        (lambda scores: (None, scores), lambda found: found[1]),
        (lambda scores: scores.argmax(1), None),
        (lambda scores: {"out": scores.argmax(1).int()}, None),
    ],
)
def test_forms(form, output):
    rgb = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype(np.uint8)
    labels = wrapped(Brightness(form=form), output=output)(rgb)
    grey = rgb.mean(2)
    scores = np.stack((grey - 155, 25 - abs(grey - 130), 70 - grey))
    sure = np.sort(scores, 0)[-1] - np.sort(scores, 0)[-2] > 1e-3
    assert labels.shape == (40, 48)
    assert (labels == scores.argmax(0))[sure].all()
    assert sure.mean() > 0.95
    assert set(np.unique(labels)) == {0, 1, 2}


class Held:
    """An output with the scores as an attribute."""

    def __init__(self, logits):
        self.logits = logits


def test_scores_are_brought_to_the_pictures_size():
    """A ramp at a quarter of the size, blended, changes over where mmsegmentation's resize does."""
    rgb = np.repeat(np.repeat(np.linspace(0, 255, 12).astype(np.uint8)[None], 8, 0)[..., None], 3, 2)
    rgb = rgb.repeat(4, 0).repeat(4, 1)
    labels = wrapped(Brightness(stride=4))(rgb)
    grey = torch.from_numpy(rgb[::4, ::4].mean(2))[None, None].float()
    scores = torch.cat((grey - 155, 25 - abs(grey - 130), 70 - grey), 1)
    expected = torch.nn.functional.interpolate(scores, (32, 48), mode="bilinear").argmax(1)[0]
    assert (labels == expected.numpy()).mean() > 0.99
    assert len(np.unique(labels)) == 3


def test_class_numbers_are_not_blended():
    rgb = picture(8, 8, 0)
    rgb[:, 4:] = 255
    small = wrapped(Brightness(stride=4, form=lambda scores: scores.argmax(1)))(rgb)
    assert small.tolist() == [[2] * 4 + [0] * 4] * 8


def test_size_and_padding_are_undone():
    rgb = picture(30, 50, 0)
    rgb[:, 25:] = 255
    predict = TorchSegmentor(Brightness(stride=2), CLASSES, Preprocessing(white=255, size=(60, 100), divisor=32))
    labels = predict(rgb)
    assert labels.shape == (30, 50)
    assert (labels[:, :24] == 2).all()
    assert (labels[:, 26:] == 0).all()


def test_batches_of_unlike_sizes():
    module = Brightness()
    first, second, third = wrapped(module)([picture(value=200), picture(20, 30, 20), picture(value=120)])
    assert (first == 0).all()
    assert second.shape == (20, 30)
    assert (second == 2).all()
    assert (third == 1).all()
    assert [tuple(seen.shape) for seen, *_ in module.seen] == [(2, 3, 40, 48), (1, 3, 20, 30)]


def test_precision():
    module = Brightness()
    labels = wrapped(module, device="cpu", dtype=torch.float64)(picture())
    assert module.seen[0][0].dtype == torch.float64
    assert (labels == 0).all()
    mixed = torch.nn.Conv2d(3, 3, 1)
    seen = []
    mixed.register_forward_hook(lambda _, __, found: seen.append(found.dtype))
    TorchSegmentor(mixed, CLASSES, autocast=torch.bfloat16)(picture())
    assert seen == [torch.bfloat16]


@pytest.mark.parametrize("kind", [TorchSegmentor, TorchClassifier])
def test_under_a_condition_the_module_computes_as_without(kind):
    """In its mixed precision, and in evaluation although somebody has trained it in between."""
    module = torch.nn.Conv2d(3, 3, 40 if kind is TorchClassifier else 1)
    seen = []
    module.register_forward_hook(lambda one, _, found: seen.append((found.dtype, one.training)))
    given = {} if kind is TorchClassifier else {"data": CLASSES}
    predict = kind(module, **given, autocast=torch.bfloat16)
    truth = 1 if kind is TorchClassifier else np.ones((40, 40), np.int64)
    module.train()
    predict.predict_under(lambda step, batch: step(batch), [picture(40, 40)], [truth], ["a"])
    assert seen == [(torch.bfloat16, False)]


def test_parts_that_were_put_in_later_do_not_train():
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1)).eval()
    module.append(torch.nn.BatchNorm2d(3))
    TorchSegmentor(module, CLASSES)(picture())
    assert module[1].running_mean.tolist() == [0, 0, 0]
    assert int(module[1].num_batches_tracked) == 0


@pytest.mark.parametrize("kind", ["export", "freeze"])
def test_recorded_modules(kind):
    """Of torch.export and frozen TorchScript, which have no `eval()` or do not say whether they train."""
    plain = torch.nn.Conv2d(3, 3, 1).eval()
    example = torch.zeros(1, 3, 40, 48)
    recorded = (
        torch.export.export(plain, (example,)).module()
        if kind == "export"
        else torch.jit.freeze(torch.jit.trace(plain, example))
    )
    found, expected = (TorchSegmentor(one, CLASSES)(picture()) for one in (recorded, plain))
    assert (found == expected).all()


def test_an_error_of_ones_own_in_eval_is_not_passed_over():
    class Own(Brightness):
        def train(self, mode=True):
            raise NotImplementedError("no other mode")

    with pytest.raises(NotImplementedError, match="no other mode"):
        TorchSegmentor(Own(), CLASSES)


def test_classes_by_name():
    labels = wrapped(Brightness(), classes=["sky", "car", "ROAD"])([picture(value=120), picture(value=10)])
    assert [int(one[0, 0]) for one in labels] == [2, 1]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (lambda scores: scores[:, :2], "Expected scores of 3 classes, got 2 channels"),
        (lambda scores: {"masks": scores}, "dict with masks. Say by `output`"),
        (lambda scores: [scores], "got list"),
        (lambda scores: scores[0], "integers, got torch.float32 (3, 40, 48)"),
        (lambda scores: scores[:, 0], "(N, h, w), integers, got torch.float32 (1, 40, 48)"),
        (lambda scores: scores * float("nan"), "not finite"),
        (lambda scores: scores[:0], "to return 1 predictions"),
    ],
)
def test_what_is_refused(form, words):
    with pytest.raises(MMFanError) as error:
        wrapped(Brightness(form=form))(picture())
    assert words in str(error.value)


def test_what_is_no_module():
    with pytest.raises(MMFanError, match=r"Expected a torch\.nn\.Module, got function"):
        TorchSegmentor(by_brightness, CLASSES)


def test_judging(data):
    found = judge(wrapped(Brightness()), data, PROTOCOL, workers=0, batch_size=2, verbose=False)
    assert found.clean > 0.9
    assert 0 < found.retention < 1


class Finder(torch.nn.Module):
    """Finds in each picture two objects and a half: a car, a thing the data do not have, and a person."""

    def __init__(self, change=lambda found: found):
        super().__init__()
        self.change, self.seen = change, []

    def forward(self, pictures):
        self.seen.append(pictures)
        found = []
        for one in pictures:
            masks = torch.zeros(3, 1, *one.shape[1:])
            masks[0, 0, :2, :3], masks[2, 0, 5, 5] = 0.7, 0.4
            boxes = torch.tensor([[0.0, 0, 3, 2], [1, 1, 2, 2], [5, 5, 6, 6]])
            found.append(self.change({"boxes": boxes, "labels": torch.tensor([3, 2, 1]), "masks": masks,
                                      "scores": torch.tensor([0.9, 0.5, 0.25])}))  # fmt: skip
        return found


CATEGORIES = ["__background__", "person", "kite", "car"]


def test_objects():
    module = Finder()
    predict = TorchDetector(module, ["car", "person"], classes=CATEGORIES)
    one, other = predict([picture(20, 30, 255), picture(10, 30, 0)])
    assert [tuple(tensor.shape) for seen in module.seen for tensor in seen] == [(3, 20, 30), (3, 10, 30)]
    assert float(module.seen[0][0].min()) == 1
    assert one.boxes.tolist() == [[0, 0, 3, 2], [5, 5, 6, 6]]
    assert one.scores.tolist() == pytest.approx([0.9, 0.25])
    assert one.labels.tolist() == [0, 1]
    assert one.masks.dtype == bool
    assert one.masks.shape == (2, 20, 30)
    assert one.masks[0].sum() == 6
    assert one.masks[0, :2, :3].all()
    assert not one.masks[1].any()
    assert other.masks.shape == (2, 10, 30)
    assert predict(picture(20, 30)).labels.tolist() == [0, 1]


def test_nothing_found():
    empty = lambda found: {name: part[:0] for name, part in found.items()}  # noqa: E731
    found = TorchDetector(Finder(empty), ["car"], classes=CATEGORIES)(picture())
    assert found.boxes.shape == (0, 4)
    assert found.masks.shape == (0, 40, 48)


def test_objects_that_are_refused():
    def left_out(found):
        del found["labels"]
        return found

    with pytest.raises(MMFanError, match="dicts with boxes, scores, labels, got boxes, masks, scores"):
        TorchDetector(Finder(left_out), ["car"], classes=CATEGORIES)(picture())
    with pytest.raises(MMFanError, match="a list of 1 dicts, got Tensor"):
        TorchDetector(Scores(), ["car"])(picture())
    with pytest.raises(MMFanError, match="leave `size`"):
        TorchDetector(Finder(), ["car"], Preprocessing(size=(9, 9)))
    with pytest.raises(MMFanError, match="1 class of 1 in the data, dog,"):
        TorchDetector(Finder(), ["dog"], classes=CATEGORIES)


class Scores(torch.nn.Module):
    """What a segmentor would return."""

    def forward(self, pictures):
        return torch.ones(1)


@pytest.mark.slow
def test_a_segmentor_of_mmsegmentation_has_the_records_of_the_loop(tmp_path):
    """FAN, with the module adapter and by OpenMMLab's own loop: equal scores and counts, to the last digit."""
    pytest.importorskip("mmseg")
    from helpers.tiny_robustness import CELLS, write_parts
    from helpers.tiny_robustness import PROTOCOL as CELLS_OF
    from helpers.tiny_robustness import judge as judge_by_loop

    from mmfan.apis import init_model
    from mmfan.evaluation.results.store import ResultsStore

    config, checkpoint = write_parts(tmp_path / "parts")
    _, expected = judge_by_loop(config, checkpoint, tmp_path / "loop.jsonl")
    data = SegmentationData.cityscapes(tmp_path / "parts/data")
    predict = TorchSegmentor(init_model(config, checkpoint, device="cpu"), data, Preprocessing(**IMAGENET))
    judge(predict, data, CELLS_OF, tmp_path / "own.jsonl", batch_size=1, workers=0, verbose=False)
    own, other = ResultsStore(tmp_path / "own.jsonl"), ResultsStore(tmp_path / "loop.jsonl")
    found = {(one["corruption"], one["severity"]): one for one in own.records()}
    assert list(found) == CELLS == list(expected)
    for cell, record in found.items():
        for part in ("metrics", "per_class", "classes", "dataset", "seed", "pictures", "contents_hash", "truth_hash"):
            assert record.get(part) == expected[cell].get(part), (cell, part)
        assert (own.read_counts(record).counts == other.read_counts(expected[cell]).counts).all()
    assert 0 < found["clean", 0]["metrics"]["aAcc"] < 1
