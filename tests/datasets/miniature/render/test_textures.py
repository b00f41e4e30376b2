import numpy as np
import pytest

from mmfan.datasets.miniature.render.textures import CHANNELS, GRAINS, TILE, crowns, texture_tile, tileable_noise


@pytest.mark.parametrize("cells", [4, 32])
def test_noise_is_normalised_and_has_no_seam(cells):
    noise = tileable_noise(np.random.default_rng(3), cells, 2)
    assert noise.shape == (TILE, TILE)
    assert abs(noise.mean()) < 1e-4
    assert abs(noise.std() - 1) < 1e-4
    inside = np.abs(np.diff(noise, axis=1)).mean()
    seam = np.abs(noise[:, 0] - noise[:, -1]).mean()
    assert seam < 1.5 * inside


def test_tile_means_no_change_on_average():
    tile = texture_tile()
    assert tile.shape == (TILE, TILE, len(CHANNELS))
    assert tile.dtype == np.uint8
    means = tile.reshape(-1, len(CHANNELS)).mean(axis=0)
    assert np.allclose(means[[0, 1, 3]], 128, atol=3)
    assert all(len(strengths) == len(CHANNELS) for _, strengths in GRAINS.values())


def test_crowns_are_tree_like_blobs():
    assert len(crowns()) == 16
    for cover, tone in crowns():
        assert set(np.unique(cover)) == {0, 255}
        assert 0.3 < (cover > 0).mean() < 0.9
        height = len(tone)
        assert (
            tone[: height // 2][cover[: height // 2] > 0].mean() > tone[height // 2 :][cover[height // 2 :] > 0].mean()
        )
