"""A small web server that shows one stream's board, to whoever has the link, and takes no orders.

Three things can be asked for: the page with its scripts, the messages of a board as server-sent
events, and to say ``hello`` and ``grant`` to that board. There is no kernel behind it, and no way
from a browser to Redis.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from streamviz.errors import InputError
from streamviz.export.viewer import Viewer
from streamviz.plots.figure import clean
from streamviz.simulation.scenario import Scenario
from streamviz.widgets.assets import plotly_js, script, stylesheet

_HERE = Path(__file__).parent / "static"
_ALIVE_S = 10.0  # a browser that has gone is noticed by writing to it
_MOST_GUESTS = 50
_LONGEST = 1000  # bytes of what a browser may say
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)


class DashboardServer:
    """A live board of a scenario that only watches, as a web page.

    Parameters
    ----------
    source : Scenario
        What is looked at; it is started. All pages share its one look.
    stream : str
        Which of its streams.
    host : str
        Where to listen. Beyond the loopback, everybody on that network who has the link can look.
    port : int
        On which port; 0 takes a free one.

    Attributes
    ----------
    url : str
        The page's address with its token: who has it can look.

    Raises
    ------
    InputError
        If that address can't be listened on.
    """

    def __init__(
        self, source: Scenario, stream: str, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.source = source
        self.stream = stream
        self.token = secrets.token_urlsafe(24)
        self.guests: dict[str, Viewer] = {}
        self._closing = threading.Event()
        wall = self

        class Handler(_Handler):
            """Requests to this wall."""

            def __init__(self, *given: Any) -> None:
                self.wall = wall
                super().__init__(*given)

        try:
            self._server = _Server((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise InputError(
                f"{host}:{port} can't be listened on ({error}): give another host or port, "
                "or port 0 for a free one"
            ) from error
        self.url = f"http://{host}:{self._server.server_address[1]}/?token={self.token}"
        self._files = _files(stream, self.token)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> None:
        """Look, and answer browsers, until `close`."""
        if self.source.state == "new":
            self.source.start()
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more, and stop looking."""
        self._closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        self.source.stop()

    def __enter__(self) -> DashboardServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Wall of {self.stream!r}: {len(self.guests)} looking>"  # without its token

    def file(self, path: str) -> tuple[str, bytes, bool] | None:
        """Return what lies at a path: its type, its bytes, and whether they are compressed."""
        return self._files.get(path)

    def events(self) -> Iterator[bytes]:
        """Return one browser's messages, as server-sent events, until it or the wall is gone."""
        name = secrets.token_hex(8)
        guest = self.guests[name] = Viewer(self.source, self.stream)
        try:
            yield f"event: you\ndata: {name}\n\n".encode()
            while not self._closing.is_set():
                message = guest.next(_ALIVE_S)
                if message is None:
                    yield b": still here\n\n"
                else:
                    yield "event: {}\ndata: {}\n\n".format(*message).encode()
        finally:
            del self.guests[name]
            guest.leave()

    def say(self, name: str, words: Any) -> bool:
        """Pass on what a browser says to its board; false if it has none, or may not say that."""
        guest = self.guests.get(name)
        return guest is not None and guest.hear(words)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "streamviz"
    sys_version = ""
    wall: DashboardServer

    def do_GET(self) -> None:
        path = self._allowed()
        if path == "/events":
            self._events()
        elif path is not None:
            found = self.wall.file(path)
            if found is None:
                self._end(HTTPStatus.NOT_FOUND)
            else:
                self._end(HTTPStatus.OK, *found)

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > _LONGEST:
            self.close_connection = True
            self._end(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(int(size))
        path = self._allowed()
        if path is None:
            return
        try:
            words = json.loads(body)
        except ValueError:
            words = None
        said = path.startswith("/say/") and self.wall.say(path.removeprefix("/say/"), words)
        self._end(HTTPStatus.NO_CONTENT if said else HTTPStatus.NOT_FOUND)

    def log_message(self, *_: object) -> None:
        """Keep no log: each line would have the token in it."""

    def _allowed(self) -> str | None:
        """Return the path, or answer that the token is missing."""
        parts = urlsplit(self.path)
        given = parse_qs(parts.query).get("token", [""])[0]
        if hmac.compare_digest(given.encode(), self.wall.token.encode()):
            return parts.path
        self._end(HTTPStatus.FORBIDDEN, "text/plain", b"Open the link with its token.\n")
        return None

    def _end(
        self, status: HTTPStatus, kind: str = "", content: bytes = b"", packed: bool = False
    ) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self._guard()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _events(self) -> None:
        if len(self.wall.guests) >= _MOST_GUESTS:
            self._end(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self._guard()
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        events = self.wall.events()
        try:
            for event in events:
                self.wfile.write(event)
        except OSError:
            pass  # the browser has gone
        finally:
            events.close()  # type: ignore[attr-defined]

    def _guard(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")


def _files(stream: str, token: str) -> dict[str, tuple[str, bytes, bool]]:
    page = (_HERE / "live_page.html").read_text("utf-8").replace("{token}", token)
    page = page.replace("{stream}", escape(clean(stream)))
    code = script("live_page.js")
    style = stylesheet("live.css", "../../export/static/live_page.css")
    return {
        "/": ("text/html", page.encode(), False),
        "/wall.js": ("text/javascript", code.encode(), False),
        "/wall.css": ("text/css", style.encode(), False),
        "/plotly.js": ("text/javascript", plotly_js(), True),
    }
