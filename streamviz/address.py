"""A server's address: checked, never shown with its password, and why nobody answers there."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from streamviz.errors import InputError, ServerAuthError, ServerError, ServerUnreachable


def checked(url: str) -> str:
    """Check the URL by its parts, and return it without its password."""
    if not isinstance(url, str) or not url:
        raise InputError(f"{url!r} is not a URL: write redis://host:6379/0")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InputError(
            f"{safe(url)!r} is not a URL ({error}): write redis://host:6379/0"
        ) from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise InputError(
            f"{safe(url)!r} begins with {parts.scheme or 'nothing'!r}: "
            "write redis://host:6379/0, rediss:// for TLS, or unix:///path/to/socket"
        )
    database = parts.path.strip("/")
    if parts.scheme == "unix":
        found = re.search(r"(?:^|&)db=([^&]*)", parts.query)
        database = found[1] if found else ""
    elif not parts.hostname:
        raise InputError(f"{safe(url)!r} names no host: write redis://host:6379/0")
    if database and not (database.isascii() and database.isdigit()):
        raise InputError(
            f"{safe(url)!r} names the database {database!r}, which is not a number: "
            "end the URL with /0, or leave it out"
        )
    return safe(url)


def safe(url: str) -> str:
    """Return a URL without its user and its password."""
    return re.sub(r"(?<=[?&])password=[^&]*", "password=***", re.sub(r"//[^/@]*@", "//***@", url))


def hidden(error: Exception, url: str, options: dict[str, Any]) -> str:
    """Return what an error says, with every secret replaced."""
    said = str(error)
    found = re.search(r"//[^/@:]*:([^/@]*)@", url)
    for secret in (found[1] if found else "", options.get("password") or ""):
        for form in {secret, unquote(secret)} - {""}:
            said = said.replace(form, "***")
    return said


def why(error: Exception, where: str, url: str, options: dict[str, Any]) -> ServerError:
    """Return why a server did not let us in, and the next step."""
    said = hidden(error, url, options)
    low = said.lower()
    if isinstance(error, AuthenticationError | NoPermissionError) or "noauth" in low:
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
    if "ssl" in low or "wrong version number" in low or (where[:7] == "rediss:" and "time" in low):
        return ServerUnreachable(
            f"{where} does not speak TLS: {said}. Write redis:// instead of rediss://"
        )
    if url.startswith("redis:") and ("closed by server" in low or "reset by peer" in low):
        return ServerUnreachable(
            f"{where} hung up: {said}. If it speaks TLS, write rediss:// instead of redis://"
        )
    return ServerUnreachable(
        f"nobody answers at {where}: {said}. Start the server, correct the URL, or call connect() "
        "without one for the server that comes along"
    )
