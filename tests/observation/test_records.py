"""What a recording needs of the observation room needs no network."""

from __future__ import annotations

import subprocess
import sys

import pytest

RECORDS = (
    "accounting",
    "counting",
    "deliveries",
    "events",
    "history",
    "lag",
    "partition_sample",
    "sample",
    "timeline",
)


@pytest.mark.parametrize("name", RECORDS)
def test_records_load_neither_redis_nor_simpy(name: str) -> None:
    program = f"""
import sys
import streamviz.observation.{name}
print(sorted({{"redis", "hiredis", "simpy"}} & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
