"""Proofs that a record was in a training set, which show nothing of the other records."""
