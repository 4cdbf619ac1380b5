"""Scores of generated text and of token probabilities."""
