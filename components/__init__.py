"""The TFX components of the pipeline, one file each."""
