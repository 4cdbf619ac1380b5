"""`claims.jsonl` of a pushed version: signed statements about it, to which more may be appended."""
