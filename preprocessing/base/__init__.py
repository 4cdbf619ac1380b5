"""What every layer uses and no data passes through: errors, digests, files, progress."""
