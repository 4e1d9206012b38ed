"""The files that GitHub and pre-commit read: they run what we run, and hold no secret."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamviz import __version__

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def test_each_workflow_may_read_and_no_more_and_ends_in_time() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"test", "release", "audit"}
    for path in WORKFLOWS:
        workflow = read(path)
        assert workflow["permissions"] == {"contents": "read"}, path.name
        assert all(job["timeout-minutes"] <= 30 for job in workflow["jobs"].values())
        assert "secrets." not in path.read_text("utf-8"), path.name


def test_a_release_is_published_without_a_password() -> None:
    jobs = read(GITHUB / "workflows" / "release.yml")["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["needs"] == "build"
    assert not any("with" in step for step in jobs["publish"]["steps"] if "pypa/" in step["uses"])
    assert "permissions" not in jobs["build"], "who builds cannot publish"


def test_a_release_compares_its_tag_with_the_version() -> None:
    steps = read(GITHUB / "workflows" / "release.yml")["jobs"]["build"]["steps"]
    (command,) = (step["run"] for step in steps if "GITHUB_REF_NAME" in step.get("run", ""))
    pattern = re.sub(r"\$\{GITHUB_REF_NAME#v\}", __version__, command.split('"', 1)[1])
    line = pattern.rsplit('" ', 1)[0].replace('\\"', '"')
    assert line in (ROOT / "streamviz" / "__init__.py").read_text("utf-8").splitlines()


def test_ci_tests_each_python_that_we_name() -> None:
    named = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    jobs = read(GITHUB / "workflows" / "test.yml")["jobs"]
    assert len(named) >= 4
    assert jobs["test"]["strategy"]["matrix"]["python"] == named
    both = [one["versions"] for one in jobs["versions"]["strategy"]["matrix"]["include"]]
    assert both == ["lowest", "newest"]


def test_the_newest_redis_as_a_service_and_condas_run_the_notebooks() -> None:
    jobs = read(GITHUB / "workflows" / "redis.yml")["jobs"]
    assert jobs["service"]["services"]["redis"]["image"].startswith("redis:8.")
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert any(step.get("with", {}).get("environment-file") == "environment.yml" for step in steps)
    commands = " ".join(step.get("run", "") for step in steps)
    for path in re.findall(r"\s(notebooks\S*|tests\S*|streamviz\S*)", commands):
        assert (ROOT / path).exists(), path
    assert commands.count("--nbval notebooks") == 2


def commands_of(target: str) -> list[str]:
    """Return which pytest commands a target of make runs."""
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    made = subprocess.run(
        ["make", "--dry-run", "PYTHON=python3", target],
        cwd=ROOT,
        env=own,  # without what a make around this test was told
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in made.stdout.splitlines() if "-m pytest" in line]


def test_make_slow_runs_what_make_test_leaves_out_and_ci_runs_both() -> None:
    quick = [line for line in commands_of("test") if "--nbval" not in line]
    assert len(quick) == 3, "the package, on a second server, in the browser"
    assert all('not slow"' in line for line in quick)
    assert commands_of("slow") == [line.replace("not slow", "slow") for line in quick]
    assert (ROOT / ".ci" / "run").read_text("utf-8").endswith("make test slow\n")
    assert "slow" not in PROJECT["tool"]["pytest"]["ini_options"]["addopts"], (
        "pytest alone leaves out nothing"
    )


def test_pre_commit_runs_what_make_check_runs() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["make check"]
    assert re.search(r"^check:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_dependabot_looks_where_we_name_versions() -> None:
    named = {one["package-ecosystem"] for one in read(GITHUB / "dependabot.yml")["updates"]}
    assert named == {"github-actions", "pip", "npm"}


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.md")))
def test_an_issue_template_has_a_name_and_a_purpose(path: Path) -> None:
    _, header, body = path.read_text("utf-8").split("---\n", 2)
    assert {"name", "about"} <= yaml.safe_load(header).keys()
    assert body.strip()
