"""The job of CorpusGen: a corpus to shards of records, an index and reports."""
