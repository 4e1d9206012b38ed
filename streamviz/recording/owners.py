"""Who took over whose pending entries, told by the lines that lie between."""

from __future__ import annotations

from collections import Counter
from typing import Any

from streamviz.entry_id import EntryId
from streamviz.errors import StreamVizError
from streamviz.recording.decode import ids
from streamviz.recording.skim import read

_Held = tuple[EntryId, str, int]  # of a pending entry: ID, consumer, deliveries
_Key = tuple[str, EntryId]


class Owners:
    """Finds claims in one stream's lines, most of which it keeps unread until one may hold some.

    An entry that somebody else holds now was claimed, and is at a later delivery. (One that was
    claimed with JUSTID is not, and stays unseen.)
    """

    def __init__(self) -> None:
        self._unread: list[bytes] = []
        self._held: dict[str, list[_Held]] = {}
        self._again: dict[_Key, tuple[str, int]] = {}  # who holds a later delivery

    def claims(self, line: bytes, row: dict[str, Any], *, unclear: bool) -> list[str]:
        """Return in words what was claimed in the next line.

        Parameters
        ----------
        line : bytes
            The line.
        row : dict
            Its object: all of it, if it is unclear.
        unclear : bool
            Whether somebody may have claimed something.
        """
        try:
            if unclear and self._is_new(row):
                return self._compare(row)
        except (
            StreamVizError,
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ):
            self._unread, self._held = [], {}  # the line at fault is named when it is decoded
            return []
        if "whole" in row:
            self._unread, self._held = [], {}
        self._unread.append(line)
        return []

    def _is_new(self, row: dict[str, Any]) -> bool:
        """Tell whether a later delivery is in a line that was in none before."""
        again = {
            (name, one): (who, times)
            for name, news in row.get("groups", {}).items()
            for one, who, times in _came(news, row["time_ms"])
            if times > 1
        }
        new = any(self._again.get(key) != held for key, held in again.items())
        self._again = again if "whole" in row else self._again | again
        return new

    def _compare(self, row: dict[str, Any]) -> list[str]:
        for line in self._unread:
            self._take(read(line))
        before = {name: {one[0]: one for one in held} for name, held in self._held.items()}
        self._unread = []
        self._take(row)
        found = []
        for name, now in self._held.items():
            taken: dict[str, Counter[str]] = {}
            for one, who, times in now:
                _, owner, earlier = before.get(name, {}).get(one, (one, who, times))
                if owner != who and earlier < times:
                    taken.setdefault(who, Counter())[owner] += 1
            for who, owners in taken.items():
                whose = ", ".join(sorted(filter(None, owners))) or "nobody"
                found.append(f"{who} claimed {owners.total()} of {whose}")
        return found

    def _take(self, row: dict[str, Any]) -> None:
        if "whole" in row:
            self._held = {}
        for name, news in row.get("groups", {}).items():
            if news is None:
                self._held.pop(name, None)
                continue
            left = set(news.get("left", ()))
            stay = [one for i, one in enumerate(self._held.get(name, ())) if i not in left]
            self._held[name] = [*stay, *_came(news, row["time_ms"])]


def _came(news: Any, time_ms: int) -> list[_Held]:
    runs = (news or {}).get("oldest", ())
    return [(one, run[0], run[2]) for run in runs for one in ids(run[3:], time_ms)]
