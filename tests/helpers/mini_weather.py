"""A miniature of real weather, small enough for a test: two pictures a condition, with their reference frames."""

from mmfan.datasets.miniature import write_weather


def write_mini_weather(root, val=2, size=(96, 64)):
    """Draw it; returns its root."""
    write_weather(root, val=val, size=size, workers=1)
    return root
