import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmfan.models.layers import products
from mmfan.models.layers.products import Linear, product

needs_onednn = pytest.mark.skipif(products._PRODUCT is None, reason="PyTorch has no product by oneDNN here")


def case(rows=(2, 5), k=7, n=3, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(*shape, generator=generator).to(dtype) for shape in ((*rows, k), (n, k), (n,)))


@pytest.mark.parametrize("rows", [(4,), (2, 5), (2, 3, 4), (0, 5)])
@pytest.mark.parametrize("gelu", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_product_is_that_of_linear(rows, gelu, with_bias):
    x, weight, bias = case(rows)
    bias = bias if with_bias else None
    expected = F.linear(x.double(), weight.double(), None if bias is None else bias.double())
    expected = F.gelu(expected) if gelu else expected
    torch.testing.assert_close(product(x, weight, bias, gelu), expected.float(), rtol=1e-5, atol=1e-6)


def test_strided_inputs():
    x, weight, bias = case((2, 6), k=6, n=6)
    found = product(x.transpose(1, 2), weight.t(), bias)
    torch.testing.assert_close(found, F.linear(x.transpose(1, 2).contiguous(), weight.t().contiguous(), bias))


@needs_onednn
def test_what_is_taken():
    x, weight, _ = case()
    assert products._fast(x, weight)
    assert not products._fast(x.double(), weight.double())
    assert not products._fast(x[:0], weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not products._fast(x, weight)
        assert product(x, weight).dtype == torch.bfloat16
    with torch.backends.mkldnn.flags(enabled=False):
        assert not products._fast(x, weight)
    seen = []
    torch.func.vmap(lambda row: seen.append(products._fast(row, weight)) or row)(x)
    assert seen == [False]


@pytest.mark.parametrize(("k", "n"), [(7, 3), (3, 7)])
def test_gradients_are_those_of_linear(k, n):
    found, expected = [], []
    for function, results in ((product, found), (F.linear, expected)):
        x, weight, bias = (t.requires_grad_() for t in case(k=k, n=n))
        first = torch.autograd.grad(function(x, weight, bias).square().sum(), (x, weight, bias), create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), (x, weight, bias))
        results += [*first, *second]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("wanted", [(True, False, False), (False, True, False), (False, False, True)])
def test_only_the_gradients_asked_for(wanted):
    tensors = [t.requires_grad_(on) for t, on in zip(case(), wanted, strict=True)]
    product(*tensors).sum().backward()
    assert [t.grad is not None for t in tensors] == list(wanted)


@needs_onednn
def test_counters_see_the_operations_of_linear():
    from torch.utils.flop_counter import FlopCounterMode

    x, weight, bias = case((4,))
    counter = FlopCounterMode(display=False)
    with counter:
        product(x, weight, bias)
    assert counter.get_total_flops() == 2 * 4 * 7 * 3


def test_forward_mode_gradients():
    x, weight, bias = case()
    tangent = torch.randn_like(x)
    with torch.autograd.forward_ad.dual_level():
        out = product(torch.autograd.forward_ad.make_dual(x, tangent), weight, bias)
        found = torch.autograd.forward_ad.unpack_dual(out).tangent
    torch.testing.assert_close(found, F.linear(tangent, weight))


def test_module_is_a_linear_layer():
    layer = Linear(7, 3)
    assert isinstance(layer, nn.Linear)
    x = torch.randn(2, 7)
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))
