"""Addresses of databases, and what of them may be shown."""

import re
from typing import Any, Final

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRETS: Final = ("password", "passwd", "pwd", "sslpassword", "token", "secret")


def is_address(source: Any) -> bool:
    """Whether a source is a URL rather than a path or a dataframe.

    Example:
        >>> is_address("sqlite:///shop.db"), is_address("shop.db")
        (True, False)
    """
    return isinstance(source, str) and _ADDRESS.match(source) is not None


def without_password(address: str) -> str:
    """An address that may be printed and kept; a path is handed back as it is.

    Whatever stands between the name of the user and the last `@` goes, so that a password with
    signs that a URL forbids leaves nothing behind; so do options that hold secrets.

    Args:
        address: a URL or a path.

    Returns:
        The address without a password.

    Example:
        >>> without_password("postgresql://ann:s3cret@db.example.org/shop?password=x&sslmode=require")
        'postgresql://ann@db.example.org/shop?sslmode=require'
    """
    if not is_address(address):
        return address
    scheme, _, rest = address.partition("://")
    if not rest.startswith("/"):
        before, at, after = rest.rpartition("@")
        rest = before.partition(":")[0] + at + after
    place, _, options = rest.partition("?")
    kept = [each for each in options.split("&") if each.partition("=")[0].lower() not in _SECRETS]
    shown = "&".join(each for each in kept if each)
    return f"{scheme}://{place}" + (f"?{shown}" if shown else "")
