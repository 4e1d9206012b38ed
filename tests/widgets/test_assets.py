"""The browser's files: the bundles are there, up to date, and missed with a clear error."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streamviz.errors import StreamVizError
from streamviz.widgets.assets import script

ROOT = Path(__file__).parents[2]


@pytest.fixture
def build() -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bundles_are_as_new_as_their_sources(build: Any) -> None:
    assert build.is_current(), "run `make js`"


def test_every_bundle_has_one_file_without_imports(build: Any) -> None:
    names = [Path(entry).name for _, entries, _ in build.BUNDLES for entry in entries]
    assert len(names) == 8
    for name in names:
        path = ROOT / build.BOARD / "dist" / name if name == "board.js" else name
        code = script(path)
        assert not any(line.startswith("import ") for line in code.splitlines())
        assert "</script" not in code, "a page has it in a script element"


def test_a_bundle_that_is_missing_is_an_error_with_the_next_step() -> None:
    with pytest.raises(StreamVizError, match=r"nothing\.js is missing.*make js.*install"):
        script("nothing.js")


def test_the_lock_file_has_a_hash_for_each_package_and_names_no_registry() -> None:
    text = (ROOT / "package-lock.json").read_text("utf-8")
    assert text.count('"integrity"') == text.count('"node_modules/') > 20
    assert '"resolved"' not in text
