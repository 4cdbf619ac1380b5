"""The job of Tokenizer: shards of records to shards of token rows, and the vocabulary."""
