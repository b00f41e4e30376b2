"""torchvision beside a torch that it was not compiled for: its Python part, without its compiled operators."""

import sys

import pytest

LIBRARIES = []  # operators go with the library that declares them


def import_torchvision():
    """The module, or the skipping of the test. Says by ``extension._has_ops()`` whether operators are there."""
    torch = pytest.importorskip("torch")
    try:
        import torchvision
    except RuntimeError as error:  # declares what the operators compute for shapes alone, where there are none
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        LIBRARIES.append(library)
        import torchvision
    except ImportError:
        pytest.skip("torchvision is not installed")
    return torchvision
