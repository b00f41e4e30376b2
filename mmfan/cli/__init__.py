"""Command lines: the options that tools share, and how errors end them."""
