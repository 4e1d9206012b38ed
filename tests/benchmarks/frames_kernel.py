"""What runs in the kernel: the same charts by several libraries, fed ten times a second.

Not a module: the benchmark puts this text into a notebook's cell.
"""

import asyncio
import itertools
import json
import math
import statistics
import time

from IPython import get_ipython
from IPython.display import display

POINTS, TRACES, NEW, RATE_HZ = 1000, 3, 10, 10
SENT = [0, 0]  # messages, bytes


def count_what_is_sent():
    """Count the bytes of every message that leaves the kernel."""
    session = get_ipython().kernel.session
    serialize, send = session.serialize, session.send

    def counted_serialize(message, ident=None):
        parts = serialize(message, ident)
        SENT[0] += 1
        SENT[1] += sum(map(len, parts))
        return parts

    def counted_send(stream, message, *rest, buffers=None, **more):
        SENT[1] += sum(memoryview(part).nbytes for part in buffers or ())
        return send(stream, message, *rest, buffers=buffers, **more)

    session.serialize, session.send = counted_serialize, counted_send


def value(trace, n):
    return round(50 + 40 * math.sin(n / 50 + trace), 1)


def nothing(charts):
    return lambda first, last: None


def figure_widget(charts):
    from plotly.graph_objects import FigureWidget

    figures = [
        FigureWidget(
            data=[
                {
                    "x": list(range(POINTS)),
                    "y": [value(t, n) for n in range(POINTS)],
                    "mode": "lines",
                }
                for t in range(TRACES)
            ],
            layout={"height": 300},
        )
        for _ in range(charts)
    ]
    for figure in figures:
        display(figure)

    def feed(first, last):
        xs = range(first, last)
        for figure in figures:
            with figure.batch_update():
                for t, trace in enumerate(figure.data):
                    trace.x = [*trace.x[NEW:], *xs]
                    trace.y = [*trace.y[NEW:], *(value(t, n) for n in xs)]

    return feed


def bokeh(charts):
    from bokeh.io import output_notebook
    from bokeh.models import ColumnDataSource
    from bokeh.plotting import figure
    from bokeh.resources import INLINE
    from jupyter_bokeh import BokehModel

    output_notebook(INLINE, hide_banner=True)  # its widget expects BokehJS in the page
    names = [f"y{t}" for t in range(TRACES)]
    sources = []
    for _ in range(charts):
        data = {"x": list(range(POINTS))}
        for t, name in enumerate(names):
            data[name] = [value(t, n) for n in range(POINTS)]
        source = ColumnDataSource(data)
        shown = figure(height=300, width=700)
        for name in names:
            shown.line("x", name, source=source)
        sources.append(source)
        display(BokehModel(shown))

    def feed(first, last):
        new = {"x": list(range(first, last))}
        for t, name in enumerate(names):
            new[name] = [value(t, n) for n in range(first, last)]
        for source in sources:
            source.stream(new, rollover=POINTS)

    return feed


def streamviz(charts):
    from streamviz import History
    from streamviz.client.entry_id import EntryId
    from streamviz.observation.sample import GroupState, Lag, Sample
    from streamviz.plots import GroupLag
    from streamviz.widgets import Live

    zero = EntryId.ZERO

    def sample(n):
        groups = tuple(
            GroupState(f"group-{t}", zero, n, Lag(int(value(t, n)), "exact", "", 0), 0, (), (), 0)
            for t in range(TRACES)
        )
        last = EntryId(n)
        return Sample("bench", n + 1, n * 10, True, "", n, n, zero, last, zero, (), 0, groups)

    history = History(limit=POINTS)
    for n in range(POINTS):
        history.append(sample(n))
    live = Live(history, [GroupLag() for _ in range(charts)])
    display(live)

    last_frame = POINTS + NEW * RATE_HZ * 60
    samples = {
        n: sample(n) for n in range(POINTS, last_frame)
    }  # what a sample finds is no frame's cost

    def feed(first, last):
        for n in range(first, last):
            history.append(samples.pop(n))
        live._frame()  # as a running scenario does

    return feed


def dashboard(rate):
    """Return what feeds a dashboard: a sample each frame, of 3 groups with 4 consumers each."""
    from streamviz import Dashboard, History
    from streamviz.client.entry_id import EntryId
    from streamviz.client.models import ConsumerInfo, Entry, PendingEntry
    from streamviz.observation.sample import GroupState, Lag, Sample

    zero, new = EntryId.ZERO, rate // RATE_HZ

    def group(name, added):
        cursor, names = max(1, added - 5), [f"{name}-{i}" for i in range(4)]
        oldest = tuple(PendingEntry(EntryId(max(1, cursor - i)), names[i], 50, 1) for i in range(4))
        consumers = tuple(ConsumerInfo(one, 1, 50, 50) for one in names)
        lag = Lag(5, "exact", "", 0)
        cursor = EntryId(cursor)
        return GroupState(name, cursor, None, lag, 4, consumers, oldest, 0, added - 9)

    def sample(n):
        added = 1000 + n * new
        ids = range(added - new + 1, added + 1) if n else range(1, added + 1)
        entries = tuple(Entry(EntryId(one), {}) for one in ids)[-200:]
        groups = tuple(group(name, added) for name in ("audit", "billing", "email"))
        about = True, "", added, added, EntryId(1), EntryId(added), zero, entries, 0, groups
        return Sample("bench", n + 1, 100 * n + 2000, *about)

    history = History(limit=POINTS)
    for n in range(POINTS):
        history.append(sample(n))
    live = Dashboard(history)
    display(live)
    samples = {n: sample(n) for n in range(POINTS, POINTS + RATE_HZ * 60)}

    def feed(first, last):
        history.append(samples.pop(POINTS + (first - POINTS) // NEW))
        live._frame()  # as a running scenario does

    return feed


async def run(feed, seconds, found):
    loop_began, cpu_s = time.perf_counter(), []
    for frame in range(int(seconds * RATE_HZ)):
        if frame == RATE_HZ * 2:  # the first two seconds are for settling down
            began, sent = time.perf_counter(), list(SENT)
        if frame >= RATE_HZ * 2 and frame % RATE_HZ == 0:
            cpu_s.append(time.process_time())
        first = POINTS + frame * NEW
        feed(first, first + NEW)
        wake = loop_began + (frame + 1) / RATE_HZ
        await asyncio.sleep(max(0, wake - time.perf_counter()))
    frames, cpu_s = frame + 1 - RATE_HZ * 2, [*cpu_s, time.process_time()]
    each_second = [new - old for old, new in itertools.pairwise(cpu_s)]
    found.update(
        cpu_ms=statistics.median(each_second) / RATE_HZ * 1000,  # a rare collection does not count
        bytes=(SENT[1] - sent[1]) / frames,
        messages=(SENT[0] - sent[0]) / frames,
        late=(time.perf_counter() - began) / (frames / RATE_HZ),
    )


def report(found):
    print("RESULT", json.dumps(found))
