"""The one exception a user is meant to read."""


class SweepError(Exception):
    """A fault the user can mend; its message is one sentence that says what happened and what to do.

    `parameters` names what a caller has to say otherwise, such as ``limit``; the command line adds how to say it there.
    """

    def __init__(self, message: str, *parameters: str) -> None:
        super().__init__(message)
        self.parameters = parameters
