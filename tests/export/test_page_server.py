from __future__ import annotations

import http.client
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis as redis_py

from streamviz import Scenario, Stream
from streamviz.cli import main
from streamviz.errors import InputError
from streamviz.export import DashboardServer
from streamviz.export.viewer import Viewer
from streamviz.widgets.views import FRAMES_AHEAD


@pytest.fixture
def page_server(redis: redis_py.Redis, key: str, until: Until) -> Iterator[DashboardServer]:
    Stream(redis, key).add_many({"n": n} for n in range(10))
    Stream(redis, key).group("g").create("0")
    with DashboardServer(Scenario(redis, sample_every_ms=20).watch(key), key) as running:
        until(lambda: len(running.source.history) > 0)
        yield running


Until = Callable[..., None]
OPEN: list[Browser | Events] = []


@pytest.fixture(autouse=True)
def _all_closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


class Browser:
    """A connection that sends requests, as a browser does."""

    def __init__(self, url: str) -> None:
        OPEN.append(self)
        parts = urlsplit(url)
        self.line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        self.token = parts.query.removeprefix("token=")

    def ask(
        self, path: str, method: str = "GET", token: str | None = None, body: str | None = None
    ) -> http.client.HTTPResponse:
        sent = self.token if token is None else token
        self.line.request(method, f"{path}?token={sent}", body)
        return self.line.getresponse()

    def close(self) -> None:
        self.line.close()

    def say(self, name: str, words: Any) -> int:
        reply = self.ask(f"/say/{name}", "POST", body=json.dumps(words))
        reply.read()
        return reply.status


class Events:
    """The messages of one dashboard."""

    def __init__(self, url: str) -> None:
        OPEN.append(self)
        self.browser = Browser(url)
        self.reply = self.browser.ask("/events")
        assert self.reply.status == 200
        kind, self.name = self.next()
        assert kind == "you"

    def next(self) -> tuple[str, str]:
        lines = []
        while (line := self.reply.readline().decode()) != "\n":
            assert line, "the stream of events ended"
            if not line.startswith(":"):
                lines.append(line.rstrip("\n"))
        if not lines:
            return self.next()
        kind, data = lines
        return kind.removeprefix("event: "), data.removeprefix("data: ")

    def close(self) -> None:
        self.reply.close()
        self.browser.line.close()


def test_a_browser_gets_complete_figures_and_then_what_is_new(
    page_server: DashboardServer, redis: redis_py.Redis, key: str
) -> None:
    events, sender = Events(page_server.url), Browser(page_server.url)
    assert sender.say(events.name, {"type": "hello"}) == 204
    kind, data = events.next()
    assert kind == "figures"
    whole = json.loads(data)
    assert len(whole["figures"]) == 2
    assert whole["panel"] is None
    Stream(redis, key).add({"n": 10})
    while "11 waiting" not in data:
        kind, data = events.next()
        assert kind == "frame"
        sender.say(events.name, {"type": "grant", "frames": 1})
    events.close()


def test_a_browser_that_grants_nothing_gets_its_frames_ahead_and_no_more(
    page_server: DashboardServer, until: Until
) -> None:
    events, sender = Events(page_server.url), Browser(page_server.url)
    sender.say(events.name, {"type": "hello"})
    kinds = [events.next()[0] for _ in range(1 + FRAMES_AHEAD)]
    assert kinds == ["figures", *["frame"] * FRAMES_AHEAD]
    before = len(page_server.source.history)
    until(lambda: len(page_server.source.history) > before + 10)
    sender.say(events.name, {"type": "grant", "frames": 1})
    kind, data = events.next()
    # nothing was sent meanwhile: this frame has all the samples
    assert kind == "frame"
    assert len(json.loads(data)["x"]) > 10
    events.close()


def test_several_browsers_share_the_samples_and_one_that_closes_is_removed(
    page_server: DashboardServer, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr("streamviz.export.page_server._KEEP_ALIVE_S", 0.05)
    several = [Events(page_server.url) for _ in range(3)]
    sender = Browser(page_server.url)
    assert len(page_server.viewers) == len(page_server.source.on_sample) == 3
    for one in several:
        sender.say(one.name, {"type": "hello"})
        assert one.next()[0] == "figures"
    for one in several:
        one.close()
    until(lambda: not page_server.viewers)
    assert not page_server.source.on_sample
    assert page_server.source.state == "running"


@pytest.mark.parametrize("path", ["/", "/live_page.js", "/plotly.js", "/events", "/nothing"])
@pytest.mark.parametrize("token", ["", "wrong", "é", "a" * 5000])
def test_nothing_is_shown_without_the_token(
    page_server: DashboardServer, path: str, token: str
) -> None:
    from urllib.parse import quote

    reply = Browser(page_server.url).ask(path, token=quote(token))
    assert reply.status == 403
    assert b"token" in reply.read()
    assert not page_server.viewers


def test_a_browser_can_steer_nothing(page_server: DashboardServer, redis: redis_py.Redis) -> None:
    events, sender = Events(page_server.url), Browser(page_server.url)
    wrong: list[Any] = [
        {"type": "control", "do": "pause"},
        {"type": "gone"},
        {"type": "plotly"},
        {"type": "grant", "frames": "many"},
        {"type": "grant", "frames": None},
        {},
        [],
        None,
        7,
    ]
    for words in wrong:
        assert sender.say(events.name, words) == 404, words
    assert sender.say("unknown", {"type": "hello"}) == 404
    reply = sender.ask(f"/say/{events.name}", "POST", body="{" * 5000)
    assert reply.status == 413
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert Browser(page_server.url).ask("/", method).status == 501
    assert page_server.source.state == "running"
    events.close()


def test_watching_writes_nothing(redis: redis_py.Redis, key: str, until: Until) -> None:
    Stream(redis, key).add({"n": 1})
    before = redis.dump(key)
    with DashboardServer(Scenario(redis, sample_every_ms=10).watch(key), key) as page_server:
        events, sender = Events(page_server.url), Browser(page_server.url)
        sender.say(events.name, {"type": "hello"})
        assert events.next()[0] == "figures"
        until(lambda: len(page_server.source.history) > 10)
        events.close()
    assert redis.dump(key) == before
    assert page_server.source.state == "stopped"


def test_a_page_has_security_headers_and_no_password(page_server: DashboardServer) -> None:
    reply = Browser(page_server.url).ask("/")
    assert reply.status == 200
    assert "default-src 'none'" in str(reply.headers["Content-Security-Policy"])
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "http" not in reply.read().decode().replace("<!doctype html>", "")
    assert page_server.token not in repr(page_server)


def connected(server: DashboardServer, sent: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=5)
    line.sendall(sent)
    return line


def test_half_requests_hold_few_threads_and_not_for_long(
    page_server: DashboardServer, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr("streamviz.export.page_server._Handler.timeout", 0.5)
    before = threading.active_count()
    lines = [connected(page_server, b"GET / HTTP/1.1\r\nHost: loc") for _ in range(400)]
    assert threading.active_count() <= before + 200
    until(lambda: threading.active_count() <= before + 2)
    assert Browser(page_server.url).ask("/").status == 200
    for line in lines:
        line.close()


def test_a_length_of_thousands_of_digits_is_too_large(page_server: DashboardServer) -> None:
    for digits in ("9" * 5000, "1001", "٣"):
        head = f"POST /say/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {digits}\r\n\r\n"
        with connected(page_server, head.encode()) as line:
            assert line.recv(100).startswith(b"HTTP/1.1 413 "), digits[:9]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("10.1.2.3", 200),
        (socket.gethostname(), 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_only_an_address_or_this_machines_name_is_answered(
    page_server: DashboardServer, name: str, status: int
) -> None:
    head = f"GET /?token={page_server.token} HTTP/1.1\r\nHost: {name}\r\n\r\n"
    with connected(page_server, head.encode()) as line:
        assert line.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


def test_no_page_may_show_it_in_a_frame(page_server: DashboardServer) -> None:
    policy = str(Browser(page_server.url).ask("/").headers["Content-Security-Policy"])
    assert "frame-ancestors 'none'" in policy


def test_browsers_that_go_early_or_send_garbage_leave_no_traceback(
    page_server: DashboardServer, capfd: pytest.CaptureFixture[str], until: Until
) -> None:
    before = threading.active_count()
    reset = struct.pack("ii", 1, 0)  # the connection is reset when it is closed
    asks = f"?token={page_server.token} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for sent in (
        f"GET /plotly.js{asks}",
        f"GET /events{asks}",
        "GET /",
        "\x16\x03\x01",
        "GET http://[",
    ):
        line = connected(page_server, sent.encode("latin-1"))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        line.close()
    with connected(
        page_server, b"GET http://[?token=x HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ) as line:
        assert line.recv(100).startswith(b"HTTP/1.1 400 ")
    deep = f"POST /say/x{asks}".replace("\r\n\r\n", "\r\nContent-Length: 990\r\n\r\n") + "[" * 990
    with connected(page_server, deep.encode()) as line:
        assert line.recv(100).startswith(b"HTTP/1.1 404 ")
    monkey = Stream(page_server.source.client, page_server.stream)
    until(lambda: monkey.add({"n": 1}) and threading.active_count() <= before + 2)
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "request failed" not in said


def test_a_browser_that_asks_and_does_not_read_is_refused_in_the_end(
    redis: redis_py.Redis, key: str
) -> None:
    scenario = Scenario(redis).watch(key)
    viewer = Viewer(scenario, key)
    asked = [viewer.receive({"type": "timeline", "id": "1-1"}) for _ in range(200)]
    assert (asked[:50], asked[-50:]) == ([True] * 50, [False] * 50)
    scenario.stop()
    viewer.close()


def test_a_hostile_key_is_shown_as_text(redis: redis_py.Redis, key: str) -> None:
    hostile = f"{key}</title><script>alert(1)</script>"
    with DashboardServer(Scenario(redis).watch(hostile), hostile) as page_server:
        page = Browser(page_server.url).ask("/").read().decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_it_listens_on_the_loopback_only_and_refuses_a_port_in_use(
    redis: redis_py.Redis, key: str
) -> None:
    page_server = DashboardServer(Scenario(redis).watch(key), key)
    try:
        assert urlsplit(page_server.url).hostname == "127.0.0.1"
        assert page_server._server.socket.getsockname()[0] == "127.0.0.1"
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(InputError, match=f"can't listen on 127.0.0.1:{port}"):
                DashboardServer(Scenario(redis).watch(key), key, port=port)
        with pytest.raises(InputError, match="give another host or port"):
            DashboardServer(Scenario(redis).watch(key), key, port=70_000)
        with pytest.raises(
            InputError, match="the address to listen on"
        ):  # it would listen everywhere
            DashboardServer(Scenario(redis).watch(key), key, host="")
    finally:
        page_server.close()


def test_the_command_line_shows_a_stream_to_a_user_who_may_only_read_it(
    redis: redis_py.Redis, key: str
) -> None:
    Stream(redis, key).add({"n": 1})
    may = "-@all +xinfo +xrange +xrevrange +xpending +multi +exec +info +ping +hello +client"
    rules = ["on", ">s3cr3t-word", "resetkeys", f"%R~{key}*", "resetchannels", *may.split()]
    redis.execute_command("ACL SETUSER", key, *rules)
    place = redis.connection_pool.connection_kwargs["path"]
    program = Path(sys.executable).with_name("streamviz")
    url = f"unix://{key.replace(':', '%3A')}:s3cr3t-word@{place}"
    shown = subprocess.Popen(
        [program, "watch", url, key, "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert shown.stdout is not None
    said = next(line for line in shown.stdout if "http:" in line)  # after the warning
    try:
        events, sender = Events(said.split()[-1]), Browser(said.split()[-1])
        assert sender.say(events.name, {"type": "hello"}) == 204
        while "1 entr" not in events.next()[1]:  # before the first sample it is empty
            assert sender.say(events.name, {"type": "grant", "frames": 1}) == 204
    finally:
        shown.terminate()
        rest, _ = shown.communicate(timeout=15)
        redis.execute_command("ACL DELUSER", key)
    assert shown.returncode == 0
    assert said.startswith(f"{key}: http://127.0.0.1:")
    assert "s3cr3t-word" not in said + rest
    assert "Traceback" not in rest


def test_neither_the_browsers_arguments_nor_ours_tell_a_secret(
    redis: redis_py.Redis, key: str, tmp_path: Path, until: Until
) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o700)
    redis.execute_command("ACL SETUSER", key, "on", ">s3cr3t-word", "~*", "+@all")
    place = redis.connection_pool.connection_kwargs["path"]
    shown = subprocess.Popen(
        [
            Path(sys.executable).with_name("streamviz"),
            "watch",
            f"unix://{key.replace(':', '%3A')}:s3cr3t-word@{place}",
            key,
        ],
        env=os.environ | {"BROWSER": f"{browser} %s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(opened.exists, 30)
        page = Path(urlsplit(opened.read_text().strip()).path)
        token = re.search(r"token=([\w-]+)", page.read_text())
        assert page.parent.stat().st_mode & 0o077 == 0, "others cannot read it"
    finally:
        shown.terminate()
        said, warned = shown.communicate(timeout=15)
        redis.execute_command("ACL DELUSER", key)
    assert token is not None
    assert token[1] in said
    assert token[1] not in opened.read_text()
    assert "put the URL into REDIS_URL" in warned
    assert "s3cr3t-word" not in said + warned
    assert not page.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["watch", "orders"], "no server given: run streamviz watch redis://"),
        (["watch", "redis://:s3cr3t@127.0.0.1:1", "orders"], "127.0.0.1:1"),
        (["watch", "http://x", "orders"], "write redis://host:6379/0"),
        (["watch", "redis://:s3cr3t@[::1", "orders"], "is not a URL: write redis://"),
        (["watch", "redis://127.0.0.1:1?password=s3cr3t", "orders"], "put the URL into REDIS_URL"),
        (["export", f"{'x' * 300}.gz", "-o", f"{'y' * 300}.html"], "File name too long"),
        (["replay", "x" * 300, "--no-browser"], "File name too long"),
        (["lab", "x" * 300], "does not exist"),
        (["watch", "redis://x", "orders", "--rate", "0"], "--rate 0"),
        (["lab", "no-such.ipynb"], "does not exist: give a notebook"),
    ],
)
def test_a_wrong_argument_is_an_error_without_a_password(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert main(words) == 1
    said = capsys.readouterr().err
    assert says in said
    assert "s3cr3t" not in said


def test_lab_runs_jupyterlab_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, words: done.append(words))
    assert main(["lab", str(tmp_path), "--no-browser"]) == 0
    assert done == [
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--ServerApp.ip=127.0.0.1",
            "--no-browser",
            *(["--allow-root"] if os.geteuid() == 0 else []),
            str(tmp_path),
        ]
    ]
