"""The documentation: Sphinx reads the pages here, the notebooks and the docstrings."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import streamviz  # noqa: E402

project = "streamviz"
author = "The streamviz developers"
release = version = streamviz.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "streamviz"
html_static_path = ["_static"]
html_css_files = ["players.css"]
html_show_sphinx = False
myst_enable_extensions = ["html_image"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the pages show the saved outputs, which the tests compare
OTHERS = "Widget DOMWidget LoggingHasTraits HasTraits HasDescriptors BaseException list tuple int"
autodoc_default_options = {"inherited-members": OTHERS.replace(" ", ",")}  # but not of these
autodoc_typehints = "none"  # the docstrings say the types
autodoc_member_order = "groupwise"
napoleon_google_docstring = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # `name` may be an attribute of several records

SOURCE = "https://github.com/streamviz/streamviz/blob/main/"
LINKS = {
    "../docs/": "../",
    "../tests/": f"{SOURCE}tests/",
    "examples/": f"{SOURCE}notebooks/examples/",
}


def copy_course() -> None:
    """Copy the notebooks to where Sphinx finds them; their links into the repository follow."""
    notebooks = HERE.parent / "notebooks"
    shutil.copytree(notebooks / "images", HERE / "course/images", dirs_exist_ok=True)
    for page in [notebooks / "README.md", *notebooks.glob("*.ipynb")]:
        text = page.read_text("utf-8")
        for link, there in LINKS.items():
            text = text.replace(f"]({link}", f"]({there}")
        if page.name == "README.md":
            text += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
        copy = HERE / "course" / page.name
        if not copy.exists() or copy.read_text("utf-8") != text:
            copy.write_text(text, "utf-8")


def write_players(app: Sphinx) -> None:
    """Write the recordings as pages that play, for the frames in the documentation."""
    from streamviz.export import to_html
    from streamviz.plots import Flow, GroupLag, PendingAge, TrimSawtooth

    players = {
        "crash_and_rescue": [Flow(), PendingAge()],
        "fall_behind_and_catch_up": [Flow(), GroupLag()],
        "a_trim_bites": [Flow(), TrimSawtooth()],
    }
    folder = Path(app.outdir) / "players"
    folder.mkdir(parents=True, exist_ok=True)
    for name, plots in players.items():
        recording = HERE.parent / f"notebooks/recordings/{name}.jsonl.gz"
        page = folder / f"{name}.html"
        size = (960, 640)
        to_html(recording, page, plots=plots, size=size, autoplay=True, loop=True, overwrite=True)


def setup(app: Sphinx) -> None:
    """Connect what this documentation does beside Sphinx's own."""
    copy_course()
    app.connect("builder-inited", write_players)
