"""The command line: what it lists, and what it says of a mistake."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

import streamviz
from streamviz.cli import main, parser

ROOT = Path(__file__).parent.parent
RECORDING = str(ROOT / "notebooks" / "recordings" / "crash_and_rescue.jsonl.gz")


def commands() -> dict[str, argparse.ArgumentParser]:
    (found,) = (one for one in parser()._actions if isinstance(one.choices, dict))
    return dict(found.choices)


def test_without_arguments_it_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert len(commands()) >= 4
    for name in commands():
        assert f"    {name} " in printed


@pytest.mark.parametrize(
    "start", [["-m", "streamviz"], ["-c", "import streamviz.cli as c; c.main()"]]
)
def test_it_tells_its_version(start: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *start, "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"streamviz {streamviz.__version__}\n"


def test_each_argument_has_help() -> None:
    arguments = [(name, one) for name, command in commands().items() for one in command._actions]
    assert len(arguments) > 30
    assert [(name, one.dest) for name, one in arguments if not one.help] == []


MISTAKES = {
    "exprot run.jsonl.gz": "did you mean export?",
    "export run.jsonl.gz --sped 2": "did you mean --speed?",
    "export run.jsonl.gz --sped=2": "did you mean --speed?",
    "watch --prot 5 orders": "did you mean --port?",
    "export run.jsonl.gz --plot swimlanes": "did you mean swim-lanes?",
    "export run.jsonl.gz --theme drak": "did you mean dark?",
    "replay": "required: recording; see streamviz replay --help",
    "export run.jsonl.gz --speed fast": "'fast'; see streamviz export --help",
    "export run.jsonl.gz --size big": "for example 1280x720; see streamviz export --help",
    "replay one two": "two; see streamviz replay --help",
    "--qqq": "--qqq; see streamviz --help",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_in_one_line(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith("streamviz")
    assert printed.err.endswith(f"{MISTAKES[line]}\n")
    assert printed.err.count("\n") == 1


def test_replay_of_a_notebook_blames_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "talk.ipynb"]) == 1
    printed = capsys.readouterr().err
    assert "talk.ipynb is a notebook: run streamviz export talk.ipynb" in printed
    assert "--" not in printed


def test_an_option_is_named_as_it_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", RECORDING, "-o", str(tmp_path / "a.svg"), "--no-loop"]) == 1
    assert "streamviz: --no-loop is not an option of an image" in capsys.readouterr().err
