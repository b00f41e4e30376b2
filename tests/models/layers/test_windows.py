"""Windows of maps of any size: cut and put together, masks and relative positions against explicit loops."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.models.layers.swin_block import PatchMerging, SwinBlock, SwinPatchEmbed, WindowAttention
from mmfan.models.layers.windows import (
    MASKED,
    from_windows,
    in_windows,
    out_of_windows,
    relative_index,
    shift_of,
    to_windows,
    window_attention,
    window_mask,
)


def neighbours(size, window, shift):
    """For each place of a map the places that it may see, from the definition: same window of the shifted grid."""
    cells = {}
    for y in range(size[0]):
        for x in range(size[1]):
            # the grid's lines lie at shift + k * window
            cells.setdefault(((y - shift[0]) // window, (x - shift[1]) // window), set()).add((y, x))
    return {place: cell for cell in cells.values() for place in cell}


def test_order_of_windows_and_of_places_in_them():
    x = torch.arange(24).view(1, 4, 6, 1)
    windows = to_windows(x, 2)
    assert windows.shape == (1, 6, 4, 1)
    assert windows[0, 0, :, 0].tolist() == [0, 1, 6, 7]
    assert windows[0, 1, :, 0].tolist() == [2, 3, 8, 9]
    assert windows[0, 3, :, 0].tolist() == [12, 13, 18, 19]
    assert torch.equal(from_windows(windows, (4, 6), 2), x)


@settings(max_examples=30)
@given(
    height=st.integers(1, 12), width=st.integers(1, 12), window=st.integers(1, 5), batch=st.integers(1, 2),
    shifted=st.booleans(),
)  # fmt: skip
def test_cutting_and_putting_together_changes_nothing(height, width, window, batch, shifted):
    x = torch.arange(batch * height * width * 2).view(batch, height, width, 2)
    shift = shift_of((height, width), window, shifted)
    assert torch.equal(out_of_windows(in_windows(x, window, shift), (height, width), window, shift), x)


@settings(max_examples=30)
@given(height=st.integers(1, 12), width=st.integers(1, 12), window=st.integers(2, 5), shifted=st.booleans())
def test_a_token_sees_the_tokens_of_its_window_and_no_others(height, width, window, shifted):
    """Attention with equal scores is a mean over what is seen, so the mean of indicator vectors tells who is seen."""
    size = (height, width)
    shift = shift_of(size, window, shifted)
    count = height * width
    indicators = in_windows(torch.eye(count).view(1, height, width, count), window, shift)[:, :, :, None]
    zero = torch.zeros_like(indicators)
    mixed = window_attention(zero, zero, indicators, torch.zeros(1, 1, 1), window_mask(size, window, shift))
    mixed = out_of_windows(mixed, size, window, shift)[0].flatten(0, 1)  # (token, share of each token)
    for (y, x), seen in neighbours(size, window, shift).items():
        expected = torch.zeros(height, width)
        for place in seen:
            expected[place] = 1 / len(seen)
        torch.testing.assert_close(mixed[y * width + x], expected.flatten())


def test_no_mask_where_all_see_each_other():
    assert window_mask((8, 12), 4) is None
    assert shift_of((4, 12), 4, shifted=True) == (0, 2)
    mask = window_mask((8, 12), 4, (2, 2))
    assert mask.shape == (6, 16, 16)
    assert set(mask.unique().tolist()) == {0.0, MASKED}
    assert not mask[0].any()


@pytest.mark.parametrize("window", [1, 2, 4, 7])
def test_relative_index_by_loops(window):
    index = relative_index(window)
    for q in range(window**2):
        for k in range(window**2):
            dy, dx = q // window - k // window, q % window - k % window
            assert index[q, k] == (dy + window - 1) * (2 * window - 1) + dx + window - 1
    assert sorted(index.unique().tolist()) == list(range((2 * window - 1) ** 2))


def test_attention_by_loops():
    attention = WindowAttention(dim=6, num_heads=2, window=2)
    torch.nn.init.normal_(attention.relative_position_bias_table)
    x = torch.randn(2, 3, 4, 6)
    mask = torch.zeros(3, 4, 4)
    mask[1, 0, 2] = MASKED
    expected = torch.zeros(2, 3, 4, 6)
    for b in range(2):
        for w in range(3):
            q, k, v = attention.qkv(x[b, w]).view(4, 3, 2, 3).permute(1, 2, 0, 3)
            for head in range(2):
                for i in range(4):
                    scores = torch.stack(
                        [
                            q[head, i] @ k[head, j] / 3**0.5
                            + attention.relative_position_bias_table[relative_index(2)[i, j], head]
                            + mask[w, i, j]
                            for j in range(4)
                        ]
                    )
                    expected[b, w, i, 3 * head : 3 * head + 3] = scores.softmax(0) @ v[head]
    torch.testing.assert_close(attention(x, mask), attention.proj(expected))


def test_stored_mask_is_the_computed_one():
    stored = SwinBlock(dim=8, num_heads=2, window=4, shifted=True, stored_size=(8, 8)).eval()
    assert "attn_mask" in stored.state_dict()
    computed = SwinBlock(dim=8, num_heads=2, window=4, shifted=True).eval()
    computed.load_state_dict({k: v for k, v in stored.state_dict().items() if k != "attn_mask"})
    for size in ((8, 8), (4, 16), (9, 7)):  # two of them have as many windows, only one is the stored size
        x = torch.randn(2, size[0] * size[1], 8)
        assert torch.equal(stored(x, size)[0], computed(x, size)[0])


def test_merging_takes_neighbours_and_pads_odd_sides():
    merging = PatchMerging(1)
    merging.norm = torch.nn.Identity()
    merging.reduction = torch.nn.Identity()
    x, size = merging(torch.arange(1.0, 7.0).view(1, 6, 1), (2, 3))
    assert size == (1, 2)
    assert x[0].tolist() == [[1, 4, 2, 5], [3, 6, 0, 0]]


def test_patch_embedding_pads_to_whole_patches():
    embed = SwinPatchEmbed(8)
    picture = torch.randn(1, 3, 9, 12)
    tokens, size = embed(picture)
    assert size == (3, 3)
    padded, _ = embed(torch.nn.functional.pad(picture, (0, 0, 0, 3)))
    assert torch.equal(tokens, padded)
