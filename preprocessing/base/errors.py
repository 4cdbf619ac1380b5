"""The one exception that means: the user's input is wrong."""


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
