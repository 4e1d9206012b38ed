"""Track what is certain about each group, from sample to sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.observation.counting import Contradiction, Counts, Lookahead, StreamDelta
from streamviz.observation.idle_groups import GroupReplies
from streamviz.observation.lag import judge_lag
from streamviz.observation.outcomes import GroupView, Outcomes, first_outcomes, next_outcomes
from streamviz.observation.pages import Page, next_pages
from streamviz.observation.sample import Lag


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one poll shows about the groups' lag.

    Attributes
    ----------
    stream : StreamInfo
        The stream.
    groups : list of GroupInfo
        Its groups.
    new : Lookahead
        The entries after the last ID of the previous sample; only the newest if there are many.
    pages : list of Lookahead
        The pages that the tracker asked for.
    by_group : mapping of str to GroupReplies
        The replies about each group that was asked about by name.
    active_groups : set of str
        The groups of which a consumer may have read since the previous sample.
    """

    stream: StreamInfo
    groups: list[GroupInfo]
    new: Lookahead
    pages: list[Lookahead]
    by_group: Mapping[str, GroupReplies]
    active_groups: set[str]

    def lookahead(self, group: GroupInfo) -> list[Lookahead]:
        """Return the entries that were asked for after a group's cursor, if they were."""
        replies = self.by_group.get(group.name)
        return [replies.lookahead] if replies else []

    @property
    def shared(self) -> list[Lookahead]:
        """The entries that were not asked for because of one group."""
        return [self.new, *self.pages]


class Judgement(NamedTuple):
    """What is certain about one group."""

    group: GroupInfo
    lag: Lag
    outcomes: Outcomes


@dataclass(slots=True)
class LagTracker:
    """Judges each group's lag, and what became of its entries, with what earlier samples proved.

    Attributes
    ----------
    stream : StreamInfo or None
        The stream in the previous sample.
    pages : list of Page
        What to count in the next sample; empty if every group's lag is known.
    """

    stream: StreamInfo | None = None
    pages: list[Page] = field(default_factory=list)
    _known: dict[EntryId, int] = field(default_factory=dict)
    _views: dict[str, GroupView] = field(default_factory=dict)
    _outcomes: dict[str, Outcomes] = field(default_factory=dict)

    @property
    def cursors(self) -> dict[str, EntryId]:
        """Each group's cursor in the previous sample."""
        return {name: view.group.last_delivered_id for name, view in self._views.items()}

    def delta(self, evidence: Evidence) -> StreamDelta:
        """Return what changed in the stream since the previous sample."""
        old, cursors = self.stream or evidence.stream, self.cursors
        last = old.last_generated_id
        counted = (
            one.beyond(last) for one in evidence.shared if one.complete and one.after <= last
        )
        both = [
            max(group.last_delivered_id, cursors[group.name])
            for group in evidence.groups
            if group.name in cursors
        ]
        lowest = min(both, default=EntryId.MAX)
        return StreamDelta(old, evidence.stream, next(counted, None), lowest)

    def missing(self, evidence: Evidence, entry_bytes: int) -> list[Page]:
        """Return what to count so that each group's lag becomes known."""
        counts, waiting = self._count(evidence, self.delta(evidence))
        uncertain = [one for one in evidence.groups if waiting[one.name] is None]
        return next_pages(counts, uncertain, entry_bytes, first=not self.pages)

    def judge(self, evidence: Evidence, entry_bytes: int) -> list[Judgement]:
        """Return each group, its lag, and what became of the entries up to its cursor."""
        delta = self.delta(evidence)
        counts, waiting = self._count(evidence, delta)
        judgements, views = [], {}
        for group in evidence.groups:
            count = waiting[group.name]
            if count is None:
                low, high = self._bounds(counts, evidence, group)
                lag = judge_lag(group, evidence.stream, at_least=low, at_most=high)
            else:
                lag = judge_lag(group, evidence.stream, count)
            by_name = evidence.by_group.get(group.name)
            active = group.name in evidence.active_groups
            view = GroupView(group, count, by_name, evidence.stream, active=active)
            views[group.name] = view
            judgements.append(Judgement(group, lag, self._outcome(view, delta)))
        uncertain = [one for one in evidence.groups if waiting[one.name] is None]
        self.pages = next_pages(counts, uncertain, entry_bytes, first=False)
        self._known = self._carry(counts, evidence, waiting)
        self.stream, self._views = evidence.stream, views
        self._outcomes = {one.group.name: one.outcomes for one in judgements}
        return judgements

    def _count(
        self, evidence: Evidence, delta: StreamDelta
    ) -> tuple[Counts, dict[str, int | None]]:
        """Return what is known, and how many entries follow each group's cursor."""
        added = delta.added or 0
        carried = {at: count + added for at, count in self._known.items() if delta.keeps(at)}
        own = [one for group in evidence.groups for one in evidence.lookahead(group)]
        try:
            counts = Counts(evidence.stream, carried, [*evidence.shared, *own])
        except Contradiction:  # not even the replies agree if they show different moments
            return Counts(evidence.stream, {}, []), dict.fromkeys(
                [group.name for group in evidence.groups]
            )
        waiting = {
            group.name: counts.after(
                group.last_delivered_id, [*evidence.lookahead(group), *evidence.shared]
            )
            for group in evidence.groups
        }
        return counts, waiting

    def _bounds(self, counts: Counts, evidence: Evidence, group: GroupInfo) -> tuple[int, int]:
        cursor = group.last_delivered_id
        below, above = counts.around(cursor)
        seen = [one.beyond(cursor) for one in evidence.lookahead(group) if one.after <= cursor]
        return max(counts[above], 1, *seen), counts[below]

    def _outcome(self, view: GroupView, delta: StreamDelta) -> Outcomes:
        old = self._views.get(view.group.name)
        if old is None:
            return first_outcomes(view, created=self.stream is not None)
        return next_outcomes(self._outcomes[view.group.name], old, view, delta)

    def _carry(
        self, counts: Counts, evidence: Evidence, waiting: Mapping[str, int | None]
    ) -> dict[EntryId, int]:
        """Return what to remember: around each cursor, as much as the next sample may need."""
        last = evidence.stream.last_generated_id
        known = {last: 0}
        for group in evidence.groups:
            cursor, count = group.last_delivered_id, waiting[group.name]
            if count is not None:
                known[cursor] = count
            ends = [one.end for one in evidence.lookahead(group)]
            for at in (*counts.around(cursor), *ends):
                if at in counts:
                    known[at] = counts[at]
        return {at: count for at, count in known.items() if EntryId.ZERO < at <= last}
