"""Small networks in ONNX's format whose predictions are known by hand: a pixel is of its brightest channel."""

from pathlib import Path

import numpy as np

CLASSES = ["red", "green", "blue"]


def write_network(path: Path, size=("h", "w"), labels: bool = False, kind: str = "FLOAT") -> Path:
    """A 1 x 1 convolution with the identity; with ``labels`` its highest channel, of bytes cast to floats first."""
    import onnx
    from onnx import TensorProto, helper

    kinds = {"FLOAT": TensorProto.FLOAT, "UINT8": TensorProto.UINT8}
    weight = helper.make_tensor("w", TensorProto.FLOAT, [3, 3, 1, 1], np.eye(3).ravel())
    nodes = [
        helper.make_node("Cast", ["x"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["values", "w"], ["scores"]),
    ]
    shape: list = ["n", 3, *size]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, shape)]
    if labels:
        nodes.append(helper.make_node("ArgMax", ["scores"], ["labels"], axis=1, keepdims=0))
        outputs = [helper.make_tensor_value_info("labels", TensorProto.INT64, ["n", *size])]
    inputs = [helper.make_tensor_value_info("x", kinds[kind], shape)]
    graph = helper.make_graph(nodes, "brightest", inputs, outputs, [weight])
    # versions that ONNX Runtime of three years reads
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def write_colours(folder: Path, count: int = 2) -> Path:
    """``images/N.png`` and ``labels/N.png``: three bands of colour, a strip of label 255, one band mislabelled."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(count):
        label = np.repeat(np.arange(3, dtype=np.uint8).repeat([16, 16, 24])[None], 40, 0)
        rgb = np.eye(3)[label] * 150 + rng.integers(0, 60, (40, 56, 3))
        label[:2] = 255
        label[30:, :16] = 2  # the truth errs here, or the network does
        for kind, array in (("images", rgb), ("labels", label)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(folder / kind / f"{number}.png")
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return folder


# Of 38 x 56 labelled pixels a picture: red has 28 x 16 right of 28 x 16 and 10 x 16 more that it claims, and so on.
CLEAN = {"red": 28 / 38, "green": 1.0, "blue": 38 * 24 / (38 * 24 + 10 * 16)}
CLEAN_MIOU = sum(CLEAN.values()) / 3
