"""A chat that a newcomer opens: words are said all the time, and some of them again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from itertools import permutations
from random import randint, sample
from typing import Any

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.hints import hinted
from exercises.verdict import Verdict, count_of, grade
from streamviz.client import EntryId, Stream

_SHOWN, _MOST_LATE, _LATE = 3, 2, "chat:late"
_LAST_OLD, _FIRST_NEW = 10**18 - 3, 10**18  # sequence numbers: as text, 99... comes after 10...
_WORDS = (
    "tea cup pot jug mug pan jar tin lid tap urn keg vat bin box bag net cap "
    "hat pin key fan map bell lamp rope nail book door coat shoe ring sock fork "
    "dock leaf moth nest oven pier "
    "bolt card desk drum flag frog gate harp iron kite lime mast moon mule oar "
    "palm pea pine plum pond rake reed rice sail salt seal soap star swan tile "
    "toad vine wall wasp well wolf yarn"
)
_PAIRS = [" ".join(pair) for pair in permutations(_WORDS.split(), 2)]  # when no word is left
_NAMED = 5  # how many of the missed words a hint names
_old_words: dict[str, int] = {}
_said: dict[str, list[str]] = {}
_shown_early: dict[str, int] = {}  # how many words were on the screen before the first `talk`


def new_chat(client: redis.Redis) -> Stream:
    """Return the stream ``chat`` with some random words; the list ``screen`` does not exist.

    After your first question and your second, if they come before `talk`, a word is said.
    """
    client.delete("chat", _LATE, "screen")
    meanwhile.stop("chat")
    old = _old_words["chat"] = randint(5, 20)
    _shown_early.pop("chat", None)
    _said["chat"] = []
    least = EntryId(int(time.time() * 1000), _LAST_OLD + 1 - old)
    _say(Stream(client, "chat"), _fresh(old), least)

    def say_late() -> None:
        late = _late(client)
        if late < _MOST_LATE and len(Stream(client, "chat")) == old + late:
            client.incr(_LATE)
            _say(Stream(client, "chat"), _fresh(1), EntryId.MIN)

    own = bounded(client)
    meanwhile.start("chat", say_late, client, own)
    return Stream(own, "chat")


def talk(chat: Stream) -> None:
    """Add more than twenty random words, whose IDs must be compared as numbers, by both parts.

    Nor can both parts be packed into one number that has room for a thousand or a million.

    The last of the words from the beginning is said again, and so is the first of the new ones.
    """
    with meanwhile.pause("chat"):
        _shown_early.setdefault("chat", chat.client.llen("screen"))
        ms = _next_id(chat).ms
        new, again = _fresh(randint(21, 25)), _said["chat"][_old_words["chat"] - 1]
        _say(chat, [*new, again], EntryId(ms, _FIRST_NEW))
        _say(chat, new[:1], EntryId(ms + randint(1, 9)))


def _late(client: Any) -> int:
    """Return how many words were said between your questions."""
    said: Any = client.get(_LATE)
    return int(said or 0)


def _next_id(chat: Stream) -> EntryId:
    return chat.info().last_generated_id.next() if chat.exists() else EntryId.MIN


def _fresh(number: int) -> list[str]:
    """Return random words that were not said before."""
    said = {*_said.setdefault("chat", [])}
    left = sorted({*_WORDS.split()} - said)
    return sample(left if len(left) >= number else sorted({*_PAIRS} - said), number)


def _say(chat: Stream, words: Iterable[str], least: EntryId) -> None:
    """Say the words under the IDs that come next, or from `least` on if that is larger."""
    for word in words:
        chat.add({"word": word}, id=str(max(least, _next_id(chat))))
        _said["chat"].append(word)


@hinted("`chat` must be a stream and `screen` a list. Start again with new_chat.")
def check_chat(chat: Stream) -> Verdict:
    """Grade exercise 2: the screen shows the last three of the old words, and all new ones."""
    reply: Any = chat.client.lrange("screen", 0, -1)
    shown = [word.decode() for word in reply]
    with meanwhile.pause("chat"):
        said = [entry.fields["word"] for entry in chat.range()]
    gone = Counter(_said.get("chat", ())) - Counter(said)
    number = _old_words.get("chat", len(said))
    wanted = said[number - _SHOWN :]
    late = _late(chat.client)
    for asked in range(1, late + 1):
        if shown[:_SHOWN] == wanted[asked : asked + _SHOWN]:
            wanted = wanted[asked:]  # the last three words as they were when you asked again
            break
    old = wanted[:_SHOWN]
    missed = [*(Counter(wanted) - Counter(shown))]
    more = f" and {len(missed) - _NAMED} more" if len(missed) > _NAMED else ""
    too_often = Counter(shown) - Counter(wanted)
    early = _shown_early.get("chat", 0)
    return grade(
        "the screen shows the last three old words and then each new one, without a gap.",
        [
            (bool(gone), "words are gone from the stream. Start again with new_chat."),
            (
                len(said) - late <= number,
                "no new words were added. Call exercise.talk(chat) in the middle.",
            ),
            (not set(old) <= set(shown), f"the last {_SHOWN} old words were {', '.join(old)}."),
            (
                bool(missed),
                f"you missed {', '.join(missed[:_NAMED])}"
                f"{more}. Read on after the last word that you have. New words may arrive between "
                "two reads, words may share a millisecond, and a word may be said again. So go by "
                "the IDs.",
            ),
            (
                bool(too_often & Counter(wanted)),
                "some entries are on the screen twice. Continue after the last word that you have.",
            ),
            (
                len(shown) > len(wanted),
                f"the screen shows {len(shown)} words, and should show {len(wanted)}. Show only "
                f"the last {_SHOWN} old words, and then the new ones.",
            ),
            (shown != wanted, "the words are not in order."),
            (
                early < _SHOWN,
                f"the screen showed {count_of(early, 'word')} when you called exercise.talk(chat). "
                f"Show the last {_SHOWN} old words before that.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the chat, and what is on the screen."""
    meanwhile.stop("chat")
    client.delete("chat", _LATE, "screen")
