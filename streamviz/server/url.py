"""A server's address and its options: checked, never shown with a password, and what went wrong."""

from __future__ import annotations

import math
import os
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import redis
from redis.connection import parse_url
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.retry import Retry

from streamviz.errors import (
    InputError,
    ServerAuthError,
    ServerError,
    ServerTooOld,
    ServerUnreachable,
)

OLDEST = (7, 0)
CONNECT_TIMEOUT_S = 1.5
_TLS_TIMEOUT_S = 1.0  # a server without TLS says nothing at all until then

_SCHEMES = ("redis://", "rediss://", "unix://")
_WRITE = "write redis://host:6379/0"
_ENCODE = (
    "in a user, a password or an option, percent-encode what is no letter or digit, "
    "for example with urllib.parse.quote(password, safe='')"
)


def checked(url: str) -> str:
    """Check the URL by its parts, and return it without its password."""
    if not isinstance(url, str):  # not even repeated: its bytes may hold a password
        raise InputError(f"a URL of type {type(url).__name__} is not a URL: {_WRITE}, as text")
    if not url:
        raise InputError(f"'' is not a URL: {_WRITE}")
    shown = safe(url)
    if not url.startswith(_SCHEMES):
        begins = repr(shown.partition(":")[0]) if ":" in shown and "@" not in url else "no scheme"
        raise InputError(
            f"{shown!r} begins with {begins}: "
            "write redis://host:6379/0, rediss:// for TLS, or unix:///path/to/socket"
        )
    _, authority, tail = _cut(url)
    # a raw / ? or # ends the authority, and what follows would be taken for a path or an option
    if "@" in tail and (authority or not url.startswith("unix:")):
        raise InputError(f"{shown!r} has an @ where none can be: {_ENCODE}")
    parts = _parts(url)
    if parts is None:
        hint = _ENCODE if "@" in url else "the port is a number up to 65535"
        raise InputError(f"{shown!r} is not a URL: {_WRITE}; {hint}")
    if parts.scheme != "unix" and not parts.hostname:
        raise InputError(f"{shown!r} names no host: {_WRITE}")
    found = re.search(r"(?:^|&)db=([^&]*)", parts.query)
    database = found[1] if found else parts.path.strip("/") if parts.scheme != "unix" else ""
    if database and not (database.isascii() and database.isdigit()):
        raise InputError(
            f"{shown!r} names the database {database!r}, which is not a number: "
            "end the URL with /0, or leave it out"
        )
    return shown


def safe(url: str) -> str:
    """Return a URL without its user and its password, however badly they are written."""
    scheme, authority, tail = _cut(url)
    rest = authority + tail
    secret = next(
        (
            hit
            for hit in re.finditer(r"[?&]([^=&]*)=", rest)
            if "password" in unquote(hit[1]).lower()
        ),
        None,
    )
    at = rest.rfind("@")
    if secret:
        if at > secret.start():  # which of the two is the password is anybody's guess
            return f"{scheme}***"
        rest = f"{rest[: secret.end()]}***"
    if at >= 0:
        rest = f"***{rest[at:]}"
    # where a port belongs there may be a password whose @ was forgotten
    return scheme + re.sub(
        r"\A([^/?#]*:)(?!\d{0,5}(?:[/?#]|\Z)|[^/?#]*\]).*", r"\1***", rest, flags=re.S
    )


def safe_text(text: str) -> str:
    """Return a text in which each URL is without its user and its password."""
    return re.sub(r"\S+://\S+", lambda hit: safe(hit[0]), text)


def settings(url: str, defaults: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return what redis-py is to be told, checked: the defaults, the URL's, and the options.

    Later ones win.
    """
    for name in ("host", "port", "path"):
        if name in options:
            raise InputError(f"{name}={options[name]!r} belongs in the URL: write it there")
    try:
        own: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        merged = {**defaults, **own, **options}
    except ValueError as error:  # it names the option, not its value
        raise InputError(f"{safe(url)}: {error} Correct it, or leave it out") from None
    _check_texts(merged)
    _check_numbers(merged)
    if not isinstance(merged["retry"], Retry):
        raise InputError(f"retry={merged['retry']!r}: give a redis.retry.Retry, or leave it out")
    tls = {name: value for name, value in merged.items() if name.startswith("ssl")}
    if url.startswith("rediss:"):
        _check_tls(tls)
    elif tls:
        raise InputError(
            f"{next(iter(tls))}= is for TLS: write rediss:// in the URL, or leave it out"
        )
    return merged


def client(settings: dict[str, Any]) -> redis.Redis:
    """Return a client; all of its URL is in the settings, where the caller's options win."""
    return redis.Redis.from_url("redis://", **settings)


def ask_version(where: str, settings: dict[str, Any]) -> tuple[int, ...]:
    """Return the server's version, at the first contact, whose patience is not the client's."""
    patience = _TLS_TIMEOUT_S if where.startswith("rediss:") else CONNECT_TIMEOUT_S
    probe = {**settings, "socket_timeout": patience}
    try:
        return _info(probe)
    except ResponseError as error:
        said = str(error).lower()
        if "unknown command" not in said or "hello" not in said:
            raise
    try:
        version = _info({**probe, "protocol": 2})  # Redis 5 has no HELLO
    except (RedisError, OSError):
        raise too_old(where, "has no HELLO, and so is older than Redis 6") from None
    if version >= OLDEST:
        raise ServerError(f"{where} refuses HELLO, and so RESP3: give protocol=2")
    return version


def _info(settings: dict[str, Any]) -> tuple[int, ...]:
    probe = client(settings)
    try:
        info: Any = probe.info("server")
    finally:
        probe.close()
    number = info.get("valkey_version") or info.get("redis_version") or "0"
    return tuple(int(part) for part in re.findall(r"\d+", str(number))[:3])


def too_old(where: str, what: str) -> ServerTooOld:
    """Return that a server is too old, and the next step."""
    return ServerTooOld(
        f"{where} {what}; streamviz needs 7.0 or newer: "
        "upgrade it, or call connect() without a URL for the server that comes along"
    )


def hidden(error: Exception, secrets: Mapping[str, Any]) -> str:
    """Return what an error says, with every password among redis-py's options replaced."""
    said = str(error)
    for name in ("password", "ssl_password"):
        secret = secrets.get(name) or ""
        secret = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret
        said = said.replace(secret, "***") if secret else said
    return said


def misused(error: Exception, where: str, options: Mapping[str, Any]) -> InputError:
    """Return what redis-py finds wrong with an option, once it looks at it."""
    said = hidden(error, options)
    found = re.search(r"unexpected keyword argument '(\w+)'", said)
    said = f"there is no option {found[1]!r}" if found else f"an option is not right: {said}"
    return InputError(
        f"{where}: {said}. Correct it, or leave it out; redis.Redis tells what there is"
    )


def why(error: Exception, where: str, options: Mapping[str, Any]) -> ServerError:
    """Return why a server did not let us in, and the next step."""
    said = hidden(error, options)
    low = said.lower()
    if isinstance(error, NoPermissionError) or low.startswith("noperm"):
        return ServerAuthError(
            f"{where} lets this user in, and not do what connect() needs: {said}. Allow it with "
            "ACL SETUSER <user> +info +select; without +select, leave the database out"
        )
    if isinstance(error, AuthenticationError) or "noauth" in low:
        return ServerAuthError(
            f"{where} does not accept the user or the password: {said}. Give both in the URL, "
            "redis://user:password@host, or as username= and password="
        )
    if isinstance(error, ResponseError) and "db index" in low:
        return ServerError(f"{where}: {said}. The server has no such database: take /0")
    if "certificate" in low:
        return ServerUnreachable(
            f"{where} shows a certificate that is not trusted: {said}. Give its authority's file "
            "as ssl_ca_certs="
        )
    tls = where.startswith("rediss:")
    if "ssl" in low or "wrong version number" in low or (tls and "time" in low):
        return ServerUnreachable(
            f"{where} does not speak TLS: {said}. Write redis:// instead of rediss://"
        )
    if where.startswith("redis:") and ("closed by server" in low or "reset by peer" in low):
        return ServerUnreachable(
            f"{where} hung up: {said}. If it speaks TLS, write rediss:// instead of redis://"
        )
    return ServerUnreachable(
        f"nobody answers at {where}: {said}. Start the server, correct the URL, or call connect() "
        "without one for the server that comes along"
    )


def _cut(url: str) -> tuple[str, str, str]:
    """Return the scheme, what lies before the first of / ? #, and the rest."""
    hit = re.fullmatch(r"((?:rediss?|unix|https?)://)?([^/?#]*)(.*)", url, flags=re.S)
    return (hit[1] or "", hit[2], hit[3]) if hit else ("", "", url)


def _parts(url: str) -> SplitResult | None:
    """Return the URL's parts, or None; urllib's own words repeat the password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _check_texts(given: Mapping[str, Any]) -> None:
    for name in ("username", "password", "client_name", "ssl_password"):
        value = given.get(name)
        if value is not None and not isinstance(value, str | bytes):
            raise InputError(f"{name}= is of type {type(value).__name__}: give it as text")
    if re.search(r"[^!-~]", str(given.get("client_name") or "")):
        raise InputError(f"client_name={given['client_name']!r}: leave spaces and line ends out")


def _check_numbers(given: Mapping[str, Any]) -> None:
    database = given.get("db")
    if database is not None and not re.fullmatch(r"\d+", str(database), flags=re.A):
        raise InputError(f"db={database!r}: give a whole number, 0 or more")
    protocol = given.get("protocol")
    if protocol is not None and str(protocol) not in ("2", "3"):
        raise InputError(f"protocol={protocol!r}: give 2 or 3, or leave it out")
    often = given.get("health_check_interval", 0)
    if type(often) not in (int, float) or not 0 <= often < math.inf:
        raise InputError(f"health_check_interval={often!r}: give seconds, or 0 for never")
    for name in ("socket_timeout", "socket_connect_timeout"):
        value = given.get(name)
        if value is not None and (type(value) not in (int, float) or not 0 < value < math.inf):
            raise InputError(f"{name}={value!r}: give seconds, a number above 0")


def _check_tls(given: Mapping[str, Any]) -> None:
    """Try the TLS options without a server, so that what is wrong with them can be told."""
    needed = given.get("ssl_cert_reqs")
    if needed not in (None, "none", "optional", "required", *ssl.VerifyMode):
        raise InputError(f"ssl_cert_reqs={needed!r}: give 'none', 'optional' or 'required'")
    least = given.get("ssl_min_version")
    if least not in (None, *ssl.TLSVersion):
        raise InputError(f"ssl_min_version={least!r}: give one of ssl.TLSVersion")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own, key, word = (given.get(f"ssl_{name}") for name in ("certfile", "keyfile", "password"))
    if key and not own:
        raise InputError(f"ssl_keyfile={key!r} is half of it: give ssl_certfile= too")
    if own:  # an empty word, or OpenSSL would ask the terminal for one
        say = f"ssl_certfile={own!r} with ssl_keyfile={key!r}"
        _try(say, lambda: context.load_cert_chain(own, key, word or ""))
    for name, argument in (("ca_certs", "cafile"), ("ca_data", "cadata")):
        if (value := given.get(f"ssl_{name}")) is not None:
            say = f"ssl_{name}={value!r}" if argument == "cafile" else "what ssl_ca_data= holds"
            _try(say, lambda: context.load_verify_locations(**{argument: value}))  # noqa: B023
    folder = given.get("ssl_ca_path")
    if folder is not None and not os.path.isdir(folder):
        raise InputError(f"ssl_ca_path={folder!r} is not a directory: correct the path")
    if ciphers := given.get("ssl_ciphers"):
        _try(f"ssl_ciphers={ciphers!r}", lambda: context.set_ciphers(ciphers), "OpenSSL's names")


def _try(what: str, use: Callable[[], object], expected: str = "files in PEM that fit") -> None:
    try:
        use()
    except (OSError, ValueError, TypeError) as error:  # ssl.SSLError is an OSError
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{what} can't be used ({said}): give {expected}") from None
