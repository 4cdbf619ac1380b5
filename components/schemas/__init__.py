"""The curated data schema of each task, as TensorFlow Metadata text protos."""
