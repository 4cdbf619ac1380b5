"""Bare tiktoken: `tiktoken_only.py TEXTS_JSON ENCODER_JSON VOCAB_BPE` prints the seconds on one thread, and on two.

TEXTS_JSON is a list of texts; reading it is not counted, and nothing is written.
"""

import json
import sys
import time
from pathlib import Path

import tiktoken
from tiktoken.load import data_gym_to_mergeable_bpe_ranks

PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


def main() -> None:
    """Encode all texts twice."""
    texts = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    ranks = data_gym_to_mergeable_bpe_ranks(
        vocab_bpe_file=sys.argv[3], encoder_json_file=sys.argv[2]
    )
    encoding = tiktoken.Encoding("gpt2", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    began = time.perf_counter()
    for text in texts:
        encoding.encode_ordinary(text)
    one = time.perf_counter()
    encoding.encode_ordinary_batch(texts, num_threads=2)
    print(one - began, time.perf_counter() - one)


if __name__ == "__main__":
    main()
