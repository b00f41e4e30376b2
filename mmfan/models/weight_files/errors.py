"""The error of every door through which weights come in."""

from mmfan.errors import MMFanError


class CheckpointError(MMFanError):
    """A checkpoint cannot be read, or does not hold the weights of the model it is meant for."""
