"""Hypothesis for these tests: no deadline for an example, since a busy machine proves nothing."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
