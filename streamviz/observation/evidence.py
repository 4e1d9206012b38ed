"""What a poll shows about the groups' lag, and what that proves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry, GroupInfo, StreamInfo
from streamviz.observation.counting import Lookahead, StreamDelta
from streamviz.observation.counts import Contradiction, Counts
from streamviz.observation.idle_groups import GroupReplies


@dataclass(slots=True)
class Evidence:
    """What one poll shows about the groups' lag."""

    stream: StreamInfo
    groups: list[GroupInfo]
    new: Lookahead  # after the last ID of the previous sample; only the newest if many
    pages: list[Lookahead]  # that the tracker asked for
    by_group: Mapping[str, GroupReplies]  # of those that were asked about by name
    active_groups: set[str]  # a consumer may have read since the previous sample
    can_anchor: bool  # whether the previous sample's last entry is small enough to be asked for
    of_one_moment: bool  # whether nothing can have happened between two replies

    def lookahead(self, group: GroupInfo) -> list[Lookahead]:
        """Return the entries that were asked for after a group's cursor, if they were."""
        replies = self.by_group.get(group.name)
        return [replies.lookahead] if replies else []

    @property
    def shared(self) -> list[Lookahead]:
        """The entries that were not asked for because of one group."""
        return [self.new, *self.pages]

    def has(self, entry: Entry) -> bool:
        """Tell whether an entry is among the replies; those about an idle group are older."""
        return any(str(entry.id).encode() in one.ids for one in self.shared)

    def lacks(self, entry: Entry) -> bool:
        """Tell whether the replies show that an entry is not there."""
        covered = any(one.after < entry.id <= one.end for one in self.shared)
        return covered and not self.has(entry)


@dataclass(slots=True)
class Findings:
    """What the replies of a poll prove, together with what earlier ones proved."""

    evidence: Evidence
    delta: StreamDelta  # since the previous sample
    unchanged: set[str]  # groups
    counts: Counts | None  # None if nothing has changed, so that nothing was counted
    waiting: Mapping[str, int | None]  # after each group's cursor; None if unknown
    is_contradictory: bool = False  # the replies contradict what is known, or each other
    is_doubtful: bool = False  # they say what hardly ever happens, or what cannot be
    carried: Mapping[EntryId, int] = field(default_factory=dict)  # from earlier samples

    @property
    def uncertain(self) -> list[GroupInfo]:
        """The groups whose lag is not known."""
        return [one for one in self.evidence.groups if self.waiting[one.name] is None]


def count_entries(
    evidence: Evidence, carried: Mapping[EntryId, int]
) -> tuple[Counts, dict[str, int | None], bool]:
    """Return the counts, how many entries follow each cursor, and whether there is a conflict."""
    own = {id(one): one for group in evidence.groups for one in evidence.lookahead(group)}
    for counted in (carried, {}) if carried else (carried,):
        try:
            counts = Counts(evidence.stream, counted, [*evidence.shared, *own.values()])
        except Contradiction:
            continue
        waiting = {
            group.name: counts.after(
                group.last_delivered_id, [*evidence.lookahead(group), *evidence.shared]
            )
            for group in evidence.groups
        }
        return counts, waiting, counted is not carried
    # not even the replies agree: they show different moments, or a wrong byte
    unknown = dict.fromkeys([group.name for group in evidence.groups])
    return Counts(evidence.stream, {}, []), unknown, True
