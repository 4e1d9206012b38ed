"""Check the options of a redis-py client before it connects."""

from __future__ import annotations

import math
import os
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from redis.connection import parse_url
from redis.retry import Retry

from streamviz.errors import InputError, check_type, redact


def client_options(
    url: str, defaults: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge the defaults, the URL's options and the caller's, the last one wins, and check them."""
    for name in ("host", "port", "path"):
        if name in options:
            raise InputError(f"{name}={options[name]!r} belongs in the URL: write it there")
    try:
        url_options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        merged = {**defaults, **url_options, **options}
    except ValueError as error:  # names the option, not its value
        raise InputError(f"{redact(url)}: {error} Correct it, or leave it out") from None
    _check_texts(merged)
    _check_numbers(merged)
    check_type("retry", merged["retry"], Retry, "a redis.retry.Retry, or leave it out")
    tls = {name: value for name, value in merged.items() if name.startswith("ssl")}
    if url.startswith("rediss:"):
        _check_tls(tls)
    elif tls:
        raise InputError(
            f"{next(iter(tls))}= is for TLS: write rediss:// in the URL, or leave it out"
        )
    return merged


def _check_texts(options: Mapping[str, Any]) -> None:
    for name in ("username", "password", "client_name", "ssl_password"):
        value = options.get(name)
        if value is not None and not isinstance(value, str | bytes):
            raise InputError(f"{name}= is of type {type(value).__name__}: give it as text")
    client_name = options.get("client_name")
    if re.search(r"[^!-~]", str(client_name or "")):
        raise InputError(f"client_name={client_name!r}: use printable ASCII without spaces")


def _check_numbers(options: Mapping[str, Any]) -> None:
    database = options.get("db")
    if database is not None and not re.fullmatch(r"\d+", str(database), flags=re.A):
        raise InputError(f"db={database!r}: give a whole number, 0 or more")
    protocol = options.get("protocol")
    if protocol is not None and str(protocol) not in ("2", "3"):
        raise InputError(f"protocol={protocol!r}: give 2 or 3, or leave it out")
    interval = options.get("health_check_interval", 0)
    if type(interval) not in (int, float) or not 0 <= interval < math.inf:
        raise InputError(f"health_check_interval={interval!r}: give seconds, or 0 for never")
    for name in ("socket_timeout", "socket_connect_timeout"):
        value = options.get(name)
        if value is not None and (type(value) not in (int, float) or not 0 < value < math.inf):
            raise InputError(f"{name}={value!r}: give seconds, a number above 0")


def _check_tls(options: Mapping[str, Any]) -> None:
    """Try the TLS options without a server, so that the error can name the wrong one."""
    requirement = options.get("ssl_cert_reqs")
    if requirement not in (None, "none", "optional", "required", *ssl.VerifyMode):
        raise InputError(f"ssl_cert_reqs={requirement!r}: give 'none', 'optional' or 'required'")
    oldest = options.get("ssl_min_version")
    if oldest not in (None, *ssl.TLSVersion):
        raise InputError(f"ssl_min_version={oldest!r}: give one of ssl.TLSVersion")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    names = ("ssl_certfile", "ssl_keyfile", "ssl_password")
    certificate, key, password = map(options.get, names)
    if key and not certificate:
        raise InputError(f"ssl_keyfile={key!r} needs a certificate: give ssl_certfile= too")
    if certificate:  # with None as the password, OpenSSL would ask for one on the terminal
        label = f"ssl_certfile={certificate!r} with ssl_keyfile={key!r}"
        _try(label, lambda: context.load_cert_chain(certificate, key, password or ""))
    if (path := options.get("ssl_ca_certs")) is not None:
        _try(f"ssl_ca_certs={path!r}", lambda: context.load_verify_locations(cafile=path))
    if (data := options.get("ssl_ca_data")) is not None:
        _try("the value of ssl_ca_data=", lambda: context.load_verify_locations(cadata=data))
    folder = options.get("ssl_ca_path")
    if folder is not None and not os.path.isdir(folder):
        raise InputError(f"ssl_ca_path={folder!r} is not a directory: correct the path")
    if ciphers := options.get("ssl_ciphers"):
        _try(f"ssl_ciphers={ciphers!r}", lambda: context.set_ciphers(ciphers), "OpenSSL's names")


def _try(label: str, use: Callable[[], object], expected: str = "PEM files that match") -> None:
    try:
        use()
    except (OSError, ValueError, TypeError) as error:  # ssl.SSLError is an OSError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{label} can't be used ({reason}): give {expected}") from None
