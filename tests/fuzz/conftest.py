"""What has no doctests and imports everything is not looked through for them."""

collect_ignore = ["targets", "pool.py", "__main__.py"]
