"""Continuing prompts: sampling, beam search, and the cached model under both."""

from trainer.generation.cached_model import CachedModel
from trainer.generation.decode_state import Writer
from trainer.generation.generate import generate
from trainer.generation.request import Generated, Request

__all__ = ["CachedModel", "Generated", "Request", "Writer", "generate"]
