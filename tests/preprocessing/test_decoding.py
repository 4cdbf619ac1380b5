import pytest
from corpora import only_drop, whole

from preprocessing.options import CorpusOptions
from preprocessing.readers.decoding import decode_text
from preprocessing.readers.source_file import Corpus
from preprocessing.records.record import Drop
from preprocessing.tasks.text import parse

ENGLISH = "It\u2019s raining in the old town, she said \u2013 again. "
WESTERN = "Le caf\u00e9 est d\u00e9j\u00e0 ferm\u00e9, dit-il \u00e0 sa m\u00e8re. "
RUSSIAN = (
    "\u042d\u0442\u043e \u0440\u0443\u0441\u0441\u043a\u0438\u0439 "
    "\u0442\u0435\u043a\u0441\u0442. \u041c\u043e\u0441\u043a\u0432\u0430 "
)
JAPANESE = "\u3053\u308c\u306f\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059\u3002"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (ENGLISH, "cp1252", "Windows-1252"),
        (WESTERN, "latin-1", "Windows-1252"),
        (ENGLISH + WESTERN, "mac_roman", "Mac OS Roman"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN, "koi8_r", "KOI8-R"),
        (JAPANESE, "cp932", "Shift JIS"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        (JAPANESE, "utf-16", "UTF-16 (little-endian)"),
        (RUSSIAN, "utf-16", "UTF-16 (little-endian)"),
        ("\ufeff" + RUSSIAN, "utf-16-be", "UTF-16 (big-endian)"),
        (ENGLISH, "utf-32", "UTF-32 (little-endian)"),
        (ENGLISH, "utf-16", "UTF-16"),
        (ENGLISH, "utf-16-be", "UTF-16 (big-endian)"),
    ],
)
def test_a_text_in_another_encoding_is_told_which_it_most_likely_is(text, encoding, named):
    data = text.encode(encoding)
    drop = decode_text(data, whole("a.txt", data), "a")
    assert isinstance(drop, Drop)
    assert f"most likely {named}" in drop.detail
    assert "save it as UTF-8" in drop.detail


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"Ca\0fe", "NUL at byte 2"),
        (bytes(range(128, 256)), "byte 0 is 0x80: not UTF-8; save it as UTF-8"),
    ],
)
def test_of_what_is_in_no_known_encoding_none_is_named(data, detail):
    drop = decode_text(data, whole("a.txt", data), "a")
    assert isinstance(drop, Drop)
    assert drop.detail == detail


def test_utf_8_with_a_damaged_byte_is_in_no_other_encoding():
    data = (WESTERN * 3).encode() + b"\xff" + WESTERN.encode()
    drop = only_drop([parse(whole("a.txt", data), data, Corpus(open, CorpusOptions(task="text")))])
    assert drop.id == "a.txt"
    place = len((WESTERN * 3).encode())
    assert drop.detail == f"byte {place} is 0xff: damaged, for the rest is UTF-8; mend it there"
