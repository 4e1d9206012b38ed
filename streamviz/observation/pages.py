"""Decide which entries to count next: a short way at once, a long one bit by bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.client.resp import Command
from streamviz.observation.byte_budget import LARGE_BYTES
from streamviz.observation.counting import Lookahead
from streamviz.observation.counts import Counts

AT_ONCE_BYTES = 150_000  # a sample may cost this much, to make a lag exact
STEP_BYTES = 16_000  # and this much each time, if the way to the cursor is longer
_MANY = 20  # entries: fewer do not cost much, however large they are
_PROBES, _PROBES_BYTES = 8, 50_000


@dataclass(frozen=True, slots=True)
class Page:
    """A few entries to count, forwards or backwards from an ID whose number is known."""

    start: EntryId  # not counted itself forwards, counted backwards
    count: int  # at most
    back: bool
    until: EntryId = EntryId.MAX  # the last ID to ask for forwards

    def command(self, key: str) -> Command:
        """Return the command that asks for it."""
        if self.back:
            return ("XREVRANGE", key, str(self.start), "-", "COUNT", self.count)
        return ("XRANGE", key, f"({self.start}", str(self.until), "COUNT", self.count)

    def read(self, reply: list[Any]) -> Lookahead:
        """Read its reply."""
        whole = len(reply) < self.count
        if not self.back:
            complete = whole and self.until == EntryId.MAX
            until = self.until if whole else None
            return Lookahead(self.start, [entry[0] for entry in reply], complete, until)
        ids = [entry[0] for entry in reply[::-1]]
        after = EntryId.ZERO if whole else EntryId.parse(ids[0]).previous()
        return Lookahead(after, ids, self.start == EntryId.MAX, until=self.start, asked=whole)


def probe(stream: StreamInfo, entry_bytes: int) -> list[Page]:
    """Return a few entries to ask for across the stream, to learn how large its entries are.

    None are needed if the stream's ends, of `entry_bytes`, are large, or if it is short.
    """
    first, last = stream.first_entry, stream.last_entry
    if first is None or last is None or stream.length <= _MANY or entry_bytes > LARGE_BYTES:
        return []
    low, high = first.id.ms << 64 | first.id.seq, last.id.ms << 64 | last.id.seq
    count = min(_PROBES, _PROBES_BYTES // max(1, entry_bytes))
    places = [low + (high - low) * n // (count + 1) for n in range(1, count + 1)]
    ids = [EntryId(at >> 64, at & (1 << 64) - 1) for at in places]
    # up to the next place: else a large entry before several of them would come several times
    return [
        Page(start, 1, back=False, until=until)
        for start, until in zip(ids, [*ids[1:], EntryId.MAX], strict=True)
    ]


def next_pages(
    counts: Counts, uncertain: Iterable[GroupInfo], entry_bytes: int, *, first: bool
) -> list[Page]:
    """Return what to count so that the lags of the `uncertain` groups become known.

    These are all entries between a known ID and a group's cursor if they are short enough,
    otherwise a few of them; a `first` page may be long. The server's own lag only decides from
    which side to count.
    """
    if entry_bytes > LARGE_BYTES:
        return []
    size = max(entry_bytes, 1)
    room, step = AT_ONCE_BYTES // size, STEP_BYTES // size
    pages: dict[tuple[EntryId, bool], Page] = {}
    for group in sorted(uncertain, key=lambda one: one.last_delivered_id, reverse=True):
        (below, high), (above, low) = counts.around(group.last_delivered_id)
        hint = group.lag if group.lag is not None and low < group.lag < high else low
        back = hint - low <= high - hint
        start, gap = (above, high - low) if back else (below, high - low)
        likely = min(gap, (hint - low if back else high - hint) + 1) if hint > low else gap
        count = gap if gap < room else likely if likely < room else room if first else step
        if room > 0 and (start, back) not in pages:
            pages[start, back] = Page(start, count + 1, back)
            room -= count + 1
    return list(pages.values())
