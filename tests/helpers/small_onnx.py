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


def write_detector(path: Path) -> Path:
    """A detector of torchvision's form that says of every picture: its left half is class 2, with 0.5."""
    import onnx
    from onnx import TensorProto, helper

    def constant(name: str, kind: int, values: list) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, kind, [len(values)], values))

    nodes = [
        constant("places", TensorProto.INT64, [3, 2]),
        constant("halves", TensorProto.FLOAT, [0.5, 1.0]),
        constant("zeros", TensorProto.FLOAT, [0.0, 0.0]),
        constant("row", TensorProto.INT64, [1, 4]),
        helper.make_node("Shape", ["pictures"], ["shape"]),
        helper.make_node("Gather", ["shape", "places"], ["sides"]),  # width, height
        helper.make_node("Cast", ["sides"], ["far"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["far", "halves"], ["corner"]),
        helper.make_node("Concat", ["zeros", "corner"], ["flat"], axis=0),
        helper.make_node("Reshape", ["flat", "row"], ["boxes"]),
        constant("labels", TensorProto.INT64, [2]),
        constant("scores", TensorProto.FLOAT, [0.5]),
    ]
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 4]),
        helper.make_tensor_value_info("labels", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1]),
    ]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, [1, 3, "h", "w"])
    graph = helper.make_graph(nodes, "halves", [pictures], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def write_objects(folder: Path) -> Path:
    """``images/`` and ``objects.json``: two pictures of 60 x 40, each with a car, in the left half and in the right."""
    import json

    from PIL import Image

    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in (1, 2):
        Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 40, "width": 60})
        box = [0 if number == 1 else 30, 0, 30, 40]
        annotations.append(
            {"id": number, "image_id": number, "category_id": 7, "bbox": box, "area": 1200, "iscrowd": 0}
        )
    content = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "car"}]}
    (folder / "objects.json").write_text(json.dumps(content))
    return folder
