"""Scripts of the repository that belong to no package, as modules."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from helpers.pages import ROOT


def script(path: str) -> ModuleType:
    """The script as a module; ``path`` is relative to the repository's root."""
    name = f"script_{path.replace('/', '_').removesuffix('.py').strip('.')}"
    spec = spec_from_file_location(name, ROOT / path)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
