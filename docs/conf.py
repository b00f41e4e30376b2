"""Settings of the documentation site: Sphinx with MyST, built by `make docs` into docs/_build/html.

Pages are plain Markdown that reads well on a code host too. What a site needs beside is made here: the outline, the
pages that stand elsewhere in the repository (``_site/mirrored_pages.py``), the API reference from docstrings
(``_site/api_pages.py``).
"""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_site"), str(DOCS.parent)]

from mmfan.version import __version__  # noqa: E402

project = "mmfan"
author = "the authors of mmfan"
copyright = "the authors of mmfan, Apache-2.0"  # noqa: A001
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "mirrored_pages",
    "api_pages",
    "api_links",
    "outline",
]
root_doc = "index"
exclude_patterns = ["_build", "_site", "_static"]
nitpicky = True

myst_heading_anchors = 4  # headings are linked to under the names that code hosts give them
myst_enable_extensions = ["colon_fence"]

# Signatures show names and defaults; types stand beside the arguments, where the docstring explains them.
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autosummary_generate = False
python_use_unqualified_type_names = True
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"mmfan {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#1f5fa8", "color-brand-content": "#1f5fa8"},
    "dark_css_variables": {"color-brand-primary": "#7ab3f0", "color-brand-content": "#7ab3f0"},
}
pygments_style = "default"
pygments_dark_style = "github-dark"
copybutton_exclude = ".linenos, .gp, .go"
