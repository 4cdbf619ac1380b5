"""Generate with transformers (bfloat16) or CTranslate2 (int8): seconds of each turn, as JSON.

    python generate.py transformers|ctranslate2 FOLDER PROMPTS PROMPT_TOKENS NEW_TOKENS TURNS

FOLDER caches a GPT-2 124M with random weights, in Hugging Face's layout and in CTranslate2's. The
prompts are random ids, sampling is top-p 0.9, and no row can stop early.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

VOCABULARY = 50257
TOP_P = 0.9


def main() -> None:
    """Warm up once, then time the turns."""
    library, folder = sys.argv[1], Path(sys.argv[2])
    count, length, new, turns = map(int, sys.argv[3:])
    prompts = np.random.default_rng(1).integers(0, VOCABULARY - 1, [count, length])
    make = {"transformers": transformers_generation, "ctranslate2": ctranslate2_generation}
    generate = make[library](folder, prompts, new)
    generate()
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        generate()
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds}))


def huggingface_folder(folder: Path) -> Path:
    """The model's folder, written at the first call."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    path = folder / "huggingface"
    if not path.is_dir():
        torch.manual_seed(1)
        GPT2LMHeadModel(GPT2Config()).save_pretrained(path)
    return path


def transformers_generation(folder: Path, prompts: np.ndarray, new: int) -> Callable[[], None]:
    """`GPT2LMHeadModel.generate` in bfloat16 with its cache and fused attention."""
    import torch
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(
        huggingface_folder(folder), dtype=torch.bfloat16, attn_implementation="sdpa"
    ).eval()
    ids = torch.tensor(prompts)
    mask = torch.ones_like(ids)

    def generate() -> None:
        with torch.inference_mode():
            out = model.generate(
                ids,
                attention_mask=mask,
                do_sample=True,
                top_p=TOP_P,
                top_k=0,
                min_new_tokens=new,
                max_new_tokens=new,
                pad_token_id=VOCABULARY - 1,
            )
        assert out.shape[1] == prompts.shape[1] + new

    return generate


def ctranslate2_generation(folder: Path, prompts: np.ndarray, new: int) -> Callable[[], None]:
    """`Generator.generate_batch` with int8 weights on both cores."""
    import ctranslate2

    path = folder / "ctranslate2"
    if not path.is_dir():
        source = huggingface_folder(folder)
        words = [f"t{number}" for number in range(VOCABULARY - 1)] + ["<|endoftext|>"]
        _convert(source, path, words)
    generator = ctranslate2.Generator(
        str(path), device="cpu", compute_type="int8", inter_threads=1, intra_threads=2
    )
    tokens = [[f"t{number}" for number in prompt] for prompt in prompts]

    def generate() -> None:
        results = generator.generate_batch(
            tokens,
            max_length=new,
            min_length=new,
            sampling_topk=0,
            sampling_topp=TOP_P,
            include_prompt_in_result=False,
        )
        assert all(len(result.sequences_ids[0]) == new for result in results)

    return generate


def _convert(source: Path, path: Path, words: list[str]) -> None:
    """Convert to int8 with a vocabulary of made-up words: the speed does not depend on them."""
    from ctranslate2.converters import transformers as converters

    class Loader(converters.GPT2Loader):
        def get_vocabulary(self, model: object, tokenizer: object) -> list[str]:
            return words

        def set_config(self, config: Any, model: object, tokenizer: object) -> None:
            config.bos_token = config.eos_token = config.unk_token = words[-1]

    import transformers

    model = transformers.GPT2LMHeadModel.from_pretrained(source)
    spec = Loader()(model, None)
    spec.validate()
    spec.optimize(quantization="int8")
    path.mkdir(parents=True)
    spec.save(str(path))


if __name__ == "__main__":
    main()
