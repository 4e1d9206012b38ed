"""The checks of notebook 11 accept right answers and refuse plausible wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from streamviz.course import declarative_or_not as exercise
from streamviz.go.dresses.wardrobe import DRESSES
from streamviz.groups import ConsumerGroup


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


def say(group: ConsumerGroup, *afters: str, ack: bool = True) -> None:
    me = group.consumer("judge")
    for after in afters:
        for entry in me.read(after=after):
            group.stream.client.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
            if ack:
                me.ack(entry.id)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda group: None, "0 of 4"),
        (lambda group: say(group, ">"), "2 of 4"),
        (lambda group: say(group, "0"), "2 of 4"),
        (lambda group: say(group, ">", "0"), "order 3, 4, 1, 2"),
        (lambda group: say(group, "0", ">", ack=False), "4 are still pending"),
        (lambda group: say(group, "0", "0", ">", ack=False), "twice"),
        (lambda group: say(group, "0", ">"), ""),
    ],
)
def test_what_was_held_comes_first(
    redis: redis_py.Redis, answer: Callable[[ConsumerGroup], object], hint: str
) -> None:
    answer(exercise.new_desk(redis))
    verdict = exercise.check_desk(redis)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def judge(redis: redis_py.Redis, entry: Any, key: str, note: bool = True) -> None:
    if not redis.hexists(exercise.NOTED, key):
        redis.xadd(exercise.SAID, {"reply_to": entry.fields["request"]})
        if note:
            redis.hset(exercise.NOTED, key, "said")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda redis, entry: None, "0 of 2"),
        (lambda redis, entry: judge(redis, entry, "", note=False), "request 1 was answered"),
        (lambda redis, entry: judge(redis, entry, str(entry.id)), "request 1 was answered"),
        (lambda redis, entry: redis.hset(exercise.NOTED, entry.fields["request"], ""), "0 of 2"),
        (lambda redis, entry: judge(redis, entry, entry.fields["request"]), ""),
    ],
)
@pytest.mark.parametrize("dies_after", [1, 2, 3])
def test_a_request_is_answered_once_however_often_it_comes(
    redis: redis_py.Redis, answer: Callable[..., object], hint: str, dies_after: int
) -> None:
    group = exercise.new_echo(redis)
    exercise.serve(group, lambda entry: answer(redis, entry), dies_after=dies_after)
    verdict = exercise.check_echo(redis)
    assert verdict.right is (hint == "")
    assert hint in verdict.text


def test_an_excerpt_is_the_code_without_its_docstring() -> None:
    found = exercise.beside("run", *DRESSES)
    assert [dress for dress, _ in found.columns] == list(DRESSES)
    for dress, code in found.columns:
        assert code.startswith("def run(address: str")
        assert '"""' not in code
        assert f"# {dress}\n{code}" in repr(found)
    assert "<b>plain</b>" in found._repr_html_()
    assert "-&gt; None" in found._repr_html_()
    with pytest.raises(LookupError, match="plain has no function 'sing'"):
        exercise.excerpt("plain", "sing")
