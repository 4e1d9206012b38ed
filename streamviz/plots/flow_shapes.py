"""Turn a scene and a width into boxes and texts, each with its place.

The browser's `flow_shapes.js` does the same, to the pixel, and a test compares the two. A shape is
a dict: ``key`` names it from frame to frame, so that the browser can move it; ``x`` and ``y`` are
its top left corner, or where its text begins; ``kind`` says what it is, and with ``colour`` how it
looks. A rectangle has ``w`` and ``h``. A text has ``text`` and ``anchor``. A square has the ``id``
of its entry, or its own number, ``square``, on the tape. ``enters`` and ``leaves`` are where it
comes from and where it goes once it is acknowledged.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from streamviz.plots.flow_constants import (
    BOX_GAP,
    BOX_H,
    BOX_MIN,
    BOX_W,
    FILL,
    GROUP,
    HEADLINE,
    LEAST,
    LOW,
    LOWER,
    MANY,
    NAME,
    NOTE,
    OLD_S,
    PITCH,
    READER,
    SQUARE,
    WIDE,
)
from streamviz.plots.flow_parts import (
    Shape,
    bar_at,
    groups_words,
    rect_at,
    square_at,
    state_of,
    text_at,
)
from streamviz.plots.texts import columns, entries_text, fit, lines
from streamviz.plots.traces import GREY


def flow_shapes(scene: dict[str, Any], width: int, *, low: bool = False) -> tuple[int, list[Shape]]:
    """Return the picture's height and its shapes, from back to front; `low` saves height."""
    if "added" not in scene or scene["trouble"]:
        text = scene["trouble"] or scene["headline"]
        return 80, [text_at("headline 0", 16, 24, fit(width - 32, HEADLINE, text), "headline")]
    flow = FlowShapes(scene, width, low or len(scene["groups"]) > MANY)
    return flow.height, list(flow.shapes())


class FlowShapes:
    """The shapes of one scene.

    Attributes
    ----------
    pitch, side, box : int
        From one square to the next, a square's width, and the greatest width of a consumer's box.
    """

    pitch, side, box = PITCH, SQUARE, BOX_W

    def __init__(self, scene: dict[str, Any], width: int, low: bool) -> None:
        self.scene, self.width = scene, width
        self.wide = width >= LEAST
        self.left = 150 if self.wide else 100
        self.right = width - (112 if self.wide else 72)
        self.every: int = scene["every"]
        self.count = max(4, (self.right - self.left) // self.pitch)  # squares that fit
        self.last = self.square(scene["added"])
        rate, of_all, total = scene["rate"], scene["all"], scene["total"]
        words = groups_words(of_all, len(scene["groups"]), total)
        self.said = ", ".join([f"in {rate}", *words] if rate else words)
        room, *others = (width // 2,) if self.wide else (56, rate, "")
        self.rates = fit(room, NOTE, self.said, *others)
        beside = max(112, 48 + NOTE * columns(self.rates)) if self.wide else 32
        self.headline = lines(width - beside, HEADLINE, scene["headline"])
        above = self.said or scene["event"] or scene["producers"]  # where a still has nothing
        self.top = 38 + 20 * len(self.headline) if above or self.headline else 12  # of the tape
        groups, readers = scene["groups"], scene["readers"]
        self.low = LOW if low else 0
        self.group_high = GROUP - (LOWER if self.low else 0)
        self.readers_top = self.top + 44 + self.group_high * len(groups)
        self.height = self.readers_top + READER * len(readers) + 8

    def square(self, number: int) -> int:
        """Return the number of the square that stands for an entry; 0 before the first."""
        return -(-number // self.every)

    def x(self, square: int) -> int:
        """Return the left edge of a square."""
        return self.right - self.pitch * (self.last - square + 1)

    def shapes(self) -> Iterator[Shape]:
        """Yield all shapes, from back to front."""
        scene, top, end = self.scene, self.top, self.width - 16
        for i, line in enumerate(self.headline):
            yield text_at(f"headline {i}", 16, 24 + 20 * i, line, "headline")
        sources = yield from self.producers()
        yield text_at("rates", end, 24 if self.wide else top - 15, self.rates, "note", "end")
        yield text_at("stream", 16, top + 10, fit(self.left - 22, NAME, scene["stream"]), "name")
        length = scene["added"] - scene["first"] + 1
        words = fit(self.left - 22, NOTE, entries_text(length), f"{length:,}")
        yield text_at("length", 16, top + 26, words, "note")
        oldest = max(self.square(scene["first"]), self.last - self.count + 1, 1)
        for square in range(oldest, self.last + 1):
            x, enters = self.x(square), [sources.get(square, self.right - SQUARE), top - 14]
            yield square_at(f"tape {square}", x, top, "entry", square=square, enters=enters)
        yield from self.ids(oldest)
        for i, group in enumerate(scene["groups"]):
            yield from self.group(i, group, top + 44 + self.group_high * i, oldest)
        for i, reader in enumerate(scene["readers"]):
            yield from self.reader(i, reader, self.readers_top + READER * i)

    def ids(self, oldest: int) -> Iterator[Shape]:
        """Yield the texts below the tape: the first ID, or how many are older, and the last ID."""
        first, last = self.scene["ids"]
        words = first if first != last else "" if last else "empty"
        if self.square(self.scene["first"]) < oldest:
            words = f"{(oldest - 1) * self.every - self.scene['first'] + 1:,} older"
        room = self.right - self.left
        if self.every > 1:
            each = f"■ = {self.every:,} entries"
            words = fit(room * 2 // 3, NOTE, f"{words} · {each}", each)
        else:
            words = fit(room // 2, NOTE, words)
        last = fit(room - NOTE * (columns(words) + 1), NOTE, last)
        apart = self.right - int(WIDE * (columns(words) + columns(last) + 1))  # both have room
        if words == first and apart < self.x(oldest):
            words, last = "", fit(room, NOTE, f"{first} to {last}", last)
        x = max(self.left, min(apart, self.x(oldest)))
        yield text_at("oldest", x, self.top + 28, words, "note")
        yield text_at("newest", self.right, self.top + 28, last, "note", "end")

    def producers(self) -> Generator[Shape, None, dict[int, int]]:
        """Yield the producers' names above the tape; return from where its new squares drop."""
        slot, most = (110, 3) if self.wide else (80, 1)
        named = self.scene["producers"]
        unnamed = ["new entries" if self.wide else "new"] if self.said else []
        names = [one["name"] for one in named] or unnamed
        if len(names) > most:
            names[most - 1 :] = [f"+{len(names) - most + 1:,}"]
        room = self.right - slot * len(names) - 24
        yield text_at("event", 16, self.top - 15, fit(room, NOTE, self.scene["event"]), "note")
        for k, name in enumerate(names):
            words = f"{fit(slot - 30, NOTE, name)} ▾"
            x = self.right - slot * k - (0 if self.wide else 6)  # the rates stand close to them
            yield text_at(f"producer {k}", x, self.top - 15, words, "note", "end")
        return {
            self.square(number): self.right - slot * min(k, most - 1) - SQUARE
            for k, one in enumerate(named if self.every == 1 else ())
            for number in one["new"]
            if number
        }

    def group(self, i: int, group: dict[str, Any], top: int, oldest: int) -> Iterator[Shape]:
        """Yield a group's lane, its consumers and its bar."""
        key, colour, room = f"group {i}", group["colour"], self.left - 22
        yield rect_at(f"{key} mark", 6, top, 4, 30, "line", colour)
        yield text_at(f"{key} name", 16, top + 11, fit(room, NAME, group["name"]), "name")
        waiting = "unknown" if group["waiting"] is None else f"{group['waiting']:,}"
        words = fit(room, NOTE, f"{waiting} waiting", waiting)
        yield text_at(f"{key} waiting", 16, top + 27, words, "note")
        if group["at"] is not None:
            yield from self.cursor(key, group["at"], top, colour)
            first = max(oldest, self.square(group["at"] + 1))
            for square in range(first, self.last + 1):
                x, name = self.x(square), f"{key} waits {square}"
                yield square_at(name, x, top, "waits", colour, square=square)
        yield from self.consumers(key, group, top + 20)
        yield from self.bar(key, group, top + 62 - self.low)

    def cursor(self, key: str, at: int, top: int, colour: str) -> Iterator[Shape]:
        """Yield a line up to a cursor."""
        end = max(self.left, min(self.x(self.square(at)) + self.side, self.right))
        yield rect_at(f"{key} read", self.left, top + 5, end - self.left, 2, "line", colour)
        yield rect_at(f"{key} cursor", end - 4, top + 2, 8, 8, "dot", colour)

    def consumers(self, key: str, group: dict[str, Any], top: int) -> Iterator[Shape]:
        """Yield a group's boxes: its consumers, and the bin of its dead letters."""
        all_shown, room = group["consumers"], self.right - self.left + BOX_GAP
        if group["bin"]:
            room -= BOX_MIN + BOX_GAP
            yield from self.bin(key, group["bin"], self.left + room, top)
        shown = all_shown[: max(1, room // (BOX_MIN + BOX_GAP))]
        wide = min(self.box, room // max(1, len(shown)) - BOX_GAP)
        for k, one in enumerate(shown):
            x = self.left + k * (wide + BOX_GAP)
            yield from self.consumer(f"{key} {k}", key, one, x, top, wide, group["colour"])
        if not shown:
            yield text_at(f"{key} empty", self.left, top + 21, "no consumers", "note")
        rest = len(all_shown) - len(shown) + group["more"][0]
        held = sum(one["pending"] for one in all_shown[len(shown) :]) + group["more"][1]
        for i, (number, *options) in enumerate(
            ((rest, f"+{rest:,} consumers", f"+{rest:,}"), (held, f"{held:,} pending", ""))
        ):
            if number:
                words = fit(self.width - self.right - 16, NOTE, *options)
                y = top + 46 - self.low + 14 * i
                yield text_at(f"{key} more {i}", self.right + 12, y, words, "note")

    def bin(self, key: str, one: dict[str, Any], x: int, top: int) -> Iterator[Shape]:
        """Yield the bin of dead letters."""
        yield rect_at(f"{key} bin", x, top, BOX_MIN, BOX_H - self.low, "bin", GREY)
        number = f"✝ {one['count']:,}"
        words = one["name"], number + one["since"]
        yield from self.words(f"{key} bin", x, top, BOX_MIN - 8, 0, *words)

    def words(
        self, key: str, x: int, top: int, room: int, beside: float, name: str, *states: str
    ) -> Iterator[Shape]:
        """Yield a box's name and its state: in one line if the box is low."""
        low = [f"{name}: {one}" for one in states]
        low += {"dead": [f"dead: {name}"], "empty": [name]}.get(states[-1], [])
        words = fit(room - beside, NOTE, *(low if self.low else [name]))
        yield text_at(f"{key} name", x + 8, top + 14, words, "label")
        if not self.low:
            yield text_at(f"{key} state", x + 8, top + 28, fit(room, NOTE, *states), "note")

    def consumer(
        self, name: str, key: str, one: dict[str, Any], x: int, top: int, wide: int, colour: str
    ) -> Iterator[Shape]:
        """Yield a consumer's box and what it holds."""
        known, many, rest = self.shown(one, max(1, (wide - 90) // PITCH))
        kind = "dead" if one["dead"] else "box"
        yield rect_at(name, x, top, wide, BOX_H - self.low, kind, colour)
        beside = PITCH * (len(known) + many)
        left, y = x + wide - 6 - PITCH, top + (4 if self.low else 6)
        if rest:
            yield text_at(f"{name} rest", left + PITCH - beside - 4, y + 10, rest, "note", "end")
            beside += int(NOTE * columns(rest)) + 16  # a gap, for letters may be wider
        yield from self.words(name, x, top, wide - 12, beside, one["name"], *state_of(one))
        for place in range(many):
            kind = "old" if one["dead"] else "many"
            title = f"{one['pending']:,} pending"
            at = left - PITCH * place
            yield square_at(f"{name} many {place}", at, y, kind, colour, title=title)
        for place, held in enumerate(known):
            at, lost = left - PITCH * place, held[0] in one["lost"]
            yield from self.held(key, held, at, y, colour, dead=one["dead"], lost=lost)

    def shown(self, one: dict[str, Any], fits: int) -> tuple[list[list[Any]], int, str]:
        """Return the entries that a box shows, or the number of squares, and the rest in words."""
        pending = one["pending"]
        room = -(-int(NOTE * (columns(f"{pending:,}") + 1)) // PITCH)  # squares, for "+12"
        for most in (fits, max(1, fits - room)):
            known = one["held"][:most] if self.every == 1 or pending <= most else []
            many = 0 if known else min(most, self.square(pending))
            rest = pending - (len(known) or many * self.every)
            if rest <= 0:
                return known, many, ""
        return known, many, f"+{rest:,}"

    def held(
        self, key: str, held: list[Any], x: int, y: int, colour: str, *, dead: bool, lost: bool
    ) -> Iterator[Shape]:
        """Yield an entry that a consumer holds: a square that fills, crossed out if it is lost."""
        entry, number, age_s, deliveries = held
        way = {"leaves": [self.right + 20, y]}
        if number is not None:
            at = self.x(self.square(number))
            way["enters"] = [max(self.left, min(at, self.right)), y - 26]
        title = f"{entry}, delivery {deliveries}, held {age_s:.1f} s"
        title += ", no longer in the stream" if lost else ""
        kind = "lost" if lost else "old" if dead or age_s > OLD_S else "held"
        yield square_at(f"{key} held {entry}", x, y, kind, colour, **way, id=entry, title=title)
        if kind == "held":
            full = FILL + int(age_s * (SQUARE - FILL) / OLD_S)
            box = (x, y + SQUARE - full, SQUARE, full)
            yield rect_at(f"{key} fill {entry}", *box, "fill", colour) | way

    def bar(self, key: str, group: dict[str, Any], top: int) -> Iterator[Shape]:
        """Yield a bar of all entries that were ever added, with numbers."""
        box, counted = (self.left, self.right, top, self.width - 16), self.wide
        yield from bar_at(key, group, self.scene["added"], box, counted=counted)
        if counted:
            acked = "?" if group["acked"] is None else f"{group['acked']:,}"
            yield text_at(f"{key} acked n", box[3], top - 32, acked, "name", "end")
            yield text_at(f"{key} acked", box[3], top - 18, "acknowledged", "note", "end")

    def reader(self, i: int, reader: dict[str, Any], top: int) -> Iterator[Shape]:
        """Yield a plain reader's name and its cursor."""
        key = f"reader {i}"
        name = fit(self.left - 22, NOTE, reader["name"])
        yield text_at(f"{key} name", 16, top + 11, name, "label")
        if reader["at"] is None:
            yield text_at(f"{key} far", self.left, top + 11, "far behind", "note")
        else:
            yield from self.cursor(key, reader["at"], top, GREY)
