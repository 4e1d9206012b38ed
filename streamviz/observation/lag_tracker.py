"""Track what is certain about each group, from sample to sample."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streamviz.client.entry_id import EntryId
from streamviz.client.models import GroupInfo, StreamInfo
from streamviz.observation.counting import StreamDelta, count_at_ends, largest_deleted
from streamviz.observation.counts import Counts
from streamviz.observation.evidence import Evidence, Findings, count_entries
from streamviz.observation.idle_groups import LastPoll, unchanged_groups
from streamviz.observation.lag import judge_lag
from streamviz.observation.outcomes import GroupView, Outcomes, first_outcomes, next_outcomes
from streamviz.observation.pages import Page, next_pages
from streamviz.observation.sample import Lag


class Judgement(NamedTuple):
    """What is certain about one group."""

    group: GroupInfo
    lag: Lag
    outcomes: Outcomes


@dataclass(slots=True)
class LagTracker:
    """Judges each group's lag and the outcomes of its entries, with what earlier samples proved."""

    stream: StreamInfo | None = None  # in the previous sample
    fast: bool = False  # whether more entries came than could be counted
    # to count in the next sample; empty if all is known
    pages: list[Page] = field(default_factory=list)
    _known: dict[EntryId, int] = field(default_factory=dict)
    _views: dict[str, GroupView] = field(default_factory=dict)
    _judgements: list[Judgement] = field(default_factory=list)
    _settled: list[GroupInfo] | None = None

    @property
    def cursors(self) -> dict[str, EntryId]:
        """Each group's cursor in the previous sample."""
        return {name: view.group.last_delivered_id for name, view in self._views.items()}

    def find(
        self, evidence: Evidence, last: Mapping[str, LastPoll], *, anew: bool = False
    ) -> Findings:
        """Return what is certain now; `last` has the groups in the previous poll.

        With `anew`, nothing is taken from earlier samples.
        """
        delta = self._delta(evidence)
        unchanged = unchanged_groups(
            last, delta, evidence.groups, evidence.by_group, evidence.active_groups
        )
        if not anew and self._is_at_rest(evidence, delta, unchanged):
            return Findings(evidence, delta, unchanged, None, {})
        added, numbers = delta.added or 0, {} if anew else self._known
        carried = {at: count + added for at, count in numbers.items() if delta.keeps(at)}
        counts, waiting, contradictory = count_entries(evidence, carried)
        removed = delta.removed
        contradictory |= removed is not None and removed < 0
        contradictory |= any(self._disagrees(one, waiting, delta) for one in evidence.groups)
        contradictory |= any(map(self._counter_differs, evidence.groups))
        doubtful = (
            contradictory
            or delta.is_odd
            or any(self._pending_differs(one, evidence) for one in evidence.groups)
        )
        return Findings(
            evidence, delta, unchanged, counts, waiting, contradictory, doubtful, carried
        )

    @property
    def anchor(self) -> Page | None:
        """The page that has the last entry, which shows later that this is the same stream."""
        last = self.stream.last_entry if self.stream else None
        return Page(last.id.previous(), 1, back=False) if last else None

    def missing(self, findings: Findings, entry_bytes: int) -> list[Page]:
        """Return what to count so that each group's lag becomes known."""
        if findings.counts is None:
            return []
        return next_pages(findings.counts, findings.uncertain, entry_bytes, first=not self.pages)

    def judge(self, findings: Findings, entry_bytes: int) -> list[Judgement]:
        """Return each group, its lag, and what became of the entries up to its cursor."""
        evidence, counts = findings.evidence, findings.counts
        self.fast = findings.delta.counted is None
        if counts is None:
            return self._judgements
        judgements, views = [], {}
        before = {one.group.name: one.outcomes for one in self._judgements}
        for group in evidence.groups:
            count = findings.waiting[group.name]
            if count is None:
                low, high = self._bounds(counts, evidence, group)
                lag = judge_lag(group, evidence.stream, at_least=low, at_most=high)
            else:
                lag = judge_lag(group, evidence.stream, count)
            by_name = evidence.by_group.get(group.name)
            active = group.name in evidence.active_groups
            view = GroupView(group, count, by_name, evidence.stream, active=active)
            views[group.name] = view
            old, outcomes = self._views.get(group.name), before.get(group.name)
            if old is None or outcomes is None:
                outcomes = first_outcomes(view, created=self.stream is not None)
            else:
                outcomes = next_outcomes(outcomes, old, view, findings.delta)
            judgements.append(Judgement(group, lag, outcomes))
        self.pages = next_pages(counts, findings.uncertain, entry_bytes, first=False)
        carried = self._carry(counts, evidence, findings.waiting)
        once = any(self._is_proved_once(group, findings) for group in evidence.groups) or (
            findings.is_contradictory and not findings.carried
        )
        self._known = dict(findings.carried) if once else carried
        self._settled = None if once or findings.uncertain else evidence.groups
        self.stream, self._views, self._judgements = evidence.stream, views, judgements
        return judgements

    def _delta(self, evidence: Evidence) -> StreamDelta:
        old, views = self.stream or evidence.stream, self._views
        last = old.last_generated_id
        counted = (
            one.beyond(last) for one in evidence.shared if one.complete and one.after <= last
        )
        both = [
            max(group.last_delivered_id, views[group.name].group.last_delivered_id)
            for group in evidence.groups
            if group.name in views
        ]
        lowest = min(both, default=EntryId.MAX)
        anchor = evidence.can_anchor and evidence.new.ids and old.last_entry
        has_anchor = not anchor or evidence.has(anchor)
        lost_anchor = old.last_entry is not None and evidence.lacks(old.last_entry)
        return StreamDelta(
            old,
            evidence.stream,
            next(counted, None),
            has_anchor,
            lost_anchor,
            evidence.of_one_moment,
            lowest,
        )

    def _is_at_rest(
        self, evidence: Evidence, delta: StreamDelta, unchanged: Collection[str]
    ) -> bool:
        """Tell whether the replies equal the previous ones, and every number was known then."""
        return (
            evidence.stream is self.stream
            and evidence.groups is self._settled
            and delta.counted == 0
            and len(unchanged) == len(evidence.groups)
        )

    def _disagrees(
        self, group: GroupInfo, waiting: Mapping[str, int | None], delta: StreamDelta
    ) -> bool:
        """Tell whether a count no longer agrees with the server's lag, or with the last count."""
        count, view, at = waiting[group.name], self._views.get(group.name), group.last_delivered_id
        if count is None or view is None or view.waiting is None:
            return False
        if at == view.group.last_delivered_id and delta.keeps(at):
            agrees = count == view.waiting + (delta.added or 0)
        else:
            agrees = view.waiting != view.group.lag or group.lag in (None, count)
        return not agrees and count_at_ends(at, delta.now) is None

    def _is_proved_once(self, group: GroupInfo, findings: Findings) -> bool:
        """Tell whether one reply alone proves a lag that the server's number doesn't confirm.

        One wrong byte could make it wrong, so the next sample proves it again. That isn't needed if
        a reply names both the cursor and an ID whose number was known: their distance is certain.
        """
        evidence, at = findings.evidence, group.last_delivered_id
        count, view = findings.waiting[group.name], self._views.get(group.name)
        if count in (None, group.lag) or at in findings.carried:
            return False
        if count == count_at_ends(at, evidence.stream):
            return False
        if view is None or view.waiting is None:
            return True
        if at == view.group.last_delivered_id and findings.delta.keeps(at):
            return False
        delta, deleted = findings.delta, largest_deleted(evidence.stream)
        is_intact = delta.removed == 0 and at <= delta.old.last_generated_id
        ids = {EntryId.MAX, *findings.carried} - {deleted}
        return not any(
            (is_intact or at > deleted or at == one.after)
            and one.places(at)
            and any(map(one.places, ids))
            for one in (*evidence.lookahead(group), *evidence.shared)
        )

    def _pending_differs(self, group: GroupInfo, evidence: Evidence) -> bool:
        """Tell whether a group's pending entries are no longer those of its consumers."""
        view, new = self._views.get(group.name), evidence.by_group.get(group.name)
        if view is None or view.replies is None or new is None:
            return False
        return group.pending - new.pending != view.unheld

    def _counter_differs(self, group: GroupInfo) -> bool:
        """Tell whether a group's counter changed, and its cursor did not: perhaps it's another."""
        view = self._views.get(group.name)
        if view is None or view.group.last_delivered_id != group.last_delivered_id:
            return False
        return view.group.entries_read != group.entries_read

    def _bounds(self, counts: Counts, evidence: Evidence, group: GroupInfo) -> tuple[int, int]:
        cursor = group.last_delivered_id
        (_, high), (_, low) = counts.around(cursor)
        counted = [one.beyond(cursor) for one in evidence.lookahead(group) if one.after <= cursor]
        return max(low, 1, *counted), high

    def _carry(
        self, counts: Counts, evidence: Evidence, waiting: Mapping[str, int | None]
    ) -> dict[EntryId, int]:
        """Return what to remember: around each cursor, as much as the next sample may need."""
        last = evidence.stream.last_generated_id
        numbers = {last: 0}
        for group in evidence.groups:
            cursor, count = group.last_delivered_id, waiting[group.name]
            if count is not None:
                numbers[cursor] = count
            numbers.update(counts.around(cursor))
            for one in evidence.lookahead(group):
                if (count := counts.get(one.end)) is not None:
                    numbers[one.end] = count
        return {at: count for at, count in numbers.items() if EntryId.ZERO < at <= last}
