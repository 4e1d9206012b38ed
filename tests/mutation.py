"""Mutants: break one thing in a module, and see whether its tests notice.

    python tests/mutation.py                     40 mutants of each module below
    python tests/mutation.py lag.py --each 0     all mutants of one module

A mutant is one changed comparison, boolean, number, sign or return. It is killed if a test fails,
or takes much longer than usual. What survives is printed, unless `EQUIVALENT` tells why it may.
Not changed are the `strict=` of a zip, the `default=` of an empty maximum, and the digits of a
`round()`: they say nothing of what is computed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
QUICK = ["-k", "not never_said"]  # without the random tests, which take half a minute
TESTS: dict[str, list[str]] = {
    "observation/lag.py": ["observation/test_lag.py", *QUICK],
    "observation/lag_tracker.py": ["observation/test_lag.py", "faults/test_a_flipped_digit.py"],
    "observation/counting.py": ["observation/test_lag.py", "faults/test_a_flipped_digit.py"],
    "observation/outcomes.py": ["observation/test_accounting.py"],
    "observation/accounting.py": ["observation/test_accounting.py"],
    "observation/deliveries.py": ["observation/test_deliveries.py", "plots/test_swim_lanes.py"],
    "observation/history.py": [
        "observation/test_history.py",
        "observation/test_group_rows.py",
        "plots/test_group_lag.py",
        "plots/test_ids_without_time.py",
    ],
    "observation/timeline.py": ["observation/test_timeline.py"],
    "observation/byte_budget.py": ["observation/test_byte_budget.py"],
    "observation/pages.py": ["observation/test_lag.py", "observation/test_byte_budget.py"],
    "observation/idle_groups.py": ["observation/test_observer.py", "observation/test_lag.py"],
    "plots/ack_progress.py": ["plots/test_ack_progress.py"],
    "plots/group_lines.py": [
        "plots/test_group_lag.py",
        "plots/test_pending_age.py",
        "plots/test_ids_without_time.py",
    ],
    "plots/svg_words.py": ["plots/test_svg_words.py", "plots/test_svg.py"],
    "plots/pending_age.py": ["plots/test_pending_age.py", "plots/test_ids_without_time.py"],
    "simulation/lifecycle.py": [
        "simulation/test_summary.py",
        "simulation/test_claiming.py",
        "simulation/test_on_error.py",
        "simulation/test_scenario.py",
        "widgets/test_controls.py",
    ],
    "recording/events.py": ["recording/test_events.py"],
}
EQUIVALENT: dict[tuple[str, str], str] = {  # (the line, the change): why no test can notice
    (
        "named = {one.max_deleted_id for one in samples if one.max_deleted_id > last.first_id}",
        "one.max_deleted_id > last.first_id -> one.max_deleted_id >= last.first_id",
    ): "the first entry was not deleted",
    (
        "if complete or entry_id < last_id:",
        "entry_id < last_id -> entry_id <= last_id",
    ): "the entry with the last ID is pending, and this one is not",
    ("_SAMPLE_BYTES, _USUAL_LIMIT = 80_000, 1000", "80000 -> 80001"): "a limit, about",
    ("_SAMPLE_BYTES, _USUAL_LIMIT = 80_000, 1000", "1000 -> 1001"): "a limit, about",
    (
        '**({} if rows > 1 else {"title": {"text": label(name, 72 // columns)}}),',
        "72 -> 73",
    ): "where a name is cut",
    (
        '"marker": {"color": colour(index), "symbol": "diamond", "size": 10},',
        "10 -> 11",
    ): "an appearance",
    ("return end_texts(None, [], [], 0, gap)", "0 -> 1"): "nothing is placed",
    ('"margin": {"l": 60, "r": LABEL_MARGIN, "t": 44, "b": 44},', "60 -> 61"): "an appearance",
    ('"margin": {"l": 60, "r": LABEL_MARGIN, "t": 44, "b": 44},', "44 -> 45"): "an appearance",
    (
        "f\"{label(name, 12)} {'unknown' if value is None else self._value_text(value)}\"",
        "12 -> 13",
    ): "where a name is cut",
    (
        "_QUIET_MS = 3000  # a trim that goes on, or what a group misses by it, is one event",
        "3000 -> 3001",
    ): "a limit, about",
}
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add,
}  # fmt: skip


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that may be changed: not annotations, decorators and defaults of a class."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        nodes = value if isinstance(value, list) else [value]
        if isinstance(tree, ast.Call) and ast.unparse(tree.func) == "round" and name == "args":
            nodes = nodes[:1]
        for node in nodes:
            if isinstance(node, ast.keyword) and node.arg in ("strict", "default"):
                continue
            if isinstance(node, ast.AST):
                yield node
                yield from places(node)


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node may become."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        ops: Any = [SWAPS[type(node.ops[0])](), *node.ops[1:]]
        yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(SWAPS[type(node.op)](), node.values)  # type: ignore[arg-type]
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)  # type: ignore[arg-type]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Return) and node.value and not _is_none(node.value):
        yield ast.Return(ast.Constant(None))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield each mutant of a module: its line's number, the change, and the whole source."""
    tree = ast.parse(source)
    for number, node in enumerate(places(tree)):
        for new in changed(node):
            mutant = copy.deepcopy(tree)
            target = next(one for i, one in enumerate(places(mutant)) if i == number)
            put(mutant, target, new)
            text = f"{ast.unparse(node)} -> {ast.unparse(new)}"
            yield getattr(node, "lineno", 0), text, ast.unparse(ast.fix_missing_locations(mutant))


def put(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put one node in the place of another."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                value[:] = [new if one is old else one for one in value]


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a changed source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> Any:
        """Find the module."""
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def get_filename(self, _name: str) -> str:
        """Return the file's name."""
        return str(self.path)

    def get_data(self, _path: Any) -> bytes:
        """Return the changed source."""
        return self.source.encode()

    def path_stats(self, _path: Any) -> Any:
        """Refuse: nothing is to be kept as bytecode."""
        raise OSError


def survives(module: str, source: str, limit_s: float) -> bool:
    """Tell whether the module's tests pass with this source, in a process of their own."""
    child = os.fork()
    if not child:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        name = f"streamviz.{module.removesuffix('.py').replace('/', '.')}"
        sys.meta_path.insert(0, Mutated(name, ROOT / "streamviz" / module, source))
        files = [f"tests/{one}" if one.endswith(".py") else one for one in TESTS[module]]
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore"]
        os._exit(int(pytest.main([*options, *files])))
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def examine(module: str, each: int, seed: int) -> tuple[int, int]:
    """Try mutants of a module, print those that survive, and return how many were killed of all."""
    source = (ROOT / "streamviz" / module).read_text()
    lines = source.splitlines()
    began = time.monotonic()
    if not survives(module, source, 600):
        sys.exit(f"{module}: its tests fail as it is")
    limit_s = 20 + 5 * (time.monotonic() - began)
    found = list(mutants(source))
    chosen = random.Random(seed).sample(found, min(each or len(found), len(found)))
    killed = explained = 0
    for number, change, mutant in sorted(chosen):
        line = lines[number - 1].strip() if number else ""
        if (line, change) in EQUIVALENT:
            explained += 1
        elif survives(module, mutant, limit_s):
            print(f"  survives {module}:{number}: {change}\n    {line}", flush=True)
        else:
            killed += 1
    tried = len(chosen) - explained
    print(f"{module}: {killed} of {tried} killed, {explained} explained", flush=True)
    return killed, tried


def main() -> int:
    """Try mutants of the modules, and fail if more than a tenth survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("modules", nargs="*", help="names or parts of names; default: all")
    parser.add_argument("--each", type=int, default=40, help="mutants of a module; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chosen = [
        module
        for module in TESTS
        if not options.modules or any(f"/{name}" in f"/{module}" for name in options.modules)
    ]
    results = [examine(module, options.each, options.seed) for module in chosen]
    killed, tried = (sum(column) for column in zip(*results, strict=True))
    print(f"{killed} of {tried} killed: {100 * killed / tried:.0f} %")
    return 0 if killed >= 0.9 * tried else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "notebooks")]
    import hypothesis  # noqa: F401 - imported once, and not in each process
    import pytest

    sys.exit(main())
