import hashlib

from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.digests import combine, sha256_bytes, sha256_file, sha256_json, sha256_text


@given(st.binary())
def test_bytes_and_text_have_the_digest_of_hashlib(data):
    assert sha256_bytes(data) == hashlib.sha256(data).hexdigest()
    assert sha256_text(data.hex()) == hashlib.sha256(data.hex().encode()).hexdigest()


def test_a_file_has_the_digest_of_its_bytes(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(data)
    assert sha256_file(tmp_path / "file") == sha256_bytes(data)


def test_key_order_does_not_change_a_json_digest_but_list_order_does():
    assert sha256_json({"a": 1, "b": "é"}) == sha256_json({"b": "é", "a": 1})
    assert sha256_json({"a": 1, "b": "é"}) == sha256_text('{"a":1,"b":"é"}')
    assert sha256_json([1, 2]) != sha256_json([2, 1])


def test_combined_digests_depend_on_names_and_digests_not_on_order():
    assert combine({"a": "1", "b": "2"}) == combine({"b": "2", "a": "1"})
    assert combine({"a": "1", "b": "2"}) == sha256_text("a\0001\nb\0002\n")
    assert combine({"a": "2", "b": "1"}) != combine({"a": "1", "b": "2"})
