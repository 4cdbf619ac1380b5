"""The two exceptions that are shown as lines, without a traceback."""


class FailureError(Exception):
    """What could not be done though input and code are right: exit status 1; what failed, where, and the remedy."""


class InputError(Exception):
    """A user's mistake: shown as plain lines without a traceback, exit status 2.

    Each message names the file, line or key, the value found there, and the remedy. Several
    mistakes are reported together, one message a line.
    """

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages

    def __str__(self) -> str:
        return "\n".join(self.messages)
