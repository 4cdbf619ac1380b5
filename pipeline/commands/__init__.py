"""The commands, one file each; `run` takes the parsed arguments and returns the exit status."""
