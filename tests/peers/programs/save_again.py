"""Load a folder with transformers and save it again: `python save_again.py FOLDER NEW_FOLDER`."""

import sys

from transformers import AutoModelForCausalLM

if __name__ == "__main__":
    AutoModelForCausalLM.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2])
