"""Who held each entry when it was acknowledged: replayed from the commands of an exercise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from exercises.journal import Command, Step
from streamviz.client.entry_id import EntryId

_PAGE = 100  # XAUTOCLAIM without COUNT
_LONG_MS = 600_000  # nothing in an exercise is idle for that long


def acked_unclaimed(
    steps: Iterable[Step] | None,
    key: str,
    consumer: str,
    held: Mapping[str, str],
    work_of: Callable[[Command], Iterable[str]],
    deleted: Iterable[str] = (),
) -> list[str]:
    """Return the entries that were done or given up while another consumer held them.

    An entry is given up when it is acknowledged, or dropped because its consumer was deleted.

    Parameters
    ----------
    steps : iterable of steps or None
        What `journal.stop` returned. Entries that were given up later are not judged.
    key, consumer : str
        The stream, and who should hold an entry before it is given up.
    held : mapping of str to str
        Who held each entry before the first step.
    work_of : callable
        Takes a command, and returns the IDs of the entries whose work it does.
    deleted : iterable of str
        The entries that are no longer in the stream: a claim drops them.
    """
    holders, gone, unclaimed = dict(held), set(deleted), set[str]()
    for step in steps or ():
        done = set[str]()  # before a claim, unless it comes in the same step
        for command in step:
            done |= {one for one in work_of(command) if holders.get(one, consumer) != consumer}
            if key not in command:
                continue
            for entry_id in _given_up(command, holders):
                by = holders.pop(entry_id)
                unclaimed |= {entry_id} if by != consumer and entry_id not in gone else set()
            for entry_id in _claimed(command, holders, gone):
                if entry_id in gone:
                    holders.pop(entry_id)
                else:
                    holders[entry_id] = _claimer(command)
                    done -= {entry_id} if _claimer(command) == consumer else set()
        unclaimed |= done
    return sorted(unclaimed)


def claimed_more_than(most: int, steps: Iterable[Step] | None, key: str) -> bool:
    """Tell whether a claim asked for more entries at once."""
    for command in (command for step in steps or () for command in step if key in command):
        name, words = command[0].upper(), [word.upper() for word in command]
        if name == "XCLAIM" and len(_ids(command)) > most:
            return True
        claims = name == "XAUTOCLAIM" or (name == "XREADGROUP" and "CLAIM" in words)
        if claims and ("COUNT" not in words or int(words[words.index("COUNT") + 1]) > most):
            return True
    return False


def _given_up(command: Command, holders: Mapping[str, str]) -> list[str]:
    """Return the entries that are acknowledged, or dropped with their consumer."""
    if command[0].upper() in ("XACK", "XACKDEL"):
        return [one for one in holders if one in command[3:]]
    if [word.upper() for word in command[:2]] == ["XGROUP", "DELCONSUMER"]:
        return [one for one, by in holders.items() if by == command[4]]
    return []


def _claimed(command: Command, holders: Mapping[str, str], gone: Iterable[str]) -> list[str]:
    """Return the entries that a claim takes; all are idle for some seconds."""
    name, words = command[0].upper(), [word.upper() for word in command]
    if name in ("XCLAIM", "XAUTOCLAIM") and int(command[4]) > _LONG_MS:
        return []
    if name == "XCLAIM":
        return [one for one in _ids(command) if one in holders]
    if name == "XREADGROUP" and "CLAIM" in words:
        if int(words[words.index("CLAIM") + 1]) > _LONG_MS:
            return []
        return [one for one in holders if one not in gone]
    if name != "XAUTOCLAIM":
        return []
    start = EntryId.parse(command[5].removeprefix("(") if command[5] != "-" else "0")
    count = int(words[words.index("COUNT") + 1]) if "COUNT" in words else _PAGE
    after = sorted(one for one in map(EntryId.parse, holders) if one >= start)
    return [str(one) for one in after[:count]]


def _claimer(command: Command) -> str:
    return command[3]  # XCLAIM key group consumer, XREADGROUP GROUP group consumer


def _ids(command: Command) -> list[str]:
    """Return the IDs of an XCLAIM: those after the idle time, up to the options."""
    return [word for word in command[5:] if "-" in word and word[0].isdigit()]
