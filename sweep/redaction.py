"""Removes secrets from addresses, for messages, reports and everything else that people read."""

import re

# The first form allows slashes in a password, which no parser of addresses would accept.
_USER = re.compile(r"://(?:[^/\s]*:\S*|[^/\s]*)@")
_PARAMETER = re.compile(r"\b(\w*(?:password|secret|token|access_key)\w*=)[^&\s]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text without the users, keys and passwords of the addresses in it."""
    return _PARAMETER.sub(r"\1…", _USER.sub("://…@", text))
