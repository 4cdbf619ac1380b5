import gzip
import json

import apache_beam as beam

from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.records.record import Record, example_to_record
from preprocessing.records.tfrecords import read_tfrecords


def test_the_job_reads_a_compressed_table_as_it_is_read_without_beam(tmp_path):
    root, out = tmp_path / "corpus", tmp_path / "out"
    root.mkdir()
    rows = [
        {"id": f"{number}", "article": f"Article {number}.", "highlights": "One\nTwo"}
        for number in range(50)
    ]
    lines = [json.dumps(row) for row in rows] + ['{"id": "broken"']
    (root / "train.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (root / "test.jsonl").write_text(json.dumps(rows[0] | {"id": "t", "article": "Another."}))
    options = CorpusOptions(exclude=["7", "8"], max_dropped_fraction=0.02)
    folders = [str(out / name) for name in ("examples", "index", "report")]
    write_corpus(beam.Pipeline(), str(root), options, 0, CorpusFolders(*folders))
    report = check_corpus(folders[2], options)
    assert (report["records"], report["splits"]["test"], report["dropped"]) == (49, 1, 3)
    assert {reason: entry["count"] for reason, entry in report["reasons"].items()} == {
        "excluded": 2,
        "not_json": 1,
    }
    written: list[Record] = []
    for file in (out / "examples").rglob("*.tfrecord"):
        with open(file, "rb") as stream:
            written += map(example_to_record, read_tfrecords(stream))
    expected, _ = read_records(root, options, 0)
    assert sorted(written, key=lambda record: record.id) == expected
