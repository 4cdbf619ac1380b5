"""Logits of a folder by transformers: `python logits.py FOLDER REQUEST RESULTS`.

REQUEST is a JSON file: texts, and dtypes (`float32`, `bfloat16`). RESULTS is an .npz file: `ids/I` int [n_I], text I
in the folder's own tokenizer with the end of text behind it, and `DTYPE/I` float32 [n_I, V], the logits of text I
alone in a model of that dtype.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    """Tokenise, then load and run the model once for each dtype."""
    folder, request, results = map(Path, sys.argv[1:])
    asked = json.loads(request.read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    records = [[*tokenizer(text).input_ids, tokenizer.eos_token_id] for text in asked["texts"]]
    found = {f"ids/{number}": np.array(ids) for number, ids in enumerate(records)}
    for dtype in asked["dtypes"]:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
        with torch.inference_mode():
            for number, ids in enumerate(records):
                logits = model(torch.tensor([ids])).logits[0]
                found[f"{dtype}/{number}"] = logits.to(torch.float32).numpy()
        del model
    np.savez(results, **found)


if __name__ == "__main__":
    main()
