import io
import itertools

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.records.tfrecords import read_tfrecords, tfrecords_of

RECORDS = st.lists(st.binary(max_size=50), max_size=6)


def written(records: list[bytes]) -> bytes:
    file = io.BytesIO()
    file.write(tfrecords_of(records))
    return file.getvalue()


@given(RECORDS)
def test_records_are_read_as_they_were_written(records):
    assert list(read_tfrecords(io.BytesIO(written(records)))) == records


@given(RECORDS.filter(len), st.data())
def test_a_changed_byte_is_noticed(records, data):
    content = bytearray(written(records))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="TFRecord at byte"):
        list(read_tfrecords(io.BytesIO(bytes(content))))


@given(RECORDS.filter(len), st.data())
def test_a_cut_off_file_gives_whole_records_only(records, data):
    content = written(records)
    length = data.draw(st.integers(0, len(content) - 1))
    whole = 0
    while len(written(records[: whole + 1])) <= length:
        whole += 1
    reader = read_tfrecords(io.BytesIO(content[:length]))
    assert list(itertools.islice(reader, whole)) == records[:whole]
    if length > len(written(records[:whole])):
        with pytest.raises(ValueError, match="the file ends within"):
            next(reader)
    else:
        assert list(reader) == []


def test_tensorflow_reads_our_files_and_we_read_its(tmp_path):
    records = [b"", b"one", b"\x00" * 1000]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(written(records))
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(ours))] == records
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in records:
            writer.write(record)
    assert theirs.read_bytes() == ours.read_bytes()


def test_the_error_names_the_offset_of_the_damaged_record():
    content = bytearray(written([b"first", b"second"]))
    content[-5] ^= 1
    with pytest.raises(ValueError, match="at byte 21: the checksum of the data is wrong"):
        list(read_tfrecords(io.BytesIO(bytes(content))))
