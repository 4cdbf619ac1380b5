"""What each task makes of its files: the layouts of its corpora, cleaning, records."""
