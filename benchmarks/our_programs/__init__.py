"""What the benchmarks run of ours, each in a process of its own."""
