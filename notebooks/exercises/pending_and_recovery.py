"""The exercises of notebook 05: recover everything, and tell a poison entry from bad luck."""

from __future__ import annotations

from collections.abc import Iterable
from random import sample

import redis

from exercises import journal
from exercises.bounded import bounded
from exercises.boxes import Lost, boxes
from exercises.claims import Handled, left_ten_minutes_ago, replayed
from exercises.consumer_groups import read_list
from exercises.hints import hinted
from exercises.journal import Command
from exercises.night import DROPPED, EARLY, NOT_HELD, UNCLAIMED, check_night, told_of
from exercises.notes import NOTED, noted_first
from exercises.picture import Picture
from exercises.verdict import Verdict, count_of, grade, stream_of
from streamviz.client import ConsumerGroup, EntryId, Stream
from streamviz.patterns import DeadLetters

_NO_LETTER = (
    "there is no dead letter yet. `DeadLetters` moves an entry with its history.",
    "what `mill:dead` holds is no dead letter, because it lacks a dead letter's history. "
    "`DeadLetters` moves an entry with its history.",
)
_UNLUCKY, _FRESH = EntryId(2), EntryId(3)
_POISON = {EntryId(1): 5, EntryId(4): 6}  # and how often it was delivered
_IDS = (EntryId(1), _UNLUCKY, _FRESH, EntryId(4))

__all__ = ["check_mill", "check_night", "clean_up", "new_mill"]


def _sacks(millers: ConsumerGroup) -> Picture:
    """Draw the four sacks: how often each was delivered, and where it is by now."""
    sack_of = {entry.id: entry.fields["sack"] for entry in stream_of(millers).range()}
    pending = {one.id: one.deliveries for one in millers.pending_entries()}
    flour = read_list(stream_of(millers), "mill:flour")
    dead = {one.entry_id: one.deliveries for one in DeadLetters(millers.consumer("moe")).letters()}
    counts = pending | dead
    return boxes(
        {
            "sacks": [one if one in sack_of else Lost(one) for one in _IDS],
            "pending": [f"{one} ×{counts[one]}" if one in pending else None for one in _IDS],
            "flour": [one if sack_of.get(one) in flour else None for one in _IDS],
            "dead letters": [f"{one} ×{counts[one]}" if one in dead else None for one in _IDS],
        }
    )


def new_mill(client: redis.Redis) -> ConsumerGroup:
    """Return ``millers``: ned holds entries, delivered five times, four times, once and six times.

    The sacks are random numbers. The entries have been idle for ten minutes.
    """
    client.delete("mill", "mill:dead", "mill:flour")
    stream = Stream(client, "mill")
    sacks = sample(range(1000, 10_000), len(_IDS))
    stream.add_many((f"{n}-0", {"sack": sack}) for n, sack in enumerate(sacks, 1))
    millers = stream.group("millers")
    millers.create("0")
    ned = millers.consumer("ned")
    ned.read()
    for one, deliveries in {**_POISON, _UNLUCKY: 4}.items():
        ned.claim([one], deliveries=deliveries)
    journal.start(client, "mill")
    left_ten_minutes_ago(ned, _IDS)
    return Stream(bounded(client), "mill").group("millers")


@hinted(
    "`mill` has no group `millers`, or a key has another type. Start again with new_mill.",
    shows=_sacks,
)
def check_mill(millers: ConsumerGroup) -> Verdict:
    """Grade exercise 2: each poison is a dead letter, with its error, and the rest is done."""
    sack_of = {entry.id: entry.fields["sack"] for entry in stream_of(millers).range()}
    good = {sack for one, sack in sack_of.items() if one in (_UNLUCKY, _FRESH)}
    pending = {sack_of.get(one.id) for one in millers.pending_entries()}
    names = {consumer.name for consumer in millers.consumers()}
    flour, sacks = read_list(stream_of(millers), "mill:flour"), len(sack_of)
    lost = len(good - pending - set(flour))
    client = stream_of(millers).client
    handled, noted = _handled(millers, sack_of, good)
    unlucky = [str(one) for one in (_UNLUCKY, _FRESH)]
    poison = {str(one) for one in _POISON}
    unclaimed, dropped = (ids - poison for ids in (handled.unclaimed, handled.dropped))
    early = len(handled.early - poison)
    return grade(
        "the two poison entries are dead letters with their history, and the others are done.",
        [
            (sacks != 4, f"the stream has {count_of(sacks, 'entry', 'entries')}. Keep all four."),
            *_letter_hints(millers, sack_of, flour),
            (
                "ned" not in names and lost > 0,
                "ned was deleted together with his pending entries. Claim them first.",
            ),
            (
                lost > 0,
                f"{count_of(lost, 'sack is', 'sacks are')} neither pending nor in the "
                "list `mill:flour`. Claim a sack, grind it, then acknowledge it.",
            ),
            (
                bool(pending),
                f"{count_of(len(pending), 'entry is', 'entries are')} still pending. "
                "Claim, grind, and acknowledge.",
            ),
            (bool(unclaimed), told_of(NOT_HELD, unclaimed, "sack", "moe")),
            (not journal.claimed(client, "mill", "moe", unlucky), UNCLAIMED.format("moe")),
            (
                sorted(flour) != sorted(good),
                f"`mill:flour` holds {flour}. It should hold each good sack once.",
            ),
            (early > 0, EARLY.format(count_of(early, "sack was", "sacks were"), "mill:flour")),
            (noted > 0, NOTED.format(count_of(noted, "sack was", "sacks were"), "mill:flour")),
            (
                bool(poison & handled.early),
                "poison was given up before it was a dead letter. A crash between the two would "
                "lose it.",
            ),
            (bool(dropped), told_of(DROPPED, dropped, "sack", "moe")),
        ],
    )


def _handled(
    millers: ConsumerGroup, sack_of: dict[EntryId, str], good: set[str]
) -> tuple[Handled, int]:
    """Return how moe handled the entries, and how many good sacks were noted before the work."""
    neds = dict.fromkeys(map(str, _IDS), "ned")
    to_flour = journal.pushed("mill:flour", {sack: str(one) for one, sack in sack_of.items()})

    def work_of(command: Command) -> Iterable[str]:
        added = [word.upper() for word in command[:1]] == ["XADD"] and command[1] == "mill:dead"
        return [one for one in neds if one in command] if added else to_flour(command)

    results = ["mill:flour", "mill:dead"]
    steps = journal.stop(stream_of(millers).client, "mill")
    names_of = {str(one): (str(one), sack) for one, sack in sack_of.items() if sack in good}
    noted = len(noted_first(steps, names_of, work_of, ("mill", *results)))
    return replayed(steps, millers, "moe", neds, work_of, results), noted


def _letter_hints(
    millers: ConsumerGroup, sack_of: dict[EntryId, str], flour: list[str]
) -> list[tuple[bool, str]]:
    """Return the hints for what is, or is not, a dead letter."""
    letters = DeadLetters(millers.consumer("moe")).letters()
    written = Stream(stream_of(millers).client, "mill:dead").range()
    dead = {letter.entry_id for letter in letters}
    errors = {one.entry_id: one.error for one in letters if one.error != "too hot"}
    silent = min(errors, default=_FRESH)
    history = {one.entry_id: one.deliveries for one in letters}
    changed = min((one for one in history if history[one] != _POISON.get(one)), default=_FRESH)
    left = _POISON.keys() - dead
    ground = {one for one in _POISON if sack_of.get(one) in flour}
    return [
        (
            bool(dead & {_UNLUCKY, _FRESH}),
            f"`{min(dead & {_UNLUCKY, _FRESH}, default='')}` is a dead letter, but it isn't "
            "poison. Which limit spares a sack that was delivered four times? (A claim counts "
            "as one, so sweep first.)",
        ),
        (
            bool(ground),
            f"poison was ground. The sack `{min(ground, default='')}` is in the list "
            "`mill:flour`, and was delivered more than four times.",
        ),
        (not dead, _NO_LETTER[bool(written)]),
        (
            bool(left),
            f"`{min(left, default='')}` is poison, too, but there is no dead letter of it.",
        ),
        (len(letters) > 2, "the same poison is a dead letter more than once."),
        (
            bool(errors),
            "each dead letter must say what went wrong, `too hot`, but the one of "
            f"`{silent}` has the error {errors.get(silent, '')!r}. A sweep moves all that is "
            "due, so give it the error of each ID.",
        ),
        (
            any(one.fields.get("sack") != sack_of.get(one.entry_id) for one in letters),
            "a dead letter doesn't hold the poison's own field, `sack`.",
        ),
        (
            history != _POISON,
            f"the dead letter of `{changed}` says {history.get(changed, 0)} deliveries, but "
            f"ned received the sack {_POISON.get(changed, 0)} times. Your own claim counts, so "
            "sweep first.",
        ),
    ]


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    journal.close("night")
    journal.close("mill")
    client.delete("night", "mill", "mill:dead", "mill:flour")
    for key in client.scan_iter("night:*", count=1000):
        client.delete(key)
