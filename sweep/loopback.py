"""Keeps what this machine says to itself from going to a proxy."""

import os

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_SPARED = ("no_proxy", "NO_PROXY")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def spare_loopback() -> None:
    """Add this machine's own names to $NO_PROXY where a proxy is set; every client of HTTP here reads it."""
    if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
        return
    before = [name for each in _SPARED if os.environ.get(each) for name in os.environ[each].split(",")]
    if "*" in before:
        return
    together = ",".join(dict.fromkeys([*(name.strip() for name in before), *_LOOPBACK]))
    os.environ.update(dict.fromkeys(_SPARED, together))
