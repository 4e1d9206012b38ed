"""Passwords are never shown, and a wrong option is reported before anything is sent."""

from __future__ import annotations

import itertools
import subprocess
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamviz import connect
from streamviz.errors import (
    InputError,
    ServerAuthError,
    ServerUnreachable,
    StreamVizError,
    redact_text,
    shown,
)
from streamviz.server import url as redis_url
from streamviz.server.embedded import EmbeddedServer

UNUSED = "127.0.0.1:1"


@pytest.fixture(scope="module")
def locked() -> Iterator[EmbeddedServer]:
    """A server on loopback with a password."""
    with EmbeddedServer(port=0) as running:
        yield running


def refused(url: Any, kind: type[StreamVizError] = InputError, **options: Any) -> str:
    """Expect that connecting fails, and return everything that is shown of the error."""
    with pytest.raises(kind) as error:
        connect(url, **options)
    assert type(error.value) is kind, error.value
    shown = traceback.format_exception(error.value)
    return "\n".join([*shown, str(error.value), repr(error.value)])


@pytest.mark.parametrize(
    ("password", "kind"),
    [
        ("Pa9/Ss8", InputError),
        ("Pa9@Ss8", ServerUnreachable),
        ("Pa9#Ss8", InputError),
        ("Pa9?Ss8", InputError),
        ("Pa9[Ss8", InputError),
        ("Pa9?password=Ss8", InputError),
        ("Pa9?x=1&Ss8=2", InputError),
        ("6379/Ss8", InputError),
        ("6379#Ss8", InputError),
        ("\u2100Pa9Ss8", InputError),  # which urllib would repeat
        ("Pa9%Ss8", ServerUnreachable),
        ("Pa9:Ss8", ServerUnreachable),
    ],
)
def test_a_password_in_a_malformed_url_is_not_shown(
    password: str, kind: type[StreamVizError]
) -> None:
    for scheme in ("redis", "rediss"):
        message = refused(f"{scheme}://user:{password}@{UNUSED}/0", kind)
        assert "Pa9" not in message
        assert "Ss8" not in message
        assert "user:" not in message
        assert kind is not InputError or "percent-encode" in message


@pytest.mark.parametrize(
    "url",
    [
        "redis://host?password=Pa9",
        "redis://host?PASSWORD=Pa9",
        "redis://host?p%61ssword=Pa9",
        "redis://host?db=0&ssl_password=Pa9",
        "redis://host?password=Pa9&Ss8",
        "redis://host?password=Pa9@Ss8",
        "redis://host:Pa9/Ss8",  # the @ was forgotten
        "redis://:Pa9",
        "user:Pa9@host:6379",
        "Pa9@host",
        "http://user:Pa9@host",
        "unix://user:Pa9/Ss8@/tmp/x.sock",
        "unix:///tmp/x.sock?password=Pa9@Ss8",
        b"redis://user:Pa9@host",
        ["redis://user:Pa9@host"],
    ],
)
def test_a_password_anywhere_else_in_a_url_is_not_shown(url: Any) -> None:
    if isinstance(url, str):
        assert "Pa9" not in redis_url.redact(url)
        assert "Ss8" not in redis_url.redact(url)
    try:
        shown = redis_url.validate(url)
    except InputError as error:
        shown = "".join(traceback.format_exception(error))
    assert "Pa9" not in shown
    assert "Ss8" not in shown


PIECE = st.from_regex(r"Q[0-9]{3}Z", fullmatch=True)
BETWEEN = st.one_of(
    st.text(max_size=3),
    st.text("/?#@[]:%&=\\ ", max_size=3),
    st.sampled_from(["?password=", "%40"]),
)


@given(st.lists(st.tuples(PIECE, BETWEEN), min_size=1, max_size=4), BETWEEN, st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_password_is_ever_shown_whatever_its_text(
    locked: EmbeddedServer, pieces: list[tuple[str, str]], head: str, user: bool
) -> None:
    password = head + "".join(itertools.chain.from_iterable(pieces))
    host = locked.url.partition("@")[2]
    name = "somebody" if user else ""
    coded = quote(password, safe="")
    for url, options in (
        (f"redis://{name}:{password}@{host}/0", {}),
        (f"redis://{name}:{coded}@{host}/0", {}),
        (f"rediss://{name}:{password}@{UNUSED}", {}),
        (f"redis://{host}/0?password={coded}", {}),
        (f"redis://{host}/0", {"password": password}),
        (f"unix://{name}:{coded}@/nowhere/redis.sock", {}),
        (f"unix://{name}:{password}@/nowhere/redis.sock", {}),
    ):
        with pytest.raises(StreamVizError) as error:
            connect(url, **options)
        shown = "\n".join([*traceback.format_exception(error.value), repr(error.value)])
        for piece, _ in pieces:
            assert piece not in shown


def test_a_percent_encoded_password_is_accepted(locked: EmbeddedServer) -> None:
    word = "p/a?s#s@w:o[r]d %25"
    host = locked.url.partition("@")[2]
    with closing(locked.client()) as admin:
        admin.acl_setuser("coded", enabled=True, passwords=[f"+{word}"], commands=["+@all"])
        connect(f"redis://coded:{quote(word, safe='')}@{host}/0").close()
        connect(f"redis://{host}/0", username="coded", password=word).close()
        connect(f"redis://{host}/0", username=b"coded", password=word.encode()).close()
        connect(f"redis://coded:wrong@{host}/0", password=word).close()  # an option wins
        refused(f"redis://coded:{quote(word, safe='')}@{host}/0", ServerAuthError, password="wrong")
        admin.acl_deluser("coded")


def test_an_option_wins_over_the_url(locked: EmbeddedServer) -> None:
    with closing(connect(f"{locked.url}/3?client_name=one", db=2, client_name="two")) as client:
        assert client.client_info()["db"] == 2
        assert client.client_getname() in ("two", b"two")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"db": "x"}, "db='x': give a whole number"),
        ({"db": -1}, "db=-1: give a whole number"),
        ({"db": 1.5}, "db=1.5: give a whole number"),
        ({"protocol": 7}, "protocol=7: give 2 or 3"),
        ({"password": 51515}, "password= is of type int: give it as text"),
        ({"username": 5}, "username= is of type int"),
        ({"client_name": "a b"}, "client_name='a b'"),
        ({"socket_timeout": "x"}, "socket_timeout='x': give seconds"),
        ({"socket_timeout": 0}, "socket_timeout=0: give seconds"),
        ({"socket_connect_timeout": -1}, "socket_connect_timeout=-1: give seconds"),
        ({"retry": 4}, "retry=4: give a redis.retry.Retry"),
        ({"max_connections": "a"}, "leave it out"),
        ({"health_check_interval": "x"}, "health_check_interval='x': give seconds"),
        ({"colour": "red"}, "there is no option 'colour'"),
        ({"host": "elsewhere"}, "host='elsewhere' belongs in the URL"),
        ({"port": 1}, "port=1 belongs in the URL"),
        ({"ssl_ca_certs": "/nope.pem"}, "ssl_ca_certs= is for TLS: write rediss://"),
        ({"ssl": True}, "ssl= is for TLS: write rediss://"),
    ],
)
def test_a_wrong_option_is_named(
    locked: EmbeddedServer, options: dict[str, Any], says: str
) -> None:
    message = refused(locked.url, **options)
    assert says in message
    assert "51515" not in message
    assert "no answer" not in message


@pytest.mark.parametrize("query", ["protocol=7", "db=x", "socket_timeout=x", "ssl_cert_reqs=none"])
def test_a_wrong_option_in_the_url_is_named(locked: EmbeddedServer, query: str) -> None:
    message = refused(f"{locked.url}?{query}")
    assert query.partition("=")[0] in message
    assert "no answer" not in message


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates with their keys, one with an encrypted key, and a text file."""
    folder = tmp_path_factory.mktemp("pem")
    for name, more in (("one", ["-nodes"]), ("two", ["-nodes"]), ("shut", ["-passout", "pass:x"])):
        made = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=localhost"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", *more, *made],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    (folder / "text.pem").write_text("no certificate\n")
    return folder


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ssl_ca_certs": "{files}/nope.pem"}, "nope.pem' can't be used (No such file"),
        ({"ssl_ca_certs": "{files}/text.pem"}, "text.pem' can't be used"),
        ({"ssl_ca_path": "{files}/one.pem"}, "one.pem' is not a directory"),
        ({"ssl_ca_data": "text"}, "the value of ssl_ca_data= can't be used"),
        ({"ssl_certfile": "{files}/nope.pem"}, "nope.pem' with ssl_keyfile=None can't be used"),
        ({"ssl_certfile": "{files}/one.pem", "ssl_keyfile": "{files}/two.key"}, "can't be used"),
        ({"ssl_certfile": "{files}/shut.pem", "ssl_keyfile": "{files}/shut.key"}, "can't be used"),
        ({"ssl_keyfile": "{files}/one.key"}, "give ssl_certfile= too"),
        ({"ssl_cert_reqs": "bogus"}, "ssl_cert_reqs='bogus': give 'none'"),
        ({"ssl_ciphers": "bogus"}, "ssl_ciphers='bogus' can't be used"),
        ({"ssl_min_version": "x"}, "ssl_min_version='x': give one of"),
    ],
)
def test_a_wrong_tls_option_is_named(
    files: Path, locked: EmbeddedServer, options: dict[str, str], says: str
) -> None:
    ready = {name: value.format(files=files) for name, value in options.items()}
    message = refused(locked.url.replace("redis:", "rediss:"), **ready)
    assert says in message
    assert "Start the server" not in message
    assert "not trusted" not in message


def test_valid_tls_options_reach_the_server(files: Path) -> None:
    own = {"ssl_certfile": str(files / "shut.pem"), "ssl_keyfile": str(files / "shut.key")}
    more = {"ssl_ca_certs": str(files / "one.pem"), "ssl_cert_reqs": "none", "ssl_password": "x"}
    message = refused(f"rediss://{UNUSED}", ServerUnreachable, **own, **more)
    assert "no answer from" in message


def test_a_text_is_redacted_word_by_word_however_long_a_word_is() -> None:
    secret = "see redis://ann:Pa9@host/0 and\n(rediss://:Ss8@host)"
    assert redact_text(secret) == "see redis://***@host/0 and\n(rediss://***@host)"
    assert redact_text("['redis://host:6379', 'redis://ann:Pa9']") == (
        "['redis://host:6379', 'redis://ann:***']"
    )
    assert shown("redis://host:6379/0") == "'redis://host:6379/0'"
    assert shown(["redis://ann:Pa9@host", 1]) == "['redis://***@host', 1]"
    assert "Pa9" not in shown("redis://ann:Pa9" + "9" * 300 + "@host")
    word = "x" * 8_000_000
    assert redact_text(f"{word} redis://ann:Pa9@host") == f"{word} redis://***@host"
