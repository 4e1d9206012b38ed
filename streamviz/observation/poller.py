"""Poll a stream in one round trip, or in two if the first did not ask for all that is needed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter

from streamviz.client.entry_id import EntryId
from streamviz.client.models import StreamInfo
from streamviz.observation.byte_budget import ByteBudget
from streamviz.observation.evidence import Evidence, Findings
from streamviz.observation.failover import Failovers
from streamviz.observation.idle_groups import GroupReplies, LastPoll
from streamviz.observation.lag_tracker import Judgement, LagTracker
from streamviz.observation.pages import Page, probe
from streamviz.observation.poll import Poll, PollReplies, StreamChanged
from streamviz.observation.reply_checks import LastReplies
from streamviz.observation.snapshots import Snapshots, Steps

_IDLE_MARGIN_MS = 5
_name_of = attrgetter("name")
_ANCHOR_BYTES = 10_000  # a larger entry is not asked for again


@dataclass(slots=True)
class Polled:
    """What a poll found."""

    replies: PollReplies
    judgements: list[Judgement]  # of each group
    previous: StreamInfo | None  # None if there was none, or if it was another stream
    is_another: bool  # it was deleted and recreated since the previous poll


@dataclass(slots=True)
class _Asked:
    """What a round trip is about: the stream as it was, and groups and pages by name."""

    stream: StreamInfo | None
    cursors: Mapping[str, EntryId]
    idle: Mapping[str, GroupReplies]
    pages: Sequence[Page]
    anchor: Page | None


class Poller:
    """Polls one stream again and again, and remembers what the next poll need not ask.

    A reply may contradict what is known. Then the second round trip asks again. If it gives the
    same answer, the poller forgets what was known, and proves everything again.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        failovers: Failovers,
        stream: str,
        budget: ByteBudget,
        *,
        memory: bool,
        hides: bool,
    ) -> None:
        self._snapshots = snapshots
        self._failovers = failovers
        self._stream = stream
        self._budget = budget
        self._memory = memory
        self._last_replies = LastReplies(hides=hides)
        self._began_s = self._previous_s = 0.0
        self.forget()

    def forget(self) -> None:
        """Forget the stream: it is gone."""
        self._tracker = LagTracker()
        self._agreed = True  # the polls of the previous sample, about whether it's another stream
        self._last: dict[str, LastPoll] = {}
        self._budget.forget()

    def poll(self, time_ms: int, readers: str | None) -> Steps[Polled]:
        """Poll at a time; `readers` is the key of the hash with the plain readers' positions.

        StreamChanged if the stream's entries are large, and it is too early to ask about them
        again; StreamError or ServerError if it is gone, or the server does not answer; others if a
        reply makes no sense.
        """
        self._began_s = time.monotonic()
        self._readers = readers
        tracker, cursors = self._tracker, self._tracker.cursors
        idle = {name: last.replies for name, last in self._last.items() if last.idle}
        anchor = tracker.anchor if tracker.fast else None
        request = _Asked(tracker.stream, cursors, idle, tracker.pages, anchor)
        replies = yield from self._first_round_trip(request, time_ms)
        lost = yield from self._failovers.check(tracker.stream, cursors, replies)
        findings = self._find(tracker, replies)
        anew = findings.delta.is_another
        if is_another := lost or anew:
            tracker, cursors = LagTracker(), {}
            findings = self._find(tracker, replies)
        now = {group.name: group.last_delivered_id for group in replies.groups}
        new = {name: at for name, at in now.items() if name not in cursors or at < cursors[name]}
        unchanged = findings.unchanged
        woke = any(name in now and name not in unchanged for name in idle)
        doubtful = findings.is_doubtful and self._snapshots.works is True
        if doubtful:
            findings = tracker.find(findings.evidence, self._last, anew=True)
        adrift = not findings.delta.has_anchor and bool(findings.uncertain)
        wrong = new or woke or doubtful or adrift or tracker.stream is None
        pages: Sequence[Page] = tracker.pages if wrong else ()  # else what they proved is lost
        if wrong or not tracker.pages:
            pages = [*pages, *tracker.missing(findings, self._budget.entry_bytes)]
        agreed = True
        if wrong or pages:
            anchor = tracker.anchor if tracker.fast or not findings.delta.has_anchor else None
            request = _Asked(tracker.stream, cursors | new, {} if wrong else idle, pages, anchor)
            replies = yield from self._second_round_trip(request, replies)
            agreed = self._find(self._tracker, replies).delta.is_another == anew
            if not agreed and self._agreed:  # a wrong byte, unless the next sample shows it, too
                self._agreed = False
                raise ValueError("two polls do not agree on whether this is another stream")
            findings = self._find(tracker, replies)
            if findings.is_contradictory and self._snapshots.works is True:
                findings = tracker.find(findings.evidence, self._last, anew=True)
        if findings.delta.lost_its_last or not agreed:
            self._tracker, self._last = LagTracker(), {}
            return replace((yield from self.poll(time_ms, readers)), is_another=True)
        return self._keep(tracker, replies, findings, is_another=is_another)

    def _keep(
        self, tracker: LagTracker, replies: PollReplies, findings: Findings, *, is_another: bool
    ) -> Polled:
        previous = tracker.stream
        judgements = tracker.judge(findings, self._budget.entry_bytes)
        unchanged, by_group = findings.unchanged, replies.by_group
        self._last = {
            group.name: LastPoll(group, by_group[group.name], group.name in unchanged)
            for group in replies.groups
            if group.name in by_group
        }
        self._tracker, self._agreed, self._previous_s = tracker, True, self._began_s
        self._failovers.keep()
        consumers = chain.from_iterable(one.consumers for one in by_group.values())
        names = {
            "consumers": [*map(len, map(_name_of, consumers))],
            "groups": [*map(len, map(_name_of, replies.groups))],
            "readers": [*map(len, replies.positions)],
        }
        back_off = self._snapshots.back_off
        back_off.counts = {what: len(lengths) for what, lengths in names.items()}
        back_off.name_bytes = {what: sum(lengths) for what, lengths in names.items()}
        if previous is not None:
            self._budget.expect(len(replies.new_ids.ids))
        self._budget.name_bytes = max(names["consumers"], default=0)
        return Polled(replies, judgements, previous, is_another)

    def _first_round_trip(self, request: _Asked, time_ms: int) -> Steps[PollReplies]:
        """Ask about the stream and its groups; about large entries, first whether they changed."""
        budget = self._budget
        if budget.large and not budget.held:
            try:
                return (
                    yield from self._round_trip(
                        replace(request, pages=(), anchor=None), request.stream
                    )
                )
            except StreamChanged:
                budget.held = True
        if budget.held and not budget.due(time_ms):
            raise StreamChanged
        replies = yield from self._round_trip(request, at_most=budget.expected)
        if request.stream is None and (probes := probe(replies.stream, replies.entry_bytes)):
            replies = yield from self._round_trip(replace(request, pages=probes))
        budget.polled(time_ms, replies.entry_bytes)
        new = len(replies.new_ids.ids)
        # their size is known now
        if budget.expected <= new and new < self._limits(request)["max_entries"]:
            replies = yield from self._round_trip(request)
            budget.polled(time_ms, replies.entry_bytes)
        return replies

    def _second_round_trip(self, request: _Asked, first: PollReplies) -> Steps[PollReplies]:
        """Ask again, about other groups and entries by name, but not again about large entries."""
        if not self._budget.large:
            return (yield from self._round_trip(request))
        try:
            replies = yield from self._round_trip(
                replace(request, pages=(), anchor=None), first.stream
            )
        except StreamChanged:
            return first
        return replace(replies, new=first.new, new_ids=first.new_ids)

    def _round_trip(
        self, request: _Asked, known: StreamInfo | None = None, *, at_most: int | None = None
    ) -> Steps[PollReplies]:
        last = known or request.stream
        limits = self._limits(request)
        if at_most is not None:  # new entries, which may be large
            waiting = [len(one.replies.lookahead.ids) for one in self._last.values()]
            limits["max_entries"] = min(limits["max_entries"], at_most)
            limits["count_up_to"] = min(limits["count_up_to"], max(waiting, default=0) + at_most)
        poll = Poll(
            key=self._stream,
            after=last.last_generated_id if last else None,
            pages=[
                *request.pages,
                *([request.anchor] if request.anchor and self._can_anchor else []),
            ],
            cursors=request.cursors,
            idle=request.idle,
            readers=self._readers,
            memory=self._memory,
            known=known,
            **limits,
        )
        return poll.read((yield poll.commands()), self._last_replies)

    def _limits(self, request: _Asked) -> dict[str, int]:
        return self._budget.limits(len(request.cursors), len(set(request.cursors.values())))

    @property
    def _can_anchor(self) -> bool:
        return self._budget.entry_bytes <= _ANCHOR_BYTES

    def _find(self, tracker: LagTracker, replies: PollReplies) -> Findings:
        # from before the previous poll to after this one: it covers every read
        since_ms = (time.monotonic() - self._previous_s) * 1000 + _IDLE_MARGIN_MS
        by_group = replies.by_group
        active = {name for name, one in by_group.items() if one.active_within(since_ms)}
        evidence = Evidence(
            replies.stream,
            replies.groups,
            replies.new_ids,
            replies.pages,
            by_group,
            active,
            self._can_anchor,
            self._snapshots.works is True,
        )
        return tracker.find(evidence, self._last)
