"""TLS with a real server: what works, and what each wrong certificate is told to be."""

from __future__ import annotations

import datetime
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
import redis.asyncio
import trustme
import valkey
import valkey.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from streamviz import Observer, Stream, connect
from streamviz.errors import ServerAuthError, ServerUnreachable
from streamviz.server.embedded import EmbeddedServer

SECRET = "secret-word"
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)
NAMES = ("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the authority's certificate to a file."""
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@contextmanager
def served(folder: Path, authority: trustme.CA, cert: trustme.LeafCert, ask: str) -> Iterator[int]:
    """Run a server that speaks TLS with this certificate, and give its port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("the embedded servers are built without TLS: install redis-server")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    cert.private_key_pem.write_to_path(folder / "key.pem")
    cert.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tls = {"tls-port": port, "tls-cert-file": "cert.pem", "tls-key-file": "key.pem"}
    tls |= {"tls-ca-cert-file": "authority.pem", "tls-auth-clients": ask}
    config = [word for name, value in tls.items() for word in (f"--{name}", str(value))]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [program, "--port", "0", "--save", "", "--requirepass", SECRET, *config],
            cwd=folder,
            stdout=log,
        )
    deadline = time.monotonic() + 10
    while "Ready to accept" not in (folder / "log").read_text():
        assert running.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.01)
    try:
        yield port
    finally:
        running.terminate()
        running.wait(10)


@pytest.fixture(scope="module")
def port(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a server with a good certificate."""
    folder = tmp_path_factory.mktemp("good")
    with served(folder, authority, authority.issue_cert(*NAMES), "no") as running:
        yield running


def refused(url: str, **options: Any) -> str:
    with pytest.raises(ServerUnreachable) as error:
        connect(url, **options)
    assert SECRET not in str(error.value)
    return str(error.value)


def test_every_command_works(port: int, trusted: str) -> None:
    url = f"rediss://:{SECRET}@localhost:{port}/0"
    with closing(connect(url, ssl_ca_certs=trusted)) as client:
        stream = Stream(client, "tls")
        assert stream.add_many({"n": n} for n in range(3000)) == 3000
        assert len(stream.range()) == 3000
        stream.group("g").create("0")
        assert len(stream.group("g").consumer("c").read(10)) == 10
        for library in (redis_py, redis.asyncio, valkey, valkey.asyncio):
            same: Any = library.from_url(url, ssl_ca_certs=trusted)
            assert Observer(same, "tls").sample().length == 3000
            same = library.from_url(url)
            assert "certificate" in Observer(same, "tls").sample().trouble


def test_an_authority_that_is_not_known_or_another_one(port: int, tmp_path: Path) -> None:
    url = f"rediss://:{SECRET}@localhost:{port}"
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for options in ({}, {"ssl_ca_certs": str(other)}):
        message = refused(url, **options)
        assert "not trusted" in message
        assert "ssl_ca_certs" in message


@pytest.mark.parametrize(
    ("names", "days", "says"),
    [
        (NAMES, (-3, -1), "Renew it on the server"),
        (NAMES, (1, 3), "set this machine's clock"),
        (("example.org",), (-1, 1), "a name that is in the certificate"),
    ],
    ids=["expired", "not yet", "of another"],
)
def test_a_certificate_that_does_not_hold_is_told_why(
    authority: trustme.CA,
    trusted: str,
    tmp_path: Path,
    names: tuple[str, ...],
    days: tuple[int, int],
    says: str,
) -> None:
    since, until = (NOW + DAY * one for one in days)
    cert = authority.issue_cert(*names, not_before=since, not_after=until)
    with served(tmp_path, authority, cert, "no") as port:
        for host in NAMES:
            url = f"rediss://:{SECRET}@{host}:{port}"
            message = refused(url, ssl_ca_certs=trusted)
            assert says in message
            assert "ssl_ca_certs" not in message, "the authority is known"


def test_a_server_that_wants_a_certificate_of_ours(
    authority: trustme.CA, trusted: str, tmp_path: Path
) -> None:
    ours = authority.issue_cert("us.example.org")
    ours.private_key_pem.write_to_path(tmp_path / "ours.key")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "ours.pem")
    with served(tmp_path, authority, authority.issue_cert(*NAMES), "yes") as port:
        url = f"rediss://:{SECRET}@localhost:{port}"
        assert "ssl_certfile=" in refused(url, ssl_ca_certs=trusted)
        files = {"ssl_certfile": str(tmp_path / "ours.pem")}
        files |= {"ssl_keyfile": str(tmp_path / "ours.key")}
        with closing(connect(url, ssl_ca_certs=trusted, **files)) as client:
            assert client.ping()


def test_crossed_ports_and_a_wrong_password(port: int, trusted: str) -> None:
    with pytest.raises(ServerAuthError):
        connect(f"rediss://:wrong@localhost:{port}", ssl_ca_certs=trusted)
    assert "write rediss://" in refused(f"redis://:{SECRET}@localhost:{port}")
    with EmbeddedServer(port=0) as plain:
        secure = plain.url.replace("redis:", "rediss:")
        assert "Write redis://" in refused(secure, ssl_ca_certs=trusted)


def test_a_client_of_tls_and_a_server_without_it_are_told_apart_at_once() -> None:
    """By itself, redis-py tries to shake hands eleven times, for five seconds each."""
    with EmbeddedServer(port=0) as plain, closing(plain.client()) as admin:
        options = admin.connection_pool.connection_kwargs
        address = {"port": options["port"], "password": options["password"]}
        with closing(redis_py.Redis(ssl=True, **address)) as client:
            before = admin.info("stats")["total_connections_received"]
            for _ in range(3):
                with pytest.raises(ServerUnreachable, match="does not speak TLS") as error:
                    Stream(client, "s").length()
            tries = admin.info("stats")["total_connections_received"] - before
            assert tries == 4, "a handshake, and three times the question whether TLS is the reason"
            assert "redis:// instead of rediss://" in str(error.value)
            assert "does not speak TLS" in Observer(client, "s").sample().trouble


def test_a_server_that_hangs_is_not_taken_for_one_without_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, once = silent.getsockname()[1], Retry(NoBackoff(), 0)
        client = redis_py.Redis(port=port, ssl=True, socket_timeout=0.2, retry=once)
        for _ in range(2):
            with pytest.raises(ServerUnreachable, match="does not answer in time"):
                Stream(client, "s").length()


def test_the_tls_of_a_server_is_checked_once(
    port: int, trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = redis_py.Redis(port=port, password=SECRET, ssl=True, ssl_ca_certs=trusted)
    with closing(client):
        assert Stream(client, "tls").length() >= 0
        received = client.info("stats")["total_connections_received"]
        for _ in range(3):
            assert Stream(client, "tls").length() >= 0
        assert client.info("stats")["total_connections_received"] == received
