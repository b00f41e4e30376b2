"""Networks under torch.compile and torch.export: whole graphs, one for all sizes, equal numbers and gradients."""

import copy

import pytest
import torch
from helpers.small_networks import BACKBONES, pictures, small_network

# The compiler of torch 2.1 has no generators and no strict zip, its export no named sizes, checkpoints no meta device.
OLD = not hasattr(torch.export, "Dim")
whole = pytest.mark.skipif(OLD, reason="torch 2.1 compiles in pieces, with the same results")
FAN_FAMILY = ("fan", "hybrid", "hybrid_tail")


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()


@whole
@pytest.mark.parametrize("name", BACKBONES)
def test_one_graph(name):
    network = small_network(name)
    with torch.no_grad():
        told = torch._dynamo.explain(network)(pictures((1, 64, 96)))
    assert (told.graph_count, told.graph_break_count) == (1, 0)


@whole
@pytest.mark.parametrize("name", FAN_FAMILY)
def test_one_graph_for_all_sizes(name):
    network, graphs = small_network(name), []

    def count(graph, inputs):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(network, backend=count, dynamic=True, fullgraph=True)
    with torch.no_grad():
        for size in ((2, 64, 96), (3, 128, 160), (2, 288, 320), (4, 96, 64)):
            x = pictures(size)
            same(compiled(x), network(x))
    assert len(graphs) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
def test_training_with_recomputation(name):
    """Loss, gradients and running statistics of a step; ``with_cp`` alone changes what is kept, not what comes out."""
    plain = small_network(name, with_cp=True).train()
    other = copy.deepcopy(plain)
    compiled = torch.compile(other, backend="aot_eager", fullgraph=not OLD)
    x = pictures((2, 64, 96))
    for step in (plain, compiled):
        step(x).square().mean().backward()
    for one, two in zip(plain.parameters(), other.parameters(), strict=True):
        assert (one.grad is None) == (two.grad is None)
        if one.grad is not None:
            torch.testing.assert_close(two.grad, one.grad, rtol=1e-3, atol=1e-5)
    for (key, one), two in zip(plain.named_buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-5, msg=f"{key}: statistics written twice?")


@whole
@pytest.mark.parametrize("name", FAN_FAMILY)
def test_export_with_free_sizes(name):
    network = small_network(name)
    free, side = torch.export.Dim, network.backbone.stride
    sizes = {0: free("batch"), 2: side * free("rows", max=64), 3: side * free("columns", max=64)}
    with torch.no_grad():
        exported = torch.export.export(network, (pictures((2, 128, 160)),), dynamic_shapes=(sizes,)).module()
        for size in ((1, 64, 96), (2, 288, 320), (3, 64, 64)):
            x = pictures(size)
            same(exported(x), network(x))
        with pytest.raises((RuntimeError, AssertionError), match=f"{side}"):
            exported(pictures((1, 70, 90)))


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("gradients", [False] if OLD else [False, True])
def test_on_the_meta_device(name, gradients):
    network = small_network(name).to("meta")
    with torch.set_grad_enabled(gradients):
        found = network(torch.empty(2, 3, 64, 96, device="meta"))
    assert found.is_meta
    assert found.shape == small_network(name)(pictures((2, 64, 96))).shape


def test_what_is_not_supported_says_so():
    """The docs say it: torch.fx.symbolic_trace cannot follow the checks of sizes."""
    with pytest.raises(torch.fx.proxy.TraceError, match="control flow"):
        torch.fx.symbolic_trace(small_network("hybrid"))


@whole
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_vmap_over_models_of_the_vit_form():
    network, x = small_network("fan"), pictures((3, 64, 96))
    with torch.no_grad():
        same(torch.vmap(network)(x[:, None])[:, 0], network(x))
