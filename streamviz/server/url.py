"""Check a server's URL."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from streamviz.errors import InputError, redact, split_url

SCHEMES = ("redis://", "rediss://", "unix://")
_FORM = "write redis://host:6379/0"
_ENCODE = (
    "in a user name, a password or an option, percent-encode everything but letters and digits, "
    "for example with urllib.parse.quote(password, safe='')"
)


def validate(url: str) -> str:
    """Check each part of a server's URL, and return it without its user name and password."""
    if not isinstance(url, str):  # don't repeat the value: bytes may hold a password
        raise InputError(f"a value of type {type(url).__name__} is not a URL: {_FORM}, as text")
    if not url:
        raise InputError(f"'' is not a URL: {_FORM}")
    redacted = redact(url)
    if not url.startswith(SCHEMES):
        scheme = redacted.partition(":")[0] if ":" in redacted and "@" not in url else ""
        problem = f"begins with {scheme!r}" if scheme else "has no scheme"
        raise InputError(
            f"{redacted!r} {problem}: "
            "write redis://host:6379/0, rediss:// for TLS, or unix:///path/to/socket"
        )
    _, authority, tail = split_url(url)
    # A raw / ? or # ends the authority, so the rest would be parsed as a path or an option.
    if "@" in tail and (authority or not url.startswith("unix:")):
        raise InputError(f"{redacted!r} has an @ in the wrong place: {_ENCODE}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # its text would repeat the password
        hint = _ENCODE if "@" in url else "the port is a number up to 65535"
        raise InputError(f"{redacted!r} is not a URL: {_FORM}; {hint}") from None
    if parts.scheme != "unix" and not parts.hostname:
        raise InputError(f"{redacted!r} has no host: {_FORM}")
    database = _database(parts)
    if database and not (database.isascii() and database.isdigit()):
        raise InputError(
            f"{redacted!r} names the database {database!r}, which is not a number: "
            "end the URL with /0, or leave the database out"
        )
    return redacted


def _database(parts: SplitResult) -> str:
    """Return the database that a URL names, empty if none."""
    if option := re.search(r"(?:^|&)db=([^&]*)", parts.query):
        return option[1]
    return "" if parts.scheme == "unix" else parts.path.strip("/")
