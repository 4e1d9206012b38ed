"""Readers and subscribers, live: their cursors move, and what passed one by is crossed."""

from __future__ import annotations

from collections.abc import Callable

from browser.conftest import Notebook

NEWS = """
from streamviz import Scenario, connect, series
from streamviz.plots import Cursors, SideBySide
from streamviz.widgets import Live
desk = Scenario(connect(), seed=4)
desk.subscriber("news", "subscriber", service_ms=10)
desk.reader("news", "reader", service_ms=10)
desk.reader("news", "forgetful", remembers="memory", service_ms=10)
desk.produce("news", series.constant(rate_hz=20))
Live(desk, [Cursors(), SideBySide()], controls=True)
"""
AWAY = """
import time
late = list(desk.readers.values())
for one in late:
    one.kill()
added = desk.producers[0].added
while desk.producers[0].added < added + 20:
    time.sleep(0.01)
for one in late:
    one.revive()
"""
CROSSES = 10  # after what was sent and what came, two traces for each of three panels: the last


def test_a_reader_catches_up_and_a_subscriber_has_crosses(
    open_notebook: Callable[..., Notebook],
) -> None:
    notebook = open_notebook([NEWS]).run_all()
    notebook.live().wait_for()
    notebook.until(lambda: notebook.points(0, 0) > 5)
    notebook.until(lambda: notebook.points(1, 1) > 5)
    assert notebook.points(1, CROSSES) == 0
    notebook.page.evaluate(
        """code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
          .requestExecute({ code }).done""",
        AWAY,
    )
    notebook.until(lambda: notebook.points(1, CROSSES) >= 20)
    assert notebook.points(1, CROSSES - 2) == notebook.points(1, CROSSES - 4) == 0
    notebook.until(lambda: notebook.points(1, 1) > 60)
    notebook.picture("readers")
    assert not notebook.problems
