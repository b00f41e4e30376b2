import pytest
import torch

from mmfan.models.layers.class_attention import ClassAttentionBlock


@pytest.fixture
def block():
    block = ClassAttentionBlock(16, 4)
    for parameter in block.parameters():
        parameter.data = torch.randn_like(parameter) * 0.5
    return block


def test_closed_form_equals_the_block_on_patch_tokens(block):
    x = torch.randn(3, 11, 16)
    torch.testing.assert_close(block.dense(x[:, 1:]), block(x)[:, 1:], rtol=1e-5, atol=1e-6)


def test_closed_form_has_the_same_gradients(block):
    x = torch.randn(2, 8, 16)
    token, weight = torch.randn(2, 1, 16), torch.randn(2, 8, 16)
    gradients = []
    for form in (lambda t: block(torch.cat((token, t), dim=1))[:, 1:], block.dense):
        block.zero_grad(set_to_none=True)
        t = x.clone().requires_grad_()
        (form(t) * weight).sum().backward()
        gradients.append({"input": t.grad, **{n: p.grad for n, p in block.named_parameters()}})
    unused = {id(p) for p in block.unused_in_dense()}
    for name, parameter in [("input", None), *block.named_parameters()]:
        full, dense = (g[name] for g in gradients)
        if id(parameter) in unused:  # exactly zero in the full form, so nothing is lost by leaving them out
            assert dense is None
            assert full is None or full.abs().max() == 0
        else:
            torch.testing.assert_close(dense, full, rtol=1e-5, atol=1e-5)


def test_attention_by_explicit_softmax(block):
    x = torch.randn(2, 7, 16)
    attn = block.attn
    q, k, v = attn.q(x[:, :1]), attn.k(x), attn.v(x)
    heads = []
    for h in range(4):
        part = slice(4 * h, 4 * h + 4)
        weights = (q[..., part] @ k[..., part].transpose(1, 2) / 2).softmax(-1)  # sqrt(4) = 2
        heads.append(weights @ v[..., part])
    torch.testing.assert_close(attn(x), attn.proj(torch.cat(heads, -1)), rtol=1e-5, atol=1e-5)
