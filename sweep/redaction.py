"""Addresses without the secrets that they may hold, for messages, reports and whatever else is read by people."""

import re

# The second form is of a secret with a slash in it, which no parser of addresses would accept.
_USER = re.compile(r"://(?:[^/\s]*:\S*|[^/\s]*)@")
_PARAMETER = re.compile(r"\b(\w*(?:password|secret|token|access_key)\w*=)[^&\s]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """A text whose addresses have neither user, key nor password, whether it is one or quotes some."""
    return _PARAMETER.sub(r"\1…", _USER.sub("://…@", text))
