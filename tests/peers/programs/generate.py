"""What transformers makes of prompts and logits: `python generate.py FOLDER REQUEST LOGITS RESULTS`.

REQUEST is a JSON object: `generate`, by name the ids of one prompt and the arguments of `generate`; `score`, texts as
ids; `filters`, settings by name. LOGITS is an .npy file, float32 [R, V]. RESULTS is an .npz file: `generate/NAME`, the
new ids; `score/I`, the log-probability of each id of text I from the second on; `filters/NAME`, probabilities [R, V].
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import (
    GPT2LMHeadModel,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)


def filtered(logits: torch.Tensor, temperature: float, top_k: int, top_p: float) -> torch.Tensor:
    """The probabilities after the filters, in the order in which `generate` applies them."""
    chain = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        chain.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        chain.append(TopPLogitsWarper(top_p))
    return torch.softmax(chain(None, logits), dim=-1)


def main() -> None:
    """Generate, score and filter."""
    folder, request, logits, results = map(Path, sys.argv[1:])
    # operations this small are slower in several threads
    torch.set_num_threads(1)
    asked = json.loads(request.read_text(encoding="utf-8"))
    model = GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").eval()
    found = {}
    with torch.inference_mode():
        for name, (ids, arguments) in asked["generate"].items():
            prompt = torch.tensor([ids])
            settings = {"pad_token_id": 0, "do_sample": False, **arguments}
            made = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
            found[f"generate/{name}"] = made[0, len(ids) :].numpy()
        for number, ids in enumerate(asked["score"]):
            text = torch.tensor([ids])
            likely = torch.log_softmax(model(text).logits[0, :-1], dim=-1)
            found[f"score/{number}"] = likely.gather(1, text[0, 1:, None])[:, 0].numpy()
        given = torch.tensor(np.load(logits))
        for name, settings in asked["filters"].items():
            found[f"filters/{name}"] = filtered(given, **settings).numpy()
    np.savez(results, **found)


if __name__ == "__main__":
    main()
