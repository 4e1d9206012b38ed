"""A small web server that shows the dashboard of one stream to everyone who has the link.

A browser can do three things: load the page with its scripts, receive the dashboard's messages as
server-sent events, and post ``hello``, ``grant`` and ``timeline`` to its dashboard. The page has no
kernel, and a browser can't reach Redis.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
import threading
from collections.abc import Generator
from contextlib import closing, suppress
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socket import gethostname
from typing import Any
from urllib.parse import parse_qs, urlsplit

from streamviz.errors import InputError, check_type
from streamviz.export.viewer import Viewer
from streamviz.plots.texts import clean
from streamviz.simulation.scenario import Scenario
from streamviz.widgets.assets import plotly_js, script, stylesheet
from streamviz.widgets.live import no_such_stream

_STATIC = Path(__file__).parent / "static"
_KEEP_ALIVE_S = 10.0  # only a write shows that a browser has gone
_MAX_VIEWERS = 50
_MAX_CONNECTIONS = 200
_MAX_MESSAGE = 1000  # bytes of a browser's message
_TIMEOUT_S = 10.0  # for a browser that does not finish its request, or does not read
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_WRONG_HOST = b"Open the page by its address, or start it with --host and this name.\n"


class DashboardServer:
    """A live dashboard as a web page that only shows: a context manager that starts and closes it.

    Parameters
    ----------
    source : Scenario
        What to show; the server starts it. All pages share its samples.
    stream : str
        Which of its streams.
    host : str
        The address to listen on. With an address other than loopback, everyone on that network who
        has the link can see the page. InputError if the server can't listen on it.
    port : int
        The port to listen on; 0 chooses a free one.

    Attributes
    ----------
    url : str
        The link to the page. It contains the token, so everyone who has the link can see the page.
    """

    def __init__(
        self, source: Scenario, stream: str, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        check_type("source", source, Scenario, "a Scenario that watches the stream")
        if not isinstance(stream, str) or stream not in source.histories:
            raise no_such_stream(stream, source.histories)
        if not host:  # the system takes it for all addresses
            raise InputError("host='': give 127.0.0.1, or the address to listen on")
        self.source = source
        self.stream = stream
        self.host = host
        self.token = secrets.token_urlsafe(24)
        self.viewers: dict[str, Viewer] = {}
        self._closing = threading.Event()
        try:
            self._server = _Server((host, port), _Handler)
        except (OSError, OverflowError, TypeError) as error:
            raise InputError(
                f"can't listen on {host}:{port} ({error}): give another host or port, "
                "or port 0 for a free one"
            ) from error
        self._server.app = self
        self.url = f"http://{host}:{self._server.server_address[1]}/?token={self.token}"
        # by path: a file's type, its bytes, and whether they are compressed
        self._assets = _assets(stream, self.token)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> None:
        """Take samples and answer browsers, until `close`."""
        if self.source.state == "new":
            self.source.start()
        self._thread.start()

    def close(self) -> None:
        """Stop answering, and stop taking samples."""
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
        # without the token
        return f"<DashboardServer of {self.stream!r}: viewers={len(self.viewers)}>"

    def events(self) -> Generator[bytes, None, None]:
        """Yield one browser's messages as server-sent events, until `close`."""
        name = secrets.token_hex(8)
        viewer = self.viewers[name] = Viewer(self.source, self.stream)
        try:
            yield f"event: you\ndata: {name}\n\n".encode()
            while not self._closing.is_set():
                message = viewer.next_message(_KEEP_ALIVE_S)
                if message is None:
                    yield b": keep-alive\n\n"
                else:
                    yield "event: {}\ndata: {}\n\n".format(*message).encode()
        finally:
            del self.viewers[name]
            viewer.close()


class _Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own, up to a limit."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    app: DashboardServer

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection, or close it if there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print one line about a failure; a browser that has gone is not a failure."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"streamviz: a request failed: {error!r}", file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT_S
    server_version = "streamviz"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        path = self._authorized_path()
        if path == "/events":
            self._send_events()
        elif path is not None:
            asset = self.server.app._assets.get(path)
            if asset is None:
                self._reply(HTTPStatus.NOT_FOUND)
            else:
                self._reply(HTTPStatus.OK, *asset)

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or len(size) > 9 or int(size) > _MAX_MESSAGE:
            self.close_connection = True
            self._reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(int(size))
        path = self._authorized_path()
        if path is None:
            return
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            message = None
        folder, _, name = path.rpartition("/")
        viewer = self.server.app.viewers.get(name) if folder == "/say" else None
        accepted = viewer is not None and viewer.receive(message)
        self._reply(HTTPStatus.NO_CONTENT if accepted else HTTPStatus.NOT_FOUND)

    def log_message(self, *_: object) -> None:
        """Log nothing, because each line would contain the token."""

    def _authorized_path(self) -> str | None:
        """Return the path, or reply that the token is missing, or that the name is not ours."""
        if not self._host_is_ours():
            self._reply(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", _WRONG_HOST)
            return None
        try:
            parts = urlsplit(self.path)
        except ValueError:
            self._reply(HTTPStatus.BAD_REQUEST)
            return None
        token = parse_qs(parts.query).get("token", [""])[0]
        if hmac.compare_digest(token.encode(), self.server.app.token.encode()):
            return parts.path
        self._reply(HTTPStatus.FORBIDDEN, "text/plain", b"Open the link with its token.\n")
        return None

    def _host_is_ours(self) -> bool:
        """Tell whether the page was asked for by an address or by this machine's own name.

        Another name that leads here belongs to a page that wants to read this one.
        """
        name = ""
        try:
            name = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
            ip_address(name)
        except ValueError:
            return name in {"localhost", gethostname().lower(), self.server.app.host.lower()}
        return True

    def _reply(
        self, status: HTTPStatus, content_type: str = "", content: bytes = b"", gzip: bool = False
    ) -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        if gzip:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_events(self) -> None:
        if len(self.server.app.viewers) >= _MAX_VIEWERS:
            self._reply(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        # The first write after the browser has gone raises an OSError.
        with suppress(OSError), closing(self.server.app.events()) as events:
            for event in events:
                self.wfile.write(event)

    def end_headers(self) -> None:
        """Send what keeps the page and its token to the browser that was given the link."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()


def _assets(stream: str, token: str) -> dict[str, tuple[str, bytes, bool]]:
    page = (_STATIC / "live_page.html").read_text("utf-8").replace("{token}", token)
    page = page.replace("{stream}", escape(clean(stream)))
    code = script("live_page.js")
    style = stylesheet("live.css", "../../export/static/live_page.css")
    return {
        "/": ("text/html", page.encode(), False),
        "/live_page.js": ("text/javascript", code.encode(), False),
        "/live_page.css": ("text/css", style.encode(), False),
        "/plotly.js": ("text/javascript", plotly_js(), True),
    }
