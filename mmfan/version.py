"""The version of mmfan, which stands in records, reports and converted checkpoints."""

__version__ = "0.2.0"
