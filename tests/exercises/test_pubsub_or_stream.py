"""The checks of notebook 03 accept right answers and reject plausible wrong ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import pytest
import redis as redis_py
from slow import slow

from exercises import pubsub_or_stream as exercise
from exercises.pubsub_or_stream import Survivors
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream


@pytest.fixture(autouse=True)
def _own_keys(redis: redis_py.Redis) -> Iterator[None]:
    yield
    exercise.clean_up(redis)


@pytest.mark.parametrize(
    ("maxlen", "hint"),
    [
        slow(100, "140 entries were trimmed"),
        slow(36, "204 entries were trimmed"),
        (239, "1 entry was trimmed"),
        (240, "covers only 30.0 seconds"),
        slow(263, "covers only 32.9 seconds"),
        slow(300, "which cover 37.5 seconds"),
        slow(289, "which cover 36.1 seconds"),
        slow(400, "which cover 50.0 seconds"),
        slow(264, ""),
        (276, ""),
        slow(288, ""),
    ],
)
def test_the_cap_must_last_as_long_as_the_worker_is_away(
    redis: redis_py.Redis, maxlen: int, hint: str
) -> None:
    assert "Run the whole cell" in repr(exercise.check_shift(redis))
    exercise.run_shift(redis, maxlen=maxlen)
    verdict = exercise.check_shift(redis)
    assert verdict.right is (hint == "")
    assert hint in verdict.text
    assert verdict.picture is not None
    assert (f"{240 - maxlen} missed" in verdict.picture.svg) is (maxlen < 240)


WRONG: dict[str, tuple[Callable[[list[str], int], list[str]], str]] = {
    "only the new": (lambda said, old: said[old:], "the last 3 old words were"),
    "only the old": (lambda said, old: said[old - 3 : old], "you missed"),
    "one is missing": (lambda said, old: [*said[old - 3 : old], *said[old + 1 :]], "you missed"),
    "newest first": (
        lambda said, old: [*said[old - 3 : old][::-1], *said[old:]],
        "not in order",
    ),
    "the last old word twice": (
        lambda said, old: [*said[old - 3 : old], *said[old - 1 :]],
        "twice",
    ),
    "everything": (lambda said, old: said, "Show only the last 3 old words"),
    "typed in": (lambda said, old: ["5", "6", "7", "8", "9"], "the last 3 old words were"),
    "shown after the talk": (lambda said, old: said[old - 3 :], "showed 0 words when you called"),
}


@pytest.mark.parametrize(("words", "hint"), WRONG.values(), ids=WRONG.keys())
def test_the_newcomer_sees_the_last_three_and_then_each_word(
    redis: redis_py.Redis, words: Callable[[list[str], int], list[str]], hint: str
) -> None:
    chat = exercise.new_chat(redis)
    old = int(redis.xlen("chat"))
    assert "no new words" in repr(exercise.check_chat(chat))
    exercise.talk(chat)
    redis.rpush("screen", *words([entry.fields["word"] for entry in chat.range()], old))
    verdict = exercise.check_chat(chat)
    assert not verdict.right
    assert hint in verdict.text


def the_newest_five(chat: Stream) -> None:
    exercise.talk(chat)
    exercise.talk(chat)
    show(chat, chat.reverse_range(count=5)[::-1])


def from_now_on(chat: Stream) -> None:
    show(chat, chat.reverse_range(count=3)[::-1])
    exercise.talk(chat)
    show(chat, chat.read("$"))


def the_past_is_read_last(chat: Stream) -> None:
    exercise.talk(chat)
    show(chat, chat.reverse_range(count=3)[::-1])


def from_the_last_id_after_reading(chat: Stream) -> None:
    show(chat, chat.reverse_range(count=3)[::-1])
    last = chat.info().last_generated_id
    exercise.talk(chat)
    show(chat, chat.read(last))


def from_the_newest_after_reading(chat: Stream) -> None:
    show(chat, chat.range()[-3:])
    last = chat.reverse_range(count=1)[0].id
    exercise.talk(chat)
    show(chat, chat.read(last))


def from_the_last_id_before_reading(chat: Stream) -> None:
    last = chat.info().last_generated_id
    show(chat, chat.reverse_range(count=3)[::-1])
    exercise.talk(chat)
    show(chat, chat.read(last))


def talk_first(chat: Stream) -> None:
    number = len(chat)
    exercise.talk(chat)
    show(chat, chat.range()[number - 3 :])


def with_the_old_number_typed_in(chat: Stream) -> None:
    show(chat, chat.range()[-3:])
    exercise.talk(chat)
    show(chat, chat.range()[24:])


def after(chat: Stream, new: Callable[[Entry], list[Entry]]) -> None:
    past = chat.reverse_range(count=3)[::-1]
    show(chat, past)
    exercise.talk(chat)
    show(chat, new(past[-1]))


def from_the_next_millisecond(chat: Stream) -> None:
    after(chat, lambda last: chat.range(str(last.id.ms + 1)))


def from_the_millisecond(chat: Stream) -> None:
    after(chat, lambda last: chat.read(str(last.id.ms)))


def by_text(chat: Stream) -> None:
    after(chat, lambda last: [one for one in chat.range() if str(one.id) > str(last.id)])


def by_sequence(chat: Stream) -> None:
    after(chat, lambda last: [one for one in chat.range() if one.id.seq > last.id.seq])


def packed(room: int) -> Callable[[Stream], None]:
    """Compare IDs as one number that has room for so many sequence numbers."""

    def answer(chat: Stream) -> None:
        after(chat, lambda last: [e for e in chat.range() if of(e.id, room) > of(last.id, room)])

    return answer


def of(one: EntryId, room: int) -> int:
    return one.ms * room + one.seq


def by_the_clock(chat: Stream) -> None:
    now_ms = int(time.time() * 1000)
    after(chat, lambda _: chat.range(str(now_ms + 1)))


def one_page(chat: Stream) -> None:
    after(chat, lambda last: chat.read(last.id, count=3))


def a_page_of_ten(chat: Stream) -> None:
    after(chat, lambda last: chat.read(last.id, count=10))


def a_range_of_twenty(chat: Stream) -> None:
    after(chat, lambda last: chat.range(f"({last.id}", count=20))


def two_pages_of_ten(chat: Stream) -> None:
    def new(last: Entry) -> list[Entry]:
        first = chat.read(last.id, count=10)
        return [*first, *chat.read(first[-1].id, count=10)]

    after(chat, new)


def without_talk(chat: Stream) -> None:
    past = chat.reverse_range(count=3)[::-1]
    show(chat, [*past, *chat.read(past[-1].id)])


def words_not_on_the_screen(chat: Stream) -> None:
    past = chat.reverse_range(count=3)[::-1]
    show(chat, past)
    exercise.talk(chat)
    for one in chat.range(past[0].id):
        if one.fields["word"].encode() not in chat.client.lrange("screen", 0, -1):
            show(chat, [one])


def words_not_in_the_past(chat: Stream) -> None:
    past = chat.reverse_range(count=3)[::-1]
    show(chat, past)
    exercise.talk(chat)
    known = [one.fields for one in past]
    show(chat, [one for one in chat.range(past[0].id) if one.fields not in known])


def each_new_word_once(chat: Stream) -> None:
    after(chat, lambda last: [*{e.fields["word"]: e for e in chat.read(last.id)}.values()])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (words_not_on_the_screen, "a word may be said again"),
        (words_not_in_the_past, "a word may be said again"),
        (each_new_word_once, "a word may be said again"),
        (the_newest_five, "the last 3 old words were"),
        (from_now_on, "you missed"),
        (the_past_is_read_last, "the last 3 old words were"),
        (from_the_last_id_after_reading, "you missed"),
        (from_the_newest_after_reading, "you missed"),
        (from_the_last_id_before_reading, "on the screen twice"),
        (with_the_old_number_typed_in, "you missed"),
        (talk_first, "the screen showed 0 words when you called exercise.talk(chat)"),
        (from_the_next_millisecond, "words may share a millisecond"),
        (from_the_millisecond, "on the screen twice"),
        (by_text, "you missed"),
        (by_sequence, "you missed"),
        (packed(1000), "you missed"),
        (packed(10**6), "So go by the IDs."),
        (by_the_clock, "you missed"),
        (one_page, "more. Read on after the last word"),
        (a_page_of_ten, "more. Read on after the last word"),
        (a_range_of_twenty, "you missed"),
        (two_pages_of_ten, "you missed"),
        (without_talk, "no new words"),
    ],
)
def test_a_newcomer_with_a_gap_is_refused(
    redis: redis_py.Redis, answer: Callable[[Stream], None], hint: str
) -> None:
    chat = exercise.new_chat(redis)
    answer(chat)
    verdict = exercise.check_chat(chat)
    assert not verdict.right
    assert hint in verdict.text


def overlapping(chat: Stream) -> None:
    past = chat.reverse_range(count=3)[::-1]
    show(chat, past)
    exercise.talk(chat)
    show(chat, chat.range(f"({past[-1].id}"))


def all_but_the_first_three(chat: Stream) -> None:
    past = chat.reverse_range(count=3)[::-1]
    show(chat, past)
    exercise.talk(chat)
    show(chat, chat.range(past[0].id)[3:])


def after_a_look_at_all(chat: Stream) -> None:
    assert 5 <= len(chat.range()) <= 20
    past = chat.reverse_range(count=3)[::-1]
    show(chat, past)
    exercise.talk(chat)
    show(chat, chat.read(past[-1].id))


def show(chat: Stream, entries: Iterable[Entry]) -> None:
    for entry in entries:
        chat.client.rpush("screen", entry.fields["word"])


def in_two_talks(chat: Stream) -> None:
    last = (past := chat.reverse_range(count=3)[::-1])[-1].id
    show(chat, past)
    for _ in range(2):
        exercise.talk(chat)
        new = chat.read(last)
        show(chat, new)
        last = new[-1].id


def one_by_one(chat: Stream) -> None:
    new = chat.reverse_range(count=3)[::-1]
    show(chat, new)
    exercise.talk(chat)
    while new := chat.read(new[-1].id, count=1):
        show(chat, new)


def by_ids_that_are_known(chat: Stream) -> None:
    new = chat.reverse_range(count=3)[::-1]
    known: set[EntryId] = set()
    for _ in range(2):
        show(chat, [one for one in new if one.id not in known])
        known |= {one.id for one in new}
        exercise.talk(chat)
        new = chat.range(min(known))
    show(chat, [one for one in new if one.id not in known])


def page_by_page(chat: Stream) -> None:
    new = chat.reverse_range(count=3)[::-1]
    show(chat, new)
    exercise.talk(chat)
    while new := chat.read(new[-1].id, count=10):
        show(chat, new)


def in_six_talks(chat: Stream) -> None:
    new = chat.reverse_range(count=3)[::-1]
    show(chat, new)
    for _ in range(6):
        exercise.talk(chat)
        show(chat, new := chat.read(new[-1].id))


def packed_with_room_for_all(chat: Stream) -> None:
    packed(2**64)(chat)


READ_ON = [
    page_by_page,
    in_six_talks,
    by_ids_that_are_known,
    overlapping,
    all_but_the_first_three,
    after_a_look_at_all,
    in_two_talks,
    one_by_one,
    packed_with_room_for_all,
]


@pytest.mark.parametrize("answer", READ_ON)
def test_a_newcomer_may_read_on_in_any_way(
    redis: redis_py.Redis, answer: Callable[[Stream], None]
) -> None:
    chat = exercise.new_chat(redis)
    answer(chat)
    assert exercise.check_chat(chat).right


def test_a_check_hints_where_a_key_is_gone_or_of_another_kind(redis: redis_py.Redis) -> None:
    chat = exercise.new_chat(redis)
    redis.set("screen", "5, 6, 7, 8, 9")
    redis.set("shift", "no stream")
    assert "Start again with new_chat" in repr(exercise.check_chat(chat))
    assert "Run the whole cell" in repr(exercise.check_shift(redis))
    redis.delete("chat", "screen", "shift")
    assert "words are gone" in repr(exercise.check_chat(chat))


@pytest.mark.parametrize(
    "lose",
    [
        lambda chat: chat.trim(maxlen=0),
        lambda chat: chat.delete(*(entry.id for entry in chat.range())),
        lambda chat: chat.client.delete("chat"),
    ],
)
def test_a_check_says_that_words_are_gone(
    redis: redis_py.Redis, lose: Callable[[Stream], object]
) -> None:
    chat = exercise.new_chat(redis)
    show(chat, chat.reverse_range(count=3)[::-1])
    lose(chat)
    exercise.talk(chat)
    show(chat, chat.range())
    assert "words are gone from the stream" in exercise.check_chat(chat).text


def test_a_listener_gets_the_messages_sent_while_it_listens(redis: redis_py.Redis) -> None:
    redis.publish("radio", "before")
    listener = redis.pubsub()
    listener.subscribe("radio")
    assert exercise.hear(listener) == []
    for word in ("one", "two"):
        redis.publish("radio", word)
    assert exercise.hear(listener) == ["one", "two"]
    assert exercise.hear(listener) == []
    listener.close()


def test_a_killed_server_keeps_what_its_options_promise() -> None:
    assert exercise.after_a_kill() == Survivors(0, None)
    saved = exercise.after_a_kill(save_after=3)
    assert saved == Survivors(3, 2)
    assert "; left: 1-0, 2-0, 3-0, 4-0 (crossed out), 5-0 (crossed out); group: crew" in repr(
        saved.picture
    )
    assert repr(saved.picture).endswith("pending: 1-0, 2-0")
    assert exercise.after_a_kill(save_after=1) == Survivors(1, 0)
    for fsync in ("everysec", "always"):
        log = ("--appendonly", "yes", "--appendfsync", fsync)
        assert exercise.after_a_kill(*log) == Survivors(5, 2)
