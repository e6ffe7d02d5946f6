"""The one exception for users to read."""


class SweepError(Exception):
    """A fault that the user can fix; its message says in one sentence what happened and what to do.

    `parameters` names the parameters to change, such as ``limit``; the command line adds the names of its options.
    """

    def __init__(self, message: str, *parameters: str) -> None:
        super().__init__(message)
        self.parameters = parameters
