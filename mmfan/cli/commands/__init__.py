"""Commands of ``mmfan``, one a file, each with ``make_parser(prog)`` and ``run(args, parser)``."""
