"""Errors that speak to a user: each message names the thing, what was expected, what was got, and the cure.

The commands show these, and errors of files, in one line. Whatever else is raised is a bug and keeps its traceback.
"""


class MMFanError(ValueError):
    """Input that mmfan refuses; base of all errors that a user can cure."""


class WrongTypeError(MMFanError, TypeError):
    """Input of another type than the one asked for."""


class ConfigError(MMFanError):
    """A config, or an option that changes it, cannot be used; the message names the key or the line."""


class WorkerDiedError(MMFanError, RuntimeError):
    """A worker process was killed, mostly for want of memory; what was finished is kept."""
