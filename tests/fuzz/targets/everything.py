"""All targets imported, for the server that processes are forked from."""

from importlib import import_module

import torch

from fuzz.targets import SHARES

torch.set_num_threads(1)
for _name in SHARES:
    import_module(f"fuzz.targets.{_name}")
