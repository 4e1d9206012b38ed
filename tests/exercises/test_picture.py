"""A picture of a stream tells the truth, and is the same in every run."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree

import redis as redis_py
from IPython.core.formatters import DisplayFormatter

from exercises import consumer_groups
from exercises.bars import Part, bars
from exercises.boxes import Lost, Pale, Tinted, Trimmed, boxes
from exercises.picture import Picture, picture, picture_if_possible, start
from exercises.pubsub_or_stream import Survivors
from exercises.verdict import Verdict
from exercises.worker_loop import worker_loop
from go_game.variants.runs import Runs
from streamviz.client.stream import Stream
from streamviz.plots.contrast import MIN_TEXT_CONTRAST, contrast
from streamviz.plots.traces import COLOURS, GREY, RED, colour
from streamviz.server.embedded import EmbeddedServer


def acknowledged(shown: Picture) -> int:
    """Return the number beside the word, at the right of the only group's bar."""
    (number,) = re.findall(r">(\d+)</text><text [^>]*>acknowledged</text></svg>", shown.svg)
    return int(number)


def test_a_picture_tells_acknowledged_entries_from_dropped_ones(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 7))
    crew = stream.group("crew")
    crew.create("0")
    start(redis, key)
    for name in ("ann", "ben"):
        crew.consumer(name).read(2)
    assert "crew: 2 waiting, 4 pending" in repr(picture(redis, key))
    crew.ack("1-0")
    crew.delete_consumer("ben")
    shown = picture(redis, key)
    assert "from 1-0 to 6-0; crew: 2 waiting, 1 pending" in repr(shown)
    assert acknowledged(shown) == 1


def test_a_picture_is_the_same_when_the_notebook_runs_again(
    server: EmbeddedServer, key: str
) -> None:
    def notebook() -> Picture:
        client = server.client()
        client.delete(key)
        jobs = Stream(client, key)
        jobs.add_many((f"{n}-0", {"job": n}) for n in range(1, 10))
        picture(client, key)
        late = jobs.group("late")
        late.create("$")
        jobs.add({"job": "ten"}, id="10-0")
        late.consumer("eve").read()
        return picture(client, key)

    first = notebook()
    assert repr(first).endswith("late: 0 waiting, 1 pending.")
    assert notebook() == first


def test_a_picture_does_not_ask_a_server_that_is_gone(key: str) -> None:
    for _ in range(2):
        with EmbeddedServer() as server, server.client() as client:
            Stream(client, key).add({"job": 1}, id="1-0")
            assert repr(picture(client, key)) == "1 entry in the stream, from 1-0 to 1-0."


def test_ids_of_the_clock_are_not_shown(redis: redis_py.Redis, key: str) -> None:
    shown = []
    for _ in range(2):
        redis.delete(key)
        Stream(redis, key).add({"n": 1})
        start(redis, key)
        shown.append(picture(redis, key))
    assert shown[0] == shown[1]
    assert repr(shown[0]) == "1 entry in the stream."


def test_a_picture_accounts_for_what_happened_since_the_first_and_gives_nothing_an_age(
    redis: redis_py.Redis, key: str
) -> None:
    for _ in range(3):  # the stream is deleted and made anew, with the same IDs
        redis.delete(key)
        stream = Stream(redis, key)
        stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 9))
        crew = stream.group("crew")
        crew.create("0")
        picture(redis, key)
        ann, ben = crew.consumer("ann"), crew.consumer("ben")
        for entry in ann.read(2):
            ann.ack(entry.id)
        ben.read(1)
        ann.claim(["3-0"])
        crew.delete_consumer("ben")
        stream.trim(maxlen=3)
        for _ in range(7):
            shown = picture(redis, key)
        assert acknowledged(shown) == 2
        words = re.findall(r">(2 never delivered|acknowledged|1 pending|waiting)<", shown.svg)
        assert words[-5:-1] == ["2 never delivered", "acknowledged", "1 pending", "waiting"]
        assert crossed(shown) == 1, "only 3-0, which was trimmed"
        assert f"fill='{RED}'" not in shown.svg


def test_a_pending_entry_that_was_deleted_or_trimmed_is_crossed_out(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 7))
    crew = stream.group("crew")
    crew.create("0")
    crew.consumer("ann").read(4)
    assert crossed(picture(redis, key)) == 0
    stream.delete("3-0")
    assert crossed(picture(redis, key)) == 1
    stream.trim(maxlen=3)
    shown = picture(redis, key)
    assert crossed(shown) == 3
    assert inside(shown, "2-0", "3-0", "4-0") == {"2-0": 1, "3-0": 1, "4-0": 2}
    crew.ack("1-0", "2-0", "3-0")
    assert crossed(picture(redis, key)) == 0


def crossed(shown: Picture) -> int:
    """Return how many boxes are red and crossed out."""
    red = re.findall(f"<(\\w+) [^>]*stroke='{RED}'", shown.svg)
    assert red.count("rect") == red.count("path")
    return red.count("path")


def test_many_entries_at_once_are_still_one_square_each(redis: redis_py.Redis, key: str) -> None:
    picture(redis, key)
    Stream(redis, key).add_many((f"{n}-0", {"n": n}) for n in range(1, 301))
    assert "older" in picture(redis, key).svg
    assert "■" not in picture(redis, key).svg


def test_a_picture_shows_where_a_reader_is(redis: redis_py.Redis, key: str) -> None:
    Stream(redis, key).add_many((f"{n}-0", {"n": n}) for n in range(1, 9))
    early, late = (picture(redis, key, camera=position).svg for position in ("2-0", "7-0"))
    assert "camera" in early
    assert early != late


def test_few_entries_are_boxes_with_their_ids_wherever_they_are(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"job": f"job {n}"}) for n in range(1, 8))
    crew = stream.group("crew")
    crew.create("0")
    picture(redis, key)
    for name in ("ann", "ben", "ann"):
        crew.consumer(name).read(2)
    crew.ack("2-0")
    assert inside(picture(redis, key), "2-0", "7-0", "4-0", "5-0", "6-0") == {
        "2-0": 1,  # on the tape; it is acknowledged
        "7-0": 2,  # it waits
        **dict.fromkeys(("4-0", "5-0", "6-0"), 2),  # a consumer holds them
    }
    assert inside(picture(redis, key, label="job"), "job 6", "6-0") == {"job 6": 2, "6-0": 0}
    assert inside_the_frame(picture(redis, key, label="job"))


def test_labels_are_left_out_if_they_have_no_room(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 6))
    assert inside(picture(redis, key), "3-0") == {"3-0": 1}
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1000, 1030))
    assert inside(picture(redis, key), "1003-0") == {"1003-0": 0}


def test_what_is_deleted_has_no_box_and_cursors_stand_at_the_entries_that_are_left(
    redis: redis_py.Redis, key: str
) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"{n}-0", {"n": n}) for n in range(1, 7))
    crew = stream.group("crew")
    crew.create("0")
    picture(redis, key)
    crew.consumer("ann").read(2)
    crew.ack("1-0", "2-0")
    stream.delete("4-0")
    shown = picture(redis, key, reader="3-0")
    waits = {"3-0": 2, "5-0": 2, "6-0": 2}
    others = {"1-0": 1, "2-0": 1, "4-0": 0}
    assert inside(shown, *others, *waits) == others | waits
    boxes_right = [
        float(one["x"]) + float(one["width"]) for one in rectangles(shown) if one["height"] == "14"
    ]
    dots = [float(one["x"]) + 4 for one in rectangles(shown) if one["width"] == "8"]
    assert dots == boxes_right[1:3], "the group's at 2-0, the reader's at 3-0"


def test_words_in_a_tinted_box_have_enough_contrast_on_a_page_of_any_colour(
    redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add({"n": 1}, id="1-0")
    for shown in (picture(redis, key), boxes({"stream": ["1-0"]})):
        root = ElementTree.fromstring(shown.svg)
        ground = root.attrib["style"].removeprefix("background:")
        (box,) = rectangles(shown)
        tint = box["fill"], ground, float(box["fill-opacity"])
        assert contrast(root.attrib["fill"], ground) / contrast(*tint) > MIN_TEXT_CONTRAST


def test_a_consumer_with_more_than_has_room_says_how_many(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    stream.add_many((f"10000{n}-0", {"n": n}) for n in range(6))
    crew = stream.group("crew")
    crew.create("0")
    picture(redis, key)
    for name in ("ann", "ben"):
        crew.consumer(name).read(3)
    shown = picture(redis, key)
    assert ">+1<" in shown.svg
    assert inside(shown, "100001-0", "100002-0") == {"100001-0": 2, "100002-0": 1}
    assert inside_the_frame(shown)


def inside(shown: Picture, *labels: str) -> dict[str, int]:
    """Return how many boxes have each label."""
    root = ElementTree.fromstring(shown.svg)
    middle = [
        one.text
        for one in root.iter("{http://www.w3.org/2000/svg}text")
        if one.get("text-anchor") == "middle"
    ]
    return {label: middle.count(label) for label in labels}


def rectangles(shown: Picture) -> list[dict[str, str]]:
    root = ElementTree.fromstring(shown.svg)
    return [one.attrib for one in root.iter("{http://www.w3.org/2000/svg}rect")]


def inside_the_frame(shown: Picture) -> bool:
    """Tell whether each rectangle is in the picture, and none of the small boxes covers another."""
    root = ElementTree.fromstring(shown.svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    names = ("x", "y", "width", "height")
    found = [[float(one[name]) for name in names] for one in rectangles(shown)]
    small = sorted((y, x, w) for x, y, w, high in found if high == 14)
    assert small
    return all(x + w <= width and y + high <= height for x, y, w, high in found) and not any(
        y == other_y and x + w > other_x for (y, x, w), (other_y, other_x, _) in pairwise(small)
    )


def test_a_right_answer_looks_right(redis: redis_py.Redis) -> None:
    crew = consumer_groups.new_crew(redis)
    for entry in crew.consumer("max").autoclaim(min_idle_ms=0, count=1000).entries:
        redis.rpush("crew:done", entry.fields["task"])
        crew.ack(entry.id)
    crew.delete_consumer("zoe")
    verdict = consumer_groups.check_tasks(crew)
    assert verdict.right
    assert verdict.picture is not None
    assert acknowledged(verdict.picture) == 106


def test_boxes_cross_out_what_is_lost_and_leave_no_label_out() -> None:
    labels = [f"customer-{n}" for n in range(30)]
    shown = boxes({"asked": [*labels, None], "<answered>": [Lost("ann"), "ben"], "late": []})
    assert repr(shown).endswith("<answered>: ann (crossed out), ben; late: none")
    root = ElementTree.fromstring(shown.svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {*labels, "asked", "ann", "ben", "<answered>", "late"} == {*texts}
    assert shown.svg.count("<path") == 1
    for one in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(one.attrib["x"]) + float(one.attrib["width"]) <= width
        assert float(one.attrib["y"]) + float(one.attrib["height"]) <= height


def test_what_was_trimmed_is_crossed_out_in_another_colour_than_what_is_missed() -> None:
    shown = boxes({"stream": [Trimmed("1-0"), "2-0"], "read": [Lost("1-0"), "2-0"]}, colours=[2, 2])
    assert repr(shown) == "stream: 1-0 (crossed out), 2-0; read: 1-0 (crossed out), 2-0"
    assert shown.svg.count(f"stroke='{GREY}'") == shown.svg.count(f"stroke='{RED}'") == 2
    assert shown.svg.count(f"stroke='{colour(2)}'") == 2, "all rows in one colour"


def test_the_pending_list_has_a_column_for_each_entry(redis: redis_py.Redis, key: str) -> None:
    stream = Stream(redis, key)
    bill = stream.group("bill")
    stream.add_many((f"{n}-0", {"n": n}) for n in (1, 2))
    bill.create("0")
    bill.consumer("ann").read(2)
    bill.consumer("ben").claim(["2-0"])
    shown = repr(consumer_groups.pending_list(bill))
    assert shown == "entry: 1-0, 2-0; held by: ann, ben; deliveries: 1, 2"


def test_the_worker_s_loop_is_a_drawing_with_words_for_a_reader_of_screens() -> None:
    root = ElementTree.fromstring(worker_loop().svg)
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("handle") == texts.count("XACK") == 2
    assert {"XREADGROUP … 0", "XREADGROUP … >", "none left"} <= {*texts}
    assert "own pending entries (0)" in repr(worker_loop())


def test_a_verdict_shows_its_words_above_the_stream_that_it_is_about(redis: redis_py.Redis) -> None:
    crew = consumer_groups.new_crew(redis)
    page = consumer_groups.check_tasks(crew)._repr_html_()
    assert page is not None
    words, drawn = page.split("<img ")
    assert words == "<p>Not yet: zoe still holds 105 entries.</p>"
    assert "zoe" in drawn
    redis.delete("chores", "crew:done")
    assert consumer_groups.check_tasks(crew)._repr_html_() is None
    assert picture_if_possible(redis, "chores") is None


def test_what_has_words_and_a_picture_gives_no_form_that_has_only_the_picture() -> None:
    shown = DisplayFormatter()
    drawn = Picture("<svg>é</svg>", "a stream")
    both = [
        Verdict(False, "a < b & c", drawn),
        Survivors(3, None, drawn),
        Runs({"one": {"s": [1]}}),
    ]
    for one in both:
        forms, _ = shown.format(one)
        assert sorted(forms) == ["text/html", "text/plain"]
        words = re.search(r"<(p|pre)>(.*?)</", forms["text/html"], re.DOTALL)
        assert words is not None
        assert unescape(words[2]) == forms["text/plain"]
        assert 'src="data:image/svg+xml,%3Csvg' in forms["text/html"]
    assert sorted(shown.format(Verdict(True, "fine"))[0]) == ["text/plain"]


def test_bars_are_as_wide_as_their_numbers_and_say_what_is_empty_or_lost() -> None:
    rows = {"node-2": [Part(200, "200 there")], "rest": [Part(50, "50 lost", lost=True)], "no": []}
    shown = bars(rows)
    assert repr(shown) == "node-2: 200 there; rest: 50 lost (crossed out); no: empty"
    there, lost, empty = map(
        float, re.findall(r"<rect x='[^']+' y='[^']+' width='([^']+)'", shown.svg)
    )
    assert abs(there - 4 * lost) < 0.5
    assert shown.svg.count(RED) == 2, "the box and its cross"
    assert empty > 0
    assert "#D55E00" in shown.svg, "the colour of the second node"
    assert repr(bars({"node-1": []})) == "node-1: empty"


def test_a_box_may_have_a_colour_of_its_own_or_none_and_its_note_is_in_the_text() -> None:
    shown = boxes({"ann": [Tinted("1: A", 1), "2: B"], "ben": [Pale("3", "again"), Pale()]})
    assert repr(shown) == "ann: 1: A, 2: B; ben: 3 (again), "
    fills = re.findall(r"<rect [^>]*height='24'[^>]*? fill='(\S+)'", shown.svg)
    assert fills == [COLOURS[1], COLOURS[0], "none", "none"]
