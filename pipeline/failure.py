"""The one exception that means: it could not be done, and neither the input nor the code is wrong."""


class FailureError(Exception):
    """Shown as one line without a traceback, exit status 1: what failed, where, and the remedy."""
