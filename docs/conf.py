"""The documentation: Sphinx reads the pages here, the notebooks and the docstrings."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from notebook_frames import PLACEHOLDER, frames_of  # noqa: E402

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
html_js_files = [("frames.js", {"defer": "defer"})]
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


def write_course(app: Sphinx) -> None:
    """Copy the notebooks to where Sphinx finds them; their links follow, and their frames."""
    notebooks = HERE.parent / "notebooks"
    shutil.copytree(notebooks / "images", HERE / "course/images", dirs_exist_ok=True)
    played = set(notebooks.glob(f"{app.config.notebooks_that_play}.ipynb"))
    for page in [notebooks / "README.md", *notebooks.glob("*.ipynb")]:
        text = page.read_text("utf-8")
        for link, there in LINKS.items():
            text = text.replace(f"]({link}", f"]({there}")
        if page.name == "README.md":
            text += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
        elif page in played:
            text = with_frames(json.loads(text), page, Path(app.outdir) / "course/frames")
        copy = HERE / "course" / page.name
        if not copy.exists() or copy.read_text("utf-8") != text:
            copy.write_text(text, "utf-8")


def with_frames(notebook: dict[str, Any], page: Path, folder: Path) -> str:
    """Return a notebook whose pictures are followed by the frames that take their place."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {file.name: file for file in frames_of(page, HERE / "_build/frames").iterdir()}
    if made:
        shutil.copy(made["streamviz-player.js"], folder)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            html = "".join(output.get("data", {}).get("text/html", ""))
            placeholder = PLACEHOLDER.match(html)
            if placeholder and (file := f"{placeholder[1]}.frames.jsonl") in made:
                name = f"{page.stem}.{file}"
                shutil.copy(made[file], folder / name)
                script = f'<script type="module" data-frames="frames/{name}"></script>'
                output["data"]["text/html"] = html + script
    return json.dumps(notebook)


def write_players(app: Sphinx) -> None:
    """Write the recordings as pages that play, for the frames in the documentation."""
    from streamviz.export import to_html
    from streamviz.plots import Flow, GroupLag, PendingAge, Plot, TrimSawtooth

    players: dict[str, tuple[list[Plot], float]] = {  # and the second at which each begins
        "crash_and_rescue": ([Flow(), PendingAge()], 7),
        "fall_behind_and_catch_up": ([Flow(), GroupLag()], 0),
        "a_trim_bites": ([Flow(), TrimSawtooth()], 0),
    }
    folder = Path(app.outdir) / "players"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (plots, start_s) in players.items():
        recording = HERE.parent / f"notebooks/recordings/{name}.jsonl.gz"
        page = folder / f"{name}.html"
        options: Any = {"size": (960, 720), "autoplay": True, "loop": True, "overwrite": True}
        to_html(recording, page, plots=plots, start_s=start_s, **options)


def give_headings_a_level(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object
) -> None:
    """Say at which level the headings of the menu are: Sphinx leaves that out."""
    menu = context.get("furo_navigation_tree", "")
    level = 'role="heading" aria-level="2"'
    context["furo_navigation_tree"] = menu.replace('role="heading"', level)


def setup(app: Sphinx) -> None:
    """Connect what this documentation does beside Sphinx's own."""
    app.add_config_value("notebooks_that_play", "*", "", [str])  # a run each: tests take one
    app.connect("builder-inited", write_course)
    app.connect("builder-inited", write_players)
    app.connect("html-page-context", give_headings_a_level, priority=900)  # after the theme
