"""The one exception a user is meant to read."""


class SweepError(Exception):
    """A fault the user can mend; its message is one sentence that says what happened and what to do."""
