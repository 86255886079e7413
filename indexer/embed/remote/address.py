"""What OLLAMA_HOST and OLLAMA_KEEP_ALIVE hold in, what a client makes of them out."""

from __future__ import annotations

import ipaddress
import re

from storage.errors import UnreachableError

_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
_DURATION = re.compile(r"-?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+")


def base_url(value: str | None) -> str:
    """Read an address as Ollama reads it: `scheme://host:port[/path]`, with no slash at its end.

    An address that a server binds to in order to be reached from everywhere is none that a client can call, so
    0.0.0.0 and [::] become loopback.

    Args:
        value: what OLLAMA_HOST holds; None or empty where it is not set.

    Raises:
        UnreachableError: no address can be read from it.
    """
    text = (value or "").strip().strip("\"'").strip()
    scheme, found, rest = text.partition("://")
    if not found:
        # Ollama's hosted service is the one bare name that is not called over plain http.
        scheme, rest, default = ("https", text, 443) if text == "ollama.com" else ("http", text, 11434)
    else:
        scheme = scheme.lower()
        default = 443 if scheme == "https" else 80
    authority, _, path = rest.partition("/")
    host, port = _split(authority)
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536 else default
    host = _connectable(host or "127.0.0.1")
    named = re.fullmatch(r"\[[0-9A-Fa-f:.]+(%[\w.-]+)?\]|[\w.-]+", host) and "@" not in authority
    if not named or scheme not in ("http", "https"):
        # The value is not repeated: it may hold a password.
        raise UnreachableError("OLLAMA_HOST is no address: set it to one like 127.0.0.1:11434 or https://example.com")
    return f"{scheme}://{host}:{number}/{path}".rstrip("/")


def duration(value: str | None) -> str | int:
    """Read how long the server shall keep the model loaded: a duration like "30m", or seconds; below 0 is for ever.

    Args:
        value: what OLLAMA_KEEP_ALIVE holds; where that is no duration, the default counts, as it does for Ollama.
    """
    text = (value or "").strip().strip("\"'").strip()
    if re.fullmatch(r"-?[0-9]+", text):
        return int(text)  # as a string the server would not take it
    return text if _DURATION.fullmatch(text) else "30m"


def is_loopback(url: str) -> bool:
    """Tell whether an address that `base_url` made leads to this machine, so that no proxy has any business with it."""
    host, _ = _split(url.partition("://")[2].partition("/")[0])
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _split(authority: str) -> tuple[str, str]:
    """Host without brackets, and port; either may be empty."""
    if bracketed := re.fullmatch(r"\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\](?::(.*))?", authority):
        return bracketed[1], bracketed[2] or ""
    if authority.count(":") > 1:  # IPv6 without brackets leaves no room for a port
        return authority, ""
    host, _, port = authority.partition(":")
    return host, port


def _connectable(host: str) -> str:
    """Write the host as it stands in a URL: IPv6 in brackets, unspecified addresses as loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        host = _LOOPBACK[address.version]
    return f"[{host}]" if address.version == 6 else host
