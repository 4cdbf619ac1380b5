"""The shape of the model that the tests of this folder serve."""

from preprocessing.tokens.vocabulary import load_vocabulary
from trainer.config import GPT2Config

BYTES = load_vocabulary("bytes")
CONFIG = GPT2Config(vocabulary_size=BYTES.size, context=32, width=32, heads=4, layers=1)
