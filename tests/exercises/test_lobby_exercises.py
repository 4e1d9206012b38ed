"""The exercises of notebook 10, and the naive lobby that it warns about."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import redis as redis_py
from slow import slow

from exercises import lobby as exercise
from exercises import naive_lobby
from go_game.lobby_clients import LobbyClients
from go_game.service_process import ServiceProcess
from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream, read_streams
from streamviz.server.embedded import EmbeddedServer


@pytest.fixture(autouse=True)
def _tidy(redis: redis_py.Redis) -> None:
    exercise.clean_up(redis)


LOCK = threading.Lock()


def look_then_take(client: Any, seat: str, buyer: str) -> bool:
    if client.hexists("sale:seats", seat):
        return False
    client.hset("sale:seats", seat, buyer)
    return True


def take_whatever(client: Any, seat: str, buyer: str) -> bool:
    client.hset("sale:seats", seat, buyer)
    return True


def take_then_look(client: Any, seat: str, buyer: str) -> bool:
    client.hset("sale:seats", seat, buyer)
    return bool(client.hget("sale:seats", seat) == buyer.encode())


def look_take_and_look(client: Any, seat: str, buyer: str) -> bool:
    return not client.hexists("sale:seats", seat) and take_then_look(client, seat, buyer)


def look_then_take_through_a_pipeline(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline() as pipe:
        (taken,) = pipe.hexists("sale:seats", seat).execute()
        if not taken:
            pipe.hset("sale:seats", seat, buyer).execute()
    return not taken


def sell_nothing(client: Any, seat: str, buyer: str) -> bool:
    return False


def take_if_it_is_nil(client: Any, seat: str, buyer: str) -> bool:
    script = """
    local owner = redis.call('HGET', KEYS[1], ARGV[1])
    if owner == nil then
      redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
      return 1
    end
    return owner == ARGV[2] and 1 or 0
    """
    return bool(client.eval(script, 1, "sale:seats", seat, buyer))


def take_for_somebody_else(client: Any, seat: str, buyer: str) -> bool:
    return bool(client.hsetnx("sale:seats", seat, "me"))


def promise_elsewhere(client: Any, seat: str, buyer: str) -> bool:
    return bool(client.setnx(f"sale:{seat}", buyer))


def take_under_a_lock_for_a_while(client: Any, seat: str, buyer: str) -> bool:
    if not client.set(f"sale:lock:{seat}", buyer, nx=True, ex=30):
        return False
    return look_then_take(client, seat, buyer)


def take_under_a_lock_that_expires(client: Any, seat: str, buyer: str) -> bool:
    with client.lock("sale:lock", timeout=30, sleep=0.005):
        return look_then_take(client, seat, buyer)


def take_under_a_lock_that_stays(client: Any, seat: str, buyer: str) -> bool:
    with client.lock("sale:lock", sleep=0.005):
        owner = client.hget("sale:seats", seat)
        return bool(owner == buyer.encode() if owner else look_then_take(client, seat, buyer))


def take_if_first_to_count(client: Any, seat: str, buyer: str) -> bool:
    if client.hincrby("sale:count", seat, 1) != 1:
        return False
    client.hset("sale:seats", seat, buyer)
    return True


def take_with_a_mark_first(client: Any, seat: str, buyer: str) -> bool:
    if not client.setnx(f"sale:taken:{seat}", buyer):
        return bool(client.hget("sale:seats", seat) == buyer.encode())
    client.hset("sale:seats", seat, buyer)
    return True


def take_once_and_refuse_the_owner(client: Any, seat: str, buyer: str) -> bool:
    return bool(client.hsetnx("sale:seats", seat, buyer))


def take_and_promise_to_all(client: Any, seat: str, buyer: str) -> bool:
    client.hsetnx("sale:seats", seat, buyer)
    return client.hget("sale:seats", seat) is not None


def take_under_a_lock_elsewhere(client: Any, seat: str, buyer: str) -> bool:
    lock = f"elsewhere:{seat}"
    if not client.set(lock, buyer, nx=True, ex=30) and client.get(lock) != buyer.encode():
        return bool(client.hget("sale:seats", seat) == buyer.encode())
    owner = client.hget("sale:seats", seat)
    if not owner:
        client.hset("sale:seats", seat, buyer)
    client.delete(lock)
    return bool(not owner or owner == buyer.encode())


class FieldLock:
    """A lock that is a field of a hash, and expires (HPEXPIRE, since Redis 7.4)."""

    def __init__(self, client: Any, seat: str) -> None:
        self._client, self._seat = client, seat

    def acquire(self) -> bool:
        """Wait for the lock for 0.4 seconds; it lasts for nine."""
        until = time.monotonic() + 0.4
        with self._client.pipeline() as both:
            while time.monotonic() < until:
                both.hsetnx("sale:locks", self._seat, 1)
                both.execute_command("HPEXPIRE", "sale:locks", 9000, "NX", "FIELDS", 1, self._seat)
                if both.execute()[0]:
                    return True
        return False

    def release(self) -> None:
        """Delete the field."""
        self._client.hdel("sale:locks", self._seat)


def take_for_an_hour(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline(transaction=True) as both:
        both.hsetnx("sale:seats", seat, buyer).expire("sale:seats", 3600)
        return bool(both.hget("sale:seats", seat).execute()[-1] == buyer.encode())


def take_for_an_hour_in_three_steps(client: Any, seat: str, buyer: str) -> bool:
    client.hsetnx("sale:seats", seat, buyer)
    client.expire("sale:seats", 3600)
    return bool(client.hget("sale:seats", seat) == buyer.encode())


def expire_when_the_owner_asks_again(client: Any, seat: str, buyer: str) -> bool:
    script = """
        local taken = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
        local mine = redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2]
        if mine and taken == 0 then redis.call('EXPIRE', KEYS[1], 3600) end
        return mine
    """
    return bool(client.eval(script, 1, "sale:seats", seat, buyer))


def take_a_field_for_an_hour(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline(transaction=True) as both:
        both.hsetnx("sale:seats", seat, buyer)
        both.execute_command("HPEXPIRE", "sale:seats", 3_600_000, "NX", "FIELDS", 1, seat)
        return bool(both.hget("sale:seats", seat).execute()[-1] == buyer.encode())


def take_for_ever_after_an_hour(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline(transaction=True) as both:
        both.hsetnx("sale:seats", seat, buyer).expire("sale:seats", 3600).persist("sale:seats")
        return bool(both.hget("sale:seats", seat).execute()[-1] == buyer.encode())


def take_by_comparing_text(client: Any, seat: str, buyer: str) -> bool:
    client.hsetnx("sale:seats", seat, buyer)
    return bool(client.hget("sale:seats", seat) == buyer)


def take_by_watch_or_give_up(client: Any, seat: str, buyer: str) -> bool:
    with client.pipeline() as pipe:
        pipe.watch("sale:seats")
        if owner := pipe.hget("sale:seats", seat):
            return bool(owner == buyer.encode())
        pipe.multi()
        pipe.hset("sale:seats", seat, buyer)
        try:
            pipe.execute()
        except redis_py.WatchError:
            return False
        return True


def take_by_watch_or_look_at_the_owner(client: Any, seat: str, buyer: str) -> bool:
    taken = take_by_watch_or_give_up(client, seat, buyer)
    return taken or bool(client.hget("sale:seats", seat) == buyer.encode())


def take_if_the_count_is_the_same(client: Any, seat: str, buyer: str) -> bool:
    script = """
        if redis.call('HLEN', KEYS[1]) == tonumber(ARGV[3]) then
            redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
        end
        return redis.call('HGET', KEYS[1], ARGV[1])
    """
    count = client.hlen("sale:seats")
    return bool(client.eval(script, 1, "sale:seats", seat, buyer, count) == buyer.encode())


def take_if_the_name_is_in_the_text(client: Any, seat: str, buyer: str) -> bool:
    client.hsetnx("sale:seats", seat, buyer)
    return buyer in str(client.hget("sale:seats", seat))


def take_by(compare: Callable[[bytes, str], bool]) -> Callable[[Any, str, str], bool]:
    def take(client: Any, seat: str, buyer: str) -> bool:
        client.hsetnx("sale:seats", seat, buyer)
        return compare(client.hget("sale:seats", seat), buyer)

    return take


def take_at_once_or_if(compare: Callable[[bytes, str], bool]) -> Callable[[Any, str, str], bool]:
    def take(client: Any, seat: str, buyer: str) -> bool:
        taken = client.hsetnx("sale:seats", seat, buyer)
        return bool(taken) or compare(client.hget("sale:seats", seat), buyer)

    return take


def take_and_look_for_the_buyers_seat(client: Any, seat: str, buyer: str) -> bool:
    client.hsetnx("sale:seats", seat, buyer)
    seat_of = {owner: one for one, owner in client.hgetall("sale:seats").items()}
    return bool(seat_of.get(buyer.encode()) == seat.encode())


def take_and_look_for_the_buyers_first_seat(client: Any, seat: str, buyer: str) -> bool:
    client.hsetnx("sale:seats", seat, buyer)
    sold = client.hgetall("sale:seats").items()
    return [one for one, owner in sold if owner == buyer.encode()][:1] == [seat.encode()]


def take_and_note_the_last_seat(client: Any, seat: str, buyer: str) -> bool:
    script = """
        if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then
            redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
        end
        return redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[1]
    """
    return bool(client.eval(script, 2, "sale:seats", "sale:last", seat, buyer))


def take_in_letters_of_ascii(client: Any, seat: str, buyer: str) -> bool:
    name = buyer.encode("ascii", "ignore")
    client.hsetnx("sale:seats", seat, name)
    return bool(client.hget("sale:seats", seat) == name)


def sell_some(client: Any, seat: str, buyer: str) -> bool:
    return seat != "seat-3" and bool(client.hsetnx("sale:seats", seat, buyer))


@pytest.mark.parametrize(
    ("take", "hint"),
    [
        (look_then_take, "more than once"),
        (take_whatever, "more than once"),
        (take_then_look, "more than once"),
        (look_take_and_look, "more than once"),
        (look_then_take_through_a_pipeline, "more than once"),
        (take_and_promise_to_all, "or take() returned true to a buyer who isn't the owner"),
        (sell_nothing, "no seat was sold, and `sale:seats` is empty"),
        (take_if_it_is_nil, "In a Lua script, `HGET` of a missing field is false, not nil"),
        (take_by_comparing_text, "The client returns values as bytes, and b'ann' isn't 'ann'"),
        (take_by_watch_or_give_up, "look again after a WatchError"),
        (take_by_watch_or_look_at_the_owner, "another seat was sold meanwhile"),
        (take_if_the_count_is_the_same, "another seat was sold meanwhile"),
        (take_for_somebody_else, "not the buyer who got the promise"),
        (promise_elsewhere, "not the buyer who got the promise"),
        (sell_some, "not all seats"),
        (
            take_if_the_name_is_in_the_text,
            "'joanna' owns a seat, and take() returned true to 'ann'. The two are different",
        ),
        (
            take_by(lambda owner, buyer: owner.decode().startswith(buyer)),
            "'anna' owns a seat, and take() returned true to 'ann'. The two are different buyers.",
        ),
        (take_by(lambda owner, buyer: owner.decode().endswith(buyer)), "'joanna' owns a seat, and"),
        (take_by(lambda owner, buyer: buyer.startswith(owner.decode())), "Compare whole names"),
        (
            take_by(lambda owner, buyer: owner.decode().lower() == buyer.lower()),
            "'ann' owns a seat, and take() returned true to 'Ann'",
        ),
        (
            take_by(lambda owner, buyer: owner.decode().split()[0] == buyer.split()[0]),
            "'zoë' owns a seat, and take() returned true to 'zoë b'",
        ),
        (
            take_by(lambda owner, buyer: str(owner)[2:-1] == buyer),
            "take() returned false to 'zoë'. A name may have spaces, and letters such as ë.",
        ),
        (
            take_by(lambda owner, buyer: owner.decode("latin-1") == buyer),
            "`decode()` makes them text, and `str()` only shows them",
        ),
        (
            take_at_once_or_if(lambda owner, buyer: str(owner)[2:-1] == buyer),
            "'zoë' owns a seat in `sale:seats`, but take() returned false to 'zoë'.",
        ),
        (
            take_in_letters_of_ascii,
            "'zoë' took a seat, but the owner in `sale:seats` is 'zo'. Compare whole names.",
        ),
        (
            take_and_look_for_the_buyers_seat,
            "owns several seats in `sale:seats`, and take() returned false for one of them. Look",
        ),
        (take_and_look_for_the_buyers_first_seat, "not all seats"),
        (take_and_note_the_last_seat, "for the owner of the seat, not for the seat of the owner"),
        (take_under_a_lock_for_a_while, "Your lock expired meanwhile"),
        (take_under_a_lock_that_expires, "the owner in sale:seats is 'slow', but the promise"),
        (take_under_a_lock_elsewhere, "uses the key `elsewhere:seat-0`. Begin the names of all"),
        slow(take_under_a_lock_that_stays, "now no buyer can have its seat"),
        (take_if_first_to_count, "now no buyer can have its seat"),
        (take_with_a_mark_first, "now no buyer can have its seat"),
        (take_for_an_hour, "the owners in `sale:seats` expire, and then a seat is sold again"),
        (take_for_an_hour_in_three_steps, "A lock may expire, an owner may not."),
        (expire_when_the_owner_asks_again, "A lock may expire, an owner may not."),
        (take_once_and_refuse_the_owner, "Also return true if the buyer already has the seat"),
    ],
)
def test_a_handler_that_sells_wrongly_is_not_yet_right(
    redis: redis_py.Redis, take: Any, hint: str
) -> None:
    verdict = exercise.check_sale(redis, take)
    assert not verdict.right
    assert hint in verdict.text


def test_a_field_that_expires_is_a_lock_that_expires(redis: redis_py.Redis) -> None:
    def take(client: Any, seat: str, buyer: str) -> bool:
        lock = FieldLock(client, seat)
        if not lock.acquire():
            return bool(client.hget("sale:seats", seat) == buyer.encode())
        try:
            return look_then_take(client, seat, buyer)
        finally:
            lock.release()

    if not Stream(redis, "sale:log").connection.version.has((7, 4)):
        pytest.skip("HPEXPIRE needs Redis 7.4")
    verdict = exercise.check_sale(redis, take)
    assert "Your lock expired meanwhile" in verdict.text


def test_an_owner_whose_field_expires_is_not_yet_right(redis: redis_py.Redis) -> None:
    if not Stream(redis, "sale:log").connection.version.has((7, 4)):
        pytest.skip("HPEXPIRE needs Redis 7.4")
    verdict = exercise.check_sale(redis, take_a_field_for_an_hour)
    assert "A lock may expire, an owner may not." in verdict.text


def test_buyers_can_t_use_another_client_that_never_pauses(redis: redis_py.Redis) -> None:
    verdict = exercise.check_sale(redis, lambda _client, *sale: take_at_once(redis, *sale))
    assert not verdict.right
    assert "Use no other client" in verdict.text


def take_under_a_lock_of_python(client: Any, seat: str, buyer: str) -> bool:
    with LOCK:
        return look_then_take(client, seat, buyer)


def test_a_lock_in_python_is_not_yet_right_and_stops_nothing(redis: redis_py.Redis) -> None:
    verdict = exercise.check_sale(redis, take_under_a_lock_of_python)
    assert not verdict.right
    assert "A lock there works in one process only" in verdict.text


def take_at_once(client: Any, seat: str, buyer: str) -> Any:
    client.hsetnx("sale:seats", seat, buyer)
    return client.hget("sale:seats", seat) == buyer.encode()


def take_at_once_or_look(client: Any, seat: str, buyer: str) -> Any:
    return client.hsetnx("sale:seats", seat, buyer) or (
        client.hget("sale:seats", seat) == buyer.encode()
    )


def take_in_a_transaction(client: Any, seat: str, buyer: str) -> Any:
    with client.pipeline() as pipe:
        _, owner = pipe.hsetnx("sale:seats", seat, buyer).hget("sale:seats", seat).execute()
    return owner == buyer.encode()


def take_among_all_that_is_sold(client: Any, seat: str, buyer: str) -> Any:
    client.hsetnx("sale:seats", seat, buyer)
    return (seat.encode(), buyer.encode()) in client.hgetall("sale:seats").items()


def take_by_script(client: Any, seat: str, buyer: str) -> Any:
    script = """
        redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
        return redis.call('HGET', KEYS[1], ARGV[1])
    """
    return client.eval(script, 1, "sale:seats", seat, buyer) == buyer.encode()


def take_by_watch(client: Any, seat: str, buyer: str) -> bool:
    while not (taken := take_by_watch_or_give_up(client, seat, buyer)):
        if owner := client.hget("sale:seats", seat):
            return bool(owner == buyer.encode())
    return taken


def take_by_watch_of_the_seat(client: Any, seat: str, buyer: str) -> bool:
    """Watch a key of the seat's own."""
    with client.pipeline() as pipe:
        while True:
            try:
                pipe.watch(f"sale:watched:{seat}")
                if owner := pipe.hget("sale:seats", seat):
                    return bool(owner == buyer.encode())
                pipe.multi()
                pipe.set(f"sale:watched:{seat}", buyer).hset("sale:seats", seat, buyer)
                pipe.execute()
            except redis_py.WatchError:
                continue
            return True


def take_by_watch_in_a_loop(client: Any, seat: str, buyer: str) -> Any:
    def sell(pipe: Any) -> None:
        owner = pipe.hget("sale:seats", seat)
        pipe.multi()
        if not owner:
            pipe.hset("sale:seats", seat, buyer)

    client.transaction(sell, "sale:seats")
    return client.hget("sale:seats", seat) == buyer.encode()


def take_by_the_head_of_a_queue(client: Any, seat: str, buyer: str) -> Any:
    client.rpush(f"sale:queue:{seat}", buyer)
    first = client.lindex(f"sale:queue:{seat}", 0)
    client.hset("sale:seats", seat, first)
    return first == buyer.encode()


def take_and_ask_for_the_time(client: Any, seat: str, buyer: str) -> Any:
    client.time()  # a command without a key
    return take_at_once(client, seat, buyer)


def take_by_a_stored_script(client: Any, seat: str, buyer: str) -> Any:
    script = """
        redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
        return redis.call('HGET', KEYS[1], ARGV[1])
    """
    take = client.register_script(script)
    return take(keys=["sale:seats"], args=[seat, buyer]) == buyer.encode()


def take_under_a_lock_for_order_only(client: Any, seat: str, buyer: str) -> Any:
    with suppress(redis_py.exceptions.LockError), client.lock("sale:lock", timeout=30, sleep=0.005):
        return take_at_once(client, seat, buyer)
    return take_at_once(client, seat, buyer)


@pytest.mark.parametrize(
    "take",
    [
        take_at_once,
        take_at_once_or_look,
        take_in_a_transaction,
        take_among_all_that_is_sold,
        take_by_script,
        take_by_watch,
        take_by_watch_of_the_seat,
        take_by_watch_in_a_loop,
        take_by_the_head_of_a_queue,
        take_and_ask_for_the_time,
        take_by_a_stored_script,
        take_under_a_lock_for_order_only,
        take_by(lambda owner, buyer: owner.decode() == buyer),
        take_by(lambda owner, buyer: str(owner, "utf-8") == buyer),
        take_by(lambda owner, buyer: str(owner) == str(buyer.encode())),
        take_for_ever_after_an_hour,
    ],
)
def test_checking_and_taking_in_one_command_is_right(redis: redis_py.Redis, take: Any) -> None:
    verdict = exercise.check_sale(redis, take)
    assert verdict.right, verdict


def test_an_error_of_the_learner_s_own_comes_through(redis: redis_py.Redis) -> None:
    def broken(client: Any, seat: str, buyer: str) -> bool:
        raise ZeroDivisionError(buyer)

    def by_letters_of_ascii(client: Any, seat: str, buyer: str) -> bool:
        client.hsetnx("sale:seats", seat, buyer)
        return bool(client.hget("sale:seats", seat).decode("ascii") == buyer)

    with pytest.raises(ZeroDivisionError):
        exercise.check_sale(redis, broken)
    with pytest.raises(UnicodeDecodeError):
        exercise.check_sale(redis, by_letters_of_ascii)


def pairs_of(client: Any, events: list[tuple[bool, str]]) -> None:
    waiting = ""
    for leaves, who in events:
        if leaves:
            waiting = "" if waiting == who else waiting
        elif waiting in ("", who):
            waiting = who
        else:
            client.rpush("meet:pairs", f"{waiting} {who}")
            waiting = ""


def who(client: Any, key: str) -> list[tuple[str, str]]:
    return [(one.decode(), fields[b"who"].decode()) for one, fields in client.xrange(key)]


def in_order(client: Any) -> None:
    after = {"meet:find": "0", "meet:leave": "0"}
    entries = read_streams(client, after)
    pairs_of(client, [(key == "meet:leave", entry.fields["who"]) for key, entry in entries])


def by_hand(client: Any) -> None:
    events = [
        (tuple(map(int, one.split("-"))), key == "meet:leave", name)
        for key in ("meet:find", "meet:leave")
        for one, name in who(client, key)
    ]
    pairs_of(client, [(leaves, name) for _, leaves, name in sorted(events)])


def against_herself(client: Any) -> None:
    waiting = None
    for key, entry in read_streams(client, {"meet:find": "0", "meet:leave": "0"}):
        who = entry.fields["who"]
        if key == "meet:leave":
            waiting = None if who == waiting else waiting
        elif waiting is None:
            waiting = who
        else:
            client.rpush("meet:pairs", f"{waiting} {who}")
            waiting = None


def not_at_all_if_she_asks_again(client: Any) -> None:
    waiting = None
    for key, entry in read_streams(client, {"meet:find": "0", "meet:leave": "0"}):
        who = entry.fields["who"]
        if key == "meet:leave":
            waiting = None if who == waiting else waiting
        elif waiting is None:
            waiting = who
        else:
            if waiting != who:
                client.rpush("meet:pairs", f"{waiting} {who}")
            waiting = None


def from_a_list_of_those_who_wait(client: Any) -> None:
    waiting: list[str] = []
    for key, entry in read_streams(client, {"meet:find": "0", "meet:leave": "0"}):
        waiting = [one for one in waiting if one != entry.fields["who"]]
        if key == "meet:find":
            waiting.append(entry.fields["who"])
        if len(waiting) == 2:
            client.rpush("meet:pairs", " ".join(waiting))
            waiting = []


def never_look_who_left(client: Any) -> None:
    pairs_of(client, [(False, name) for _, name in who(client, "meet:find")])


def those_who_left_last(client: Any) -> None:
    asked = [(False, name) for _, name in who(client, "meet:find")]
    pairs_of(client, asked + [(True, name) for _, name in who(client, "meet:leave")])


def without_those_who_left(client: Any) -> None:
    left = {name for _, name in who(client, "meet:leave")}
    asked = [(False, name) for _, name in who(client, "meet:find") if name not in left]
    pairs_of(client, asked)


def forget_who_waits_whoever_leaves(client: Any) -> None:
    waiting = None
    for key, entry in read_streams(client, {"meet:find": "0", "meet:leave": "0"}):
        name = entry.fields["who"]
        if key == "meet:leave":
            waiting = None
        elif waiting in (None, name):
            waiting = name
        else:
            client.rpush("meet:pairs", f"{waiting} {name}")
            waiting = None


def by_ids_as_text(client: Any) -> None:
    events = [
        (one, key == "meet:leave", name)
        for key in ("meet:find", "meet:leave")
        for one, name in who(client, key)
    ]
    pairs_of(client, [(leaves, name) for _, leaves, name in sorted(events)])


def by_a_dict_of_ids(client: Any) -> None:
    acts = {}
    for key in ("meet:find", "meet:leave"):
        for entry in Stream(client, key).range():
            acts[entry.id] = key == "meet:leave", entry.fields["who"]
    pairs_of(client, [acts[one] for one in sorted(acts)])


def by_a_hash_of_ids(client: Any) -> None:
    ids = {name: set(dict(who(client, name))) for name in ("meet:find", "meet:leave")}
    find, leave = dict(who(client, "meet:find")), dict(who(client, "meet:leave"))
    in_order = sorted(ids["meet:find"] | ids["meet:leave"], key=EntryId.parse)
    pairs_of(client, [(one in leave, leave.get(one) or find[one]) for one in in_order])


def by_lists_for_each_id(client: Any) -> None:
    acts: dict[EntryId, list[tuple[bool, str]]] = {}
    for key in ("meet:leave", "meet:find"):
        for entry in Stream(client, key).range():
            acts.setdefault(entry.id, []).append((key == "meet:leave", entry.fields["who"]))
    pairs_of(client, [act for one in sorted(acts) for act in acts[one]])


def by_milliseconds_and_names(client: Any) -> None:
    events = [
        (int(one.split("-")[0]), name, key == "meet:leave")
        for key in ("meet:find", "meet:leave")
        for one, name in who(client, key)
    ]
    pairs_of(client, [(leaves, name) for _, name, leaves in sorted(events)])


def one_game_for_each_player(client: Any) -> None:
    waiting, played = "", set[str]()
    for key, entry in read_streams(client, {"meet:find": "0", "meet:leave": "0"}):
        name = entry.fields["who"]
        if key == "meet:leave":
            waiting = "" if name == waiting else waiting
        elif name not in played and waiting in ("", name):
            waiting = name
        elif name not in played:
            client.rpush("meet:pairs", f"{waiting} {name}")
            played |= {waiting, name}
            waiting = ""


class OncePerPair:
    """A client that appends each pair only once."""

    def __init__(self, client: Any, *, sort: bool) -> None:
        self._client, self._sort, self._seen = client, sort, set[tuple[str, ...]]()

    def rpush(self, key: str, pair: str) -> None:
        """Append a pair that is new."""
        players = tuple(sorted(pair.split()) if self._sort else pair.split())
        if players not in self._seen:
            self._seen.add(players)
            self._client.rpush(key, pair)


def each_pair_once(client: Any, *, sort: bool = True) -> None:
    entries = read_streams(client, {"meet:find": "0", "meet:leave": "0"})
    events = [(key == "meet:leave", entry.fields["who"]) for key, entry in entries]
    pairs_of(OncePerPair(client, sort=sort), events)


def pages_of(count: int, *, all_of_them: bool = False) -> Callable[[Any], None]:
    def meet(client: Any) -> None:
        events = []
        for key in ("meet:find", "meet:leave"):
            start = "-"
            while page := client.xrange(key, start, count=count):
                for one, fields in page:
                    ms, seq = map(int, one.split(b"-"))
                    events.append(((ms, seq), key == "meet:leave", fields[b"who"].decode()))
                start = f"({page[-1][0].decode()}"
                if not all_of_them:
                    break
        pairs_of(client, [(leaves, name) for _, leaves, name in sorted(events)])

    return meet


def by_milliseconds_and_leaves_last(client: Any) -> None:
    events = [
        (int(one.split("-")[0]), key == "meet:leave", name)
        for key in ("meet:find", "meet:leave")
        for one, name in who(client, key)
    ]
    events.sort(key=lambda event: event[:2])
    pairs_of(client, [(leaves, name) for _, leaves, name in events])


def by_names(
    of: Callable[[Any], str], same: Callable[[str, str], bool], *, leaving_only: bool = False
) -> Callable[[Any], None]:
    def meet(client: Any) -> None:
        waiting = ""
        for key, entry in read_streams(client, {"meet:find": "0", "meet:leave": "0"}):
            name = of(entry.fields["who"])
            if key == "meet:leave":
                waiting = "" if waiting and same(name, waiting) else waiting
            elif not waiting or (name == waiting if leaving_only else same(name, waiting)):
                waiting = name
            else:
                client.rpush("meet:pairs", f"{waiting} {name}")
                waiting = ""

    return meet


def by_number(number: Callable[[int, int], float]) -> Callable[[Any], None]:
    def meet(client: Any) -> None:
        events = [
            (number(*map(int, one.split("-"))), key == "meet:leave", name)
            for key in ("meet:find", "meet:leave")
            for one, name in who(client, key)
        ]
        events.sort(key=lambda event: event[0])
        pairs_of(client, [(leaves, name) for _, leaves, name in events])

    return meet


WHOLE_NAMES = (
    "Order the requests by their whole IDs. Compare whole names, which may have letters such as ë."
)


def take_them_out(client: Any) -> None:
    in_order(client)
    client.delete("meet:find", "meet:leave")


def wait_for_more(client: Any) -> None:
    client.xread({"meet:find": "$"}, block=0)


def pairs_as_a_set(client: Any) -> None:
    client.sadd("meet:pairs", "zoe yan")


@pytest.mark.parametrize(
    ("meet", "hint"),
    [
        (lambda client: None, "The first two play, and the third waits. Your list has nothing"),
        (never_look_who_left, "zoe left before yan asked"),
        (those_who_left_last, "zoe left before yan asked"),
        (without_those_who_left, "zoe left after she was seated with yan"),
        (forget_who_waits_whoever_leaves, "wim still waits when kim asks"),
        (one_game_for_each_player, "and play a second game. Your list has zoe yan, wim kim."),
        (
            each_pair_once,
            "zoe and yan ask once more, and play a second game. Your list has zoe yan",
        ),
        (lambda client: each_pair_once(client, sort=False), "and play a second game."),
        (pages_of(10), "Read all requests, however many there are. Your list has zoe yan"),
        (by_milliseconds_and_names, "so zoe plays yan, and wim plays kim"),
        (by_ids_as_text, "IDs are numbers, not text"),
        (against_herself, "She plays yan, not herself. Your list has zoe zoe."),
        (not_at_all_if_she_asks_again, "zoe asked twice, and still waited when yan asked"),
        (by_milliseconds_and_leaves_last, WHOLE_NAMES),
        (by_number(lambda ms, seq: ms), WHOLE_NAMES),
        (by_number(lambda ms, seq: ms * 1000 + seq), WHOLE_NAMES),
        (by_number(lambda ms, seq: float(f"{ms}.{seq}")), "so zoe plays yan, and wim plays kim"),
        (by_names(str, lambda name, waiting: name in waiting), WHOLE_NAMES),
        (by_names(str, lambda name, waiting: name in waiting, leaving_only=True), WHOLE_NAMES),
        (by_names(str, lambda name, waiting: waiting in name), WHOLE_NAMES),
        (by_names(str, lambda name, waiting: waiting.startswith(name)), WHOLE_NAMES),
        (by_names(str, lambda name, waiting: name.lower() == waiting.lower()), WHOLE_NAMES),
        (
            by_names(lambda name: str(name.encode())[2:-1], str.__eq__),
            r"Your list has joanna zo\xc3\xab",
        ),
        (by_a_dict_of_ids, "because an ID is unique within one stream only. kim, who left"),
        (by_a_hash_of_ids, "She plays yan, not herself. Your list has nothing."),
        (take_them_out, "Only read them"),
        (wait_for_more, "BLOCK 0 waits for ever"),
        (pairs_as_a_set, "must be a list"),
        (lambda: None, "let it take 1 argument"),
    ],
)
def test_a_lobby_that_seats_a_ghost_is_not_yet_right(
    redis: redis_py.Redis, meet: Any, hint: str
) -> None:
    verdict = exercise.check_meeting(redis, meet)
    assert not verdict.right
    assert hint in verdict.text


@pytest.mark.parametrize(
    "meet",
    [
        in_order,
        by_hand,
        from_a_list_of_those_who_wait,
        by_lists_for_each_id,
        by_names(str, str.__eq__),
        by_number(lambda ms, seq: (ms << 64) + seq),
        pages_of(2, all_of_them=True),
    ],
)
def test_a_lobby_that_reads_both_streams_in_order_is_right(
    redis: redis_py.Redis, meet: Any
) -> None:
    verdict = exercise.check_meeting(redis, meet)
    assert verdict.right, verdict
    assert repr(verdict.picture) == (
        "requests: ann asks, ben asks, cy asks, ann leaves, cy leaves, dee asks, eve asks; "
        "pairs: ann ben, dee eve"
    )


def test_a_strip_shows_who_was_seated_twice_or_never() -> None:
    drawn = exercise.strip(Counter({"player-0": 1, "player-1": 2}), 3)
    assert repr(drawn) == "3 players: 1 seated once, 1 seated twice, 1 seated never."
    assert drawn.svg.count("<rect") == 3 + 3


def test_games_show_what_became_of_each_request(redis: redis_py.Redis, prefix: str) -> None:
    clients = LobbyClients(redis, prefix, every_ms=1000)
    first = clients.find("zoe")
    clients.find("ann")
    clients.listen()
    clients.find("zoe", req_id=first)
    clients.find("zoe", req_id="zoe-again")
    clients.find("kim")
    clients.leave("kim")
    clients.listen()
    assert repr(exercise.games(redis, prefix)) == (
        "asked: zoe, ann, zoe: repeated, zoe: refused, kim (crossed out); "
        "seats: black, white; game 1: zoe, ann"
    )


def test_the_evening_has_four_games_and_one_who_lost_patience(
    redis: redis_py.Redis, prefix: str
) -> None:
    exercise.evening(LobbyClients(redis, prefix, every_ms=1000))
    games = exercise.seated(redis, prefix)
    assert len(games) == 8
    assert set(games.values()) == {1}
    assert "ida" not in games


def test_on_a_stage_each_thing_is_shown_as_it_happens(redis: redis_py.Redis, prefix: str) -> None:
    clients, seen = LobbyClients(redis, prefix), list[int]()
    exercise.evening(clients, lambda: seen.append(len(exercise.seated(redis, prefix))), pause_s=0)
    assert seen == [0, 2, 2, 2, 4, 4, 6, 6, 6, 6, 6, 8, 8]


def test_two_naive_workers_seat_a_session_twice(
    redis: redis_py.Redis, prefix: str, server: EmbeddedServer, until: Callable[..., None]
) -> None:
    clients = LobbyClients(redis, prefix, lobby=False)
    clients.find("first")
    group = Stream(redis, f"{prefix}find-public-game").group("lobby")
    options = ("--crew", "2", "--pause-ms", "2")
    module = "exercises.naive_lobby"
    with (
        ServiceProcess(module, prefix, "--name", "one", *options, url=server.url) as one,
        ServiceProcess(module, prefix, "--name", "two", *options, url=server.url) as two,
    ):
        for wave in range(20):  # until both are up, and meet
            for number in range(50):
                clients.find(f"p{wave}-{number}")
            until(lambda: group.info().lag == 0 and group.pending().count == 0, 20)
            if max(exercise.seated(redis, prefix).values()) > 1:
                break
        one.kill()
        two.kill()
    assert max(exercise.seated(redis, prefix).values()) > 1


def test_one_naive_worker_seats_everybody_once(redis: redis_py.Redis, prefix: str) -> None:
    clients = LobbyClients(redis, prefix, lobby=False)
    for number in range(10):
        clients.find(f"p{number}")
    for entry in Stream(redis, f"{prefix}find-public-game").range():
        naive_lobby.seat(redis, prefix, entry, naive_lobby.who_waits(redis, prefix))
    games = exercise.seated(redis, prefix)
    assert len(games) == 10
    assert set(games.values()) == {1}
