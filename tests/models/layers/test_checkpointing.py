import pytest
import torch

from mmfan.models.layers.checkpointing import run
from mmfan.models.layers.fan_block import FANBlock


@pytest.mark.parametrize("with_cp", [False, True])
def test_running_statistics_take_a_batch_once(with_cp):
    torch.manual_seed(1)
    block = FANBlock(8, 2).train()
    x = torch.randn(2, 12, 8, requires_grad=True)
    out, size = run(block, x, (3, 4), with_cp=with_cp)
    out.sum().backward()
    bn = block.mlp.mlp_v.dwconv.bn
    assert size == (3, 4)
    assert bn.num_batches_tracked == 1
    assert bn.track_running_stats


def test_same_gradients_and_buffers():
    results = []
    for with_cp in (False, True):
        torch.manual_seed(1)
        block = FANBlock(8, 2, drop_path=0.5).train()
        x = torch.randn(4, 12, 8, requires_grad=True)
        run(block, x, (3, 4), with_cp=with_cp)[0].square().sum().backward()
        results.append([x.grad, *(p.grad for p in block.parameters()), *block.buffers()])
    for plain, checkpointed in zip(*results, strict=True):
        torch.testing.assert_close(checkpointed, plain)
