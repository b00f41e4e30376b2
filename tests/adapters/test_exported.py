"""Exported networks: input and output of every form, with sessions of ONNX Runtime's documented form."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmfan.adapters import OnnxSegmentor, Preprocessing
from mmfan.errors import MMFanError

CLASSES = ["red", "green", "blue"]


class Session:
    """Scores a pixel by its red, green and blue; of the form of ``onnxruntime.InferenceSession``."""

    def __init__(self, shape=("n", 3, "h", "w"), kind="tensor(float)", form=lambda array: array, outputs=("y",)):
        self.shape, self.kind, self.form, self.outputs, self.seen = list(shape), kind, form, outputs, []

    def get_inputs(self):
        return [SimpleNamespace(name="x", shape=self.shape, type=self.kind)]

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in self.outputs]

    def get_modelmeta(self):
        return SimpleNamespace(custom_metadata_map={})

    def run(self, names, feed):
        assert names == [self.outputs[-1]]
        self.seen.append(feed["x"])
        return [self.form(feed["x"])]


def picture(height=40, width=48):
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 4, 0] = 200
    rgb[:, width // 4 : width // 2, 1] = 200
    rgb[:, width // 2 :, 2] = 200
    return rgb


def expected(height=40, width=48):
    return np.repeat([[0] * (width // 4) + [1] * (width // 4) + [2] * (width // 2)], height, 0)


@pytest.mark.parametrize(
    "form",
    [
        lambda array: array,
        lambda array: array.transpose(0, 2, 3, 1)[..., :3].transpose(0, 3, 1, 2).astype(np.float16),
        lambda array: np.concatenate((array, array[:, :1] * 0), 1)[:, :3].transpose(0, 2, 3, 1),
        lambda array: array.argmax(1),
        lambda array: array.argmax(1)[:, None].astype(np.uint8),
        lambda array: array.argmax(1)[..., None].astype(np.int32),
        lambda array: array[:, :, ::2, ::2].argmax(1),
    ],
)
def test_outputs(form):
    predict = OnnxSegmentor(Session(form=form), CLASSES)
    assert (predict(picture()) == expected()).all()


@pytest.mark.parametrize(
    ("shape", "kind", "seen", "dtype"),
    [
        (("n", 3, "h", "w"), "tensor(float)", (1, 3, 40, 48), np.float32),
        ((1, 3, 20, 24), "tensor(float16)", (1, 3, 20, 24), np.float16),
        ((None, 3, 80, None), "tensor(double)", (1, 3, 80, 96), np.float64),
        ((4, 3, 40, 48), "tensor(float)", (4, 3, 40, 48), np.float32),
        ((1, "h", "w", 3), "tensor(uint8)", (1, 40, 48, 3), np.uint8),
        ((-1, 40, 48, 3), "tensor(float)", (1, 40, 48, 3), np.float32),
    ],
)
def test_inputs(shape, kind, seen, dtype):
    size = (80, 96) if 80 in shape else None
    session = Session(shape, kind, form=lambda array: array.astype(np.float32))
    labels = OnnxSegmentor(session, CLASSES, Preprocessing(size=size))(picture())
    assert session.seen[0].shape == seen
    assert session.seen[0].dtype == dtype
    top = 200 if dtype == np.uint8 else 200 / 255
    assert session.seen[0].max() == pytest.approx(top, rel=1e-3)
    assert (labels == expected()).mean() > 0.95
    assert labels.shape == (40, 48)


def test_a_fixed_batch_is_filled_up():
    session = Session((2, 3, "h", "w"))
    found = OnnxSegmentor(session, CLASSES)([picture()] * 3)
    assert [seen.shape[0] for seen in session.seen] == [2, 2]
    assert [(one == expected()).all() for one in found] == [True] * 3


def test_a_batch_of_one_takes_pictures_one_by_one():
    session = Session((1, 3, "h", "w"))
    found = OnnxSegmentor(session, CLASSES)([picture(), picture(20, 40)])
    assert [seen.shape for seen in session.seen] == [(1, 3, 40, 48), (1, 3, 20, 40)]
    assert (found[1] == expected(20, 40)).all()


@pytest.mark.parametrize("form", [lambda array: array, lambda array: array.argmax(1)])
def test_padding_is_undone(form):
    session = Session(form=lambda array: form(array[:, :, ::2, ::2]))
    labels = OnnxSegmentor(session, CLASSES, Preprocessing(divisor=32))(picture(40, 40))
    assert session.seen[0].shape == (1, 3, 64, 64)
    assert labels.shape == (40, 40)
    assert (labels == expected(40, 40)).all()


def test_numbers_are_those_of_torch():
    """Blended as torch does it: half pixels, no aligned corners."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(1, 3, 7, 9)).astype(np.float32)
    for height, width in ((40, 48), (5, 6)):
        labels = OnnxSegmentor(Session(form=lambda _: scores), CLASSES)(picture(height, width))
        blended = torch.nn.functional.interpolate(torch.from_numpy(scores), (height, width), mode="bilinear")[0]
        top = blended.sort(0)[0]
        sure = (top[-1] - top[-2] > 1e-4).numpy()
        assert (labels == blended.argmax(0).numpy())[sure].all()
        assert sure.mean() > 0.95


def test_classes_and_outputs_by_name():
    session = Session(outputs=("aux", "main"))
    labels = OnnxSegmentor(session, CLASSES, classes=["blue", "red", "green"], output="main")(picture())
    assert labels[0, [0, 13, 40]].tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("session", "more", "words"),
    [
        (Session(("n", "c", "h", "w")), {}, "does not say where the channels are: give `layout`"),
        (Session((1, 3, 3, 3)), {}, "give `layout`"),
        (Session(("n", 3, "h", "w")), {"layout": "HWC"}, "`layout` to be NCHW or NHWC"),
        (Session((1, 3, 40, 48)), {"layout": "NHWC"}, "pictures of 3 channels, got 'x', float32 (1, 3, 40, 48)"),
        (Session((3, 40, 48)), {}, "to take pictures (N, C, H, W) or (N, H, W, C), got 'x', float32 (3, 40, 48)"),
        (Session((1, 1, 40, 48)), {}, "pictures of 3 channels"),
        (Session(kind="tensor(int64)"), {}, "floats or bytes (uint8), got tensor(int64) of 'x'"),
        (Session(kind="tensor(uint8)"), {"preprocessing": Preprocessing(std=(1, 1, 1))}, "leave `mean` and `std` out"),
        (Session((1, 3, 40, 48)), {"preprocessing": Preprocessing(size=(40, 40))}, "give a `size` that fits it"),
        (Session((1, 3, 40, "w")), {}, "give a `size` that fits it, got None"),
        (Session((1, 3, 40, 48)), {"preprocessing": Preprocessing(divisor=32)}, "no multiple of 32"),
        (Session(outputs=("a", "b")), {}, "several outputs: give one of 'a', 'b' as `output`"),
        (Session(), {"output": "z"}, "no output 'z'"),
        (Session(), {"classes": ["red", "blue"]}, "green, not among those of the model: red, blue"),
    ],
)
def test_what_does_not_fit_is_said_at_once(session, more, words):
    with pytest.raises(MMFanError) as error:
        OnnxSegmentor(session, CLASSES, **more)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (lambda array: array[:, :2], "scores of 3 classes, got 2 channels"),
        (lambda array: array[:, 0], "integers, got float32 (1, 40, 48)"),
        (lambda array: array.ravel(), "got float32 (5760,)"),
        (lambda array: array * np.nan, "not finite"),
    ],
)
def test_outputs_that_are_refused(form, words):
    with pytest.raises(MMFanError) as error:
        OnnxSegmentor(Session(form=form), CLASSES)(picture())
    assert words in str(error.value)


def test_too_many_channels_on_a_map_as_wide_as_there_are_classes():
    """Three classes and a background, of 3 x 3 pixels: no map of 4 x 3 whose channels come last."""
    session = Session(form=lambda array: np.concatenate((array, array[:, :1]), 1)[:, :, ::16, ::16])
    with pytest.raises(MMFanError, match="scores of 3 classes, got 4 channels"):
        OnnxSegmentor(session, CLASSES)(picture(48, 48))


@pytest.mark.parametrize("size", [(30, 40), (40, 30), (32, 46)])
def test_channels_last_on_a_map_as_high_as_there_are_classes(size):
    found = [
        OnnxSegmentor(Session(form=lambda array, axes=axes: array[:, :, 5::10, 5::10].transpose(axes)), CLASSES)(
            picture(*size)
        )
        for axes in ((0, 1, 2, 3), (0, 2, 3, 1))
    ]
    assert (found[0] == found[1]).all()
    assert found[0][0, [0, -1]].tolist() == [0, 2]


def test_several_inputs():
    session = Session()
    session.get_inputs = lambda: [SimpleNamespace(name=name) for name in "ab"]
    with pytest.raises(MMFanError, match="one input, the pictures, got 2"):
        OnnxSegmentor(session, CLASSES)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.onnx does not exist"):
        OnnxSegmentor(tmp_path / "a.onnx", CLASSES)
