"""Stochastic depth (arXiv 1603.09382)."""

from torch import Tensor, nn

from mmfan.errors import MMFanError


def drop_path_rates(rate: float, depth: int, schedule: str) -> list[float]:
    """The drop probability of each block.

    Args:
        rate: In [0, 1).
        depth: Number of blocks.
        schedule: ``'constant'`` gives every block ``rate`` (as FAN was published), ``'linear'`` rises from 0 to it.

    Raises:
        MMFanError: The rate is out of range or the schedule is unknown.

    >>> drop_path_rates(0.3, 4, "linear")
    [0.0, 0.1, 0.2, 0.3]
    """
    if not 0 <= rate < 1:
        raise MMFanError(f"Expected drop_path_rate in [0, 1), got {rate}.")
    if schedule == "constant":
        return [rate] * depth
    if schedule == "linear":
        return [round(rate * i / max(depth - 1, 1), 12) for i in range(depth)]
    raise MMFanError(f"Expected drop_path_schedule to be 'constant' or 'linear', got {schedule!r}.")


class DropPath(nn.Module):
    """Drop a residual branch for a whole picture, with probability ``rate``; the kept ones are scaled by 1/(1-rate)."""

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """``(B, ...)`` to the same shape; the identity in eval mode."""
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep).div_(keep)
        return x * mask

    def extra_repr(self) -> str:
        """The rate."""
        return f"rate={self.rate}"
