"""Traced networks, by torch.jit.trace and by the exporter that stands on it: equal at every size, or an error."""

import io

import pytest
import torch
from helpers.small_networks import BACKBONES, pictures, small_network

# Checks of a picture's size are not recorded: the tracer says so.
pytestmark = pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")

TRACED = (1, 64, 96)
# several windows along both axes where the traced size has one, or the other way round
OTHER = [(2, 96, 128), (1, 288, 320), (1, 64, 64)]
MULTIPLES = {"fan": 16, "hybrid": 16, "hybrid_tail": 32}


def same(found, expected):
    torch.testing.assert_close(torch.as_tensor(found), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", BACKBONES)
def test_a_traced_network_is_equal_at_every_size(name, gradients):
    network = small_network(name)
    with torch.set_grad_enabled(gradients):
        traced = torch.jit.trace(network, pictures(TRACED), check_trace=False)
    for size in (TRACED, *OTHER):
        x = pictures(size)
        with torch.no_grad():
            same(traced(x), network(x))


@pytest.mark.parametrize("name", BACKBONES)
def test_sides_that_are_no_multiples(name):
    """What the backbone refuses, its trace refuses too, and does not cut off what is too much."""
    network, x = small_network(name), pictures((1, 70, 90))
    with torch.no_grad():
        traced = torch.jit.trace(network, pictures(TRACED), check_trace=False)
        if name in MULTIPLES:
            with pytest.raises(RuntimeError, match=f"Provided sizes \\[-1, {MULTIPLES[name]}\\] don't multiply up"):
                traced(x)
        else:
            same(traced(x), network(x))


def test_a_mask_that_the_traced_size_does_not_need():
    """112 x 224 needs neither padding nor, at stride 16 and 32, a shift; 128 x 96 does."""
    for name in ("swin", "alternet"):
        network, x = small_network(name), pictures((1, 128, 96))
        with torch.no_grad():
            same(torch.jit.trace(network, pictures((1, 112, 224)), check_trace=False)(x), network(x))


def test_levels_of_one_pixel_are_not_taken_for_one_level():
    """At 16 x 16 the last two maps of AlterNet have one pixel each."""
    network, x = small_network("alternet"), pictures((1, 64, 96))
    with torch.no_grad():
        same(torch.jit.trace(network, pictures((1, 16, 16)), check_trace=False)(x), network(x))


@pytest.mark.parametrize("name", BACKBONES)
def test_the_tracing_exporter_writes_an_equal_network_or_one_that_fails(name):
    """``torch.onnx.export(dynamo=False)`` keeps some sizes; at others the network must fail, not compute rubbish."""
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    network, file = small_network(name), io.BytesIO()
    free = {"x": {0: "batch", 2: "height", 3: "width"}}
    with torch.no_grad():
        torch.onnx.export(
            network, (pictures(TRACED),), file, dynamo=False, opset_version=17, input_names=["x"], dynamic_axes=free
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    for size in (TRACED, *OTHER):
        x = pictures(size)
        with torch.no_grad():
            expected = network(x)
        if size != TRACED and fails(session, x):
            continue
        same(session.run(None, {"x": x.numpy()})[0], expected)


def fails(session, x):
    """Whether ONNX Runtime refuses to run a network on a batch."""
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

    try:
        session.run(None, {"x": x.numpy()})
    except (Fail, InvalidArgument, RuntimeException):
        return True
    return False
