"""`python -m pipeline` is the console script `gpt2-tfx`."""

import sys

from pipeline.cli import main

if __name__ == "__main__":
    sys.exit(main())
