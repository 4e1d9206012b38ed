"""The verdicts on exercise 2 of notebook 09: what each run has left in the streams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from exercises import journal
from exercises.answers import answers, moves_of, quoted, req_id_of
from exercises.hints import hinted
from exercises.picture import Picture, picture_if_possible
from exercises.verdict import Verdict, count_of, grade
from go_game.messages import Topic
from streamviz.client import ConsumerGroup, Stream

RELAY = "relay:"
RELAYED = f"{RELAY}{Topic.MAKE_MOVE}"
REQUESTS, LIVE = ("r1", "r2", "r3"), "other"
MOVES = len(REQUESTS)


def _requests(group: ConsumerGroup, *_: object) -> Picture | None:
    return picture_if_possible(group.connection.client, RELAYED, label=req_id_of)


_GONE = "the group `judge` or a stream is gone. Leave the keys as they are."


@hinted(_GONE, _requests)
def grade_whole(group: ConsumerGroup, shortcut: str) -> Verdict:
    """Grade a run to the end: three moves are made in order, none is rejected or pending."""
    by_request = answers(group.connection.client, RELAY)
    twice = [req_id for req_id, words in by_request.items() if len(words) > 1]
    rejected = [req_id for req_id, words in by_request.items() if words[0] != "made"]
    pending, waiting = group.pending().count, group.info().lag
    order, lost = list(by_request), _lost(group)
    return grade(
        "three moves were made in the order of their requests, and none was left pending. None was "
        "lost, wherever the judge failed or died.",
        [
            (
                bool(twice),
                f"{min(twice, default='')} was answered twice. Did you read with `0` after "
                "a claim? The claim had already returned some of your entries, and `0` "
                "returned them again.",
            ),
            (
                bool(lost),
                f"{min(lost, default='')} has no answer, and the group will not deliver it again. "
                "Did you acknowledge it, or delete the consumer that held it? If you delete a dead "
                "judge, first claim what it holds.",
            ),
            (
                bool(rejected),
                f"{rejected[0] if rejected else ''} was rejected. {_older_of(group)}",
            ),
            (len(by_request) < MOVES, f"{len(by_request)} of 3 moves are answered."),
            (
                order != sorted(order),
                f"the moves were made in the order {', '.join(order)}. Judge in the order of the "
                "IDs.",
            ),
            (bool(shortcut), shortcut),
            (
                pending > 0,
                f"{count_of(pending, 'move is', 'moves are')} still pending. Acknowledge what is "
                "answered.",
            ),
            (
                bool(waiting),
                "a move is still waiting. The next judge that reads will answer it once more.",
            ),
        ],
    )


@hinted(_GONE, _requests)
def grade_rival(group: ConsumerGroup) -> Verdict:
    """Grade a run with a rival: it got no move while that was judged."""
    said = answers(group.connection.client, RELAY)
    twice = min((req_id for req_id, words in said.items() if len(words) > 1), default="")
    hint = (
        f"{twice} was judged before ben held it. Meanwhile the judge cy took it, and answered it, "
        f"too. The answers are {quoted(said.get(twice, []))}. Claim or read a move first, then "
        "judge it."
    )
    return grade("", [(bool(twice), hint)])


@hinted(_GONE, _requests)
def grade_anew(group: ConsumerGroup) -> Verdict:
    """Grade a second run, with new streams: again all moves are answered."""
    answered = len(answers(group.connection.client, RELAY))
    hint = (
        f"your function was called again with new streams, and {answered} of 3 moves are answered. "
        "Does it remember something from before, in Python or in a key that doesn't begin with "
        f"`{RELAY}`? A new process knows only what is in Redis, and the check deletes all "
        f"keys that begin with `{RELAY}`."
    )
    return grade("", [(answered < MOVES, hint)])


@hinted(_GONE, _requests)
def grade_live(group: ConsumerGroup, alive: str) -> Verdict:
    """Grade a run beside a live judge: it keeps its move, and the three moves are made."""
    client: Any = group.connection.client
    said, moves = answers(client, RELAY), moves_of(Stream(client, RELAYED).range())
    kept = {one.id: one.consumer for one in group.pending_entries()}
    holders = [who for one, who in kept.items() if one in moves and moves[one].req_id == LIVE]
    has_held = f"the judge {alive} is alive, and has held a move of another game for fifty seconds."
    deleted = alive not in {one.name for one in group.consumers()}
    return grade(
        "",
        [
            (
                not holders and LIVE not in said,
                f"{has_held} That move is no longer pending, and has no answer. "
                + (
                    f"It was dropped when {alive} was deleted. Delete a judge only if it holds "
                    "nothing."
                    if deleted
                    else "Leave it as it is."
                ),
            ),
            (
                holders != [alive] or LIVE in said,
                f"{has_held} ben took that move from it. Give your claim a minimum idle time "
                "(`min_idle_ms`) of a minute, and read your own pending entries with `0`.",
            ),
            (
                len(said) < MOVES or len(kept) > 1,
                f"beside the live judge {alive}, {len(said)} of 3 moves are answered, and "
                f"{count_of(len(kept) - 1, 'other is', 'others are')} pending.",
            ),
        ],
    )


@hinted(_GONE, _requests)
def grade_taken(group: ConsumerGroup) -> Verdict:
    """Grade a run in which the judge cy claimed r1 before ben did: ben leaves it to cy."""
    hint = (
        "the judge cy claimed r1 from ann before ben did, and ben took it from cy. Give the claim "
        "itself a minimum idle time of a minute. What ben read before it may no longer be true."
    )
    return grade("", [("r1" in answers(group.connection.client, RELAY), hint)])


@hinted(_GONE, _requests)
def grade_refused(group: ConsumerGroup) -> Verdict:
    """Grade a run in which r2 is rejected: this is its answer, and r3 is judged all the same."""
    said = answers(group.connection.client, RELAY)
    left = min(set(REQUESTS) - set(said), default="")
    why = "in one run, r2 asked for a taken point, so it was rightly rejected. "
    return grade(
        "",
        [
            (
                len(said.get("r2", [])) > 1,
                f"{why}Then it was judged again, and has {len(said.get('r2', []))} answers. A "
                "rejection is an answer, too. Acknowledge it, and go on.",
            ),
            (
                bool(left),
                f"{why}But {left} has no answer. After a rejection, go on with the next move.",
            ),
            (
                group.pending().count > 0,
                f"{why}But it is still pending. A rejection is an answer, too, so acknowledge it.",
            ),
        ],
    )


@hinted(_GONE, _requests)
def grade_lost(group: ConsumerGroup, failed: str, why: str) -> Verdict:
    """Grade a run that was cut short: a move without an answer is still pending or waiting."""
    lost = _lost(group)
    first = failed if failed in lost else min(lost, default="")
    hint = (
        f"{first} {_dropped(group, first)} before it was answered. {why}, and no judge will ever "
        "answer it. Acknowledge a move after its answer, and only if it was answered."
    )
    return grade("", [(bool(lost), hint)])


@hinted(_GONE, _requests)
def grade_restart(group: ConsumerGroup, why: str) -> Verdict:
    """Grade the run after a death: each move has an answer by now, and none is pending."""
    left = min(set(REQUESTS) - set(answers(group.connection.client, RELAY)), default="")
    pending = group.pending().count
    again = f"{why}, and your function was called again."
    note = "A lock or a note of the dead process must not stop it."
    return grade(
        "",
        [
            (bool(left), f"{again} {left} still has no answer. {note}"),
            (pending > 0, f"{again} {count_of(pending, 'move is', 'moves are')} pending. {note}"),
        ],
    )


@hinted(_GONE, _requests)
def grade_again(group: ConsumerGroup, failed: str, times: str) -> Verdict:
    """Grade the run after a failure: now every move is made, and none is pending."""
    said = answers(group.connection.client, RELAY)
    twice = min((req_id for req_id, words in said.items() if len(words) > 1), default="")
    rejected = [req_id for req_id, words in said.items() if words[0] != "made"]
    pending, waiting = group.pending().count, group.info().lag
    lost = _lost(group)
    return grade(
        "",
        [
            (
                bool(lost),
                f"judging {failed} failed {times}, and your function was called again. "
                f"{min(lost, default='')} {_dropped(group, min(lost, default=''))} without an "
                "answer. Did you note it as done before it was judged?",
            ),
            (
                bool(twice),
                f"judging {failed} failed {times}, and your function was called again. {twice} had "
                "its answer, but was still pending, so it has two answers, "
                f"{quoted(said.get(twice, []))}. Acknowledge each move as soon as it is answered.",
            ),
            (
                bool(rejected),
                f"judging {failed} failed {times}, and {rejected[0] if rejected else ''} was "
                "judged all the same, and rejected. After a failure judge no younger move, but "
                "begin again with the oldest.",
            ),
            (
                len(said) < MOVES or pending > 0 or bool(waiting),
                f"judging {failed} failed {times}, and your function was called again. "
                f"{len(said)} of 3 moves are answered, and "
                f"{count_of(pending, 'is', 'are')} pending. A restart begins with what is "
                "pending, its own included, however often it was delivered.",
            ),
        ],
    )


def as_another(steps: Iterable[journal.Step] | None) -> str:
    """Return a hint if entries were read or claimed in another judge's name, or an empty text."""
    for words in (command for step in steps or () for command in step):
        reads = words[0].upper() in ("XREADGROUP", "XCLAIM", "XAUTOCLAIM")
        if reads and RELAYED in words and words[3] in ("ann", "cy"):
            return (
                f"your function read or claimed as {words[3]}. If {words[3]} is only slow, two "
                "processes now use one name. Read and claim as ben only."
            )
    return ""


def _dropped(group: ConsumerGroup, req_id: str) -> str:
    """Say how the group may have lost a request that it had delivered."""
    requests = Stream(group.connection.client, RELAYED).range()
    if req_id not in {move.req_id for move in moves_of(requests).values()}:
        return "was deleted from the stream"
    deleted = {"ann", "ben"} - {one.name for one in group.consumers()}
    return "was acknowledged" + ", or deleted with its consumer," * bool(deleted)


def _older_of(group: ConsumerGroup) -> str:
    """Say which move should have been judged before one that was rejected."""
    client: Any = group.connection.client
    said, moves = answers(client, RELAY), moves_of(Stream(client, RELAYED).range())
    open_for = [
        one.consumer
        for one in group.pending_entries()
        if one.id in moves and moves[one.id].req_id not in said
    ]
    if not open_for:
        return (
            "An older move of the game had no answer yet. Claim first, then judge in the order of "
            "the IDs. IDs are numbers, not text, so `5-9` comes before `5-10`."
        )
    if open_for[0] == "ben":
        return (
            "An older move of the game is still pending for ben. Read all that ben holds with "
            "`0`, then judge in the order of the IDs."
        )
    return (
        "An older move of the game was still pending for another judge. Claim that first, then "
        "judge in the order of the IDs."
    )


def _lost(group: ConsumerGroup) -> list[str]:
    """Return the requests without an answer that no judge will get: acknowledged, or deleted."""
    client: Any = group.connection.client
    said, cursor = answers(client, RELAY), group.info().last_delivered_id
    pending = {one.id for one in group.pending_entries()}
    moves = moves_of(Stream(client, RELAYED).range())
    waiting = {
        move.req_id for entry_id, move in moves.items() if entry_id in pending or entry_id > cursor
    }
    return [one for one in REQUESTS if one not in said and one not in waiting]
