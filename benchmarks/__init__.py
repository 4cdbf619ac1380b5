"""Speed and memory, measured as ratios to peers in one run. `make bench`, or `make bench ONLY=name`."""
