"""Stories to token ids with Hugging Face `datasets.map`: the peer of `corpus_to_tfrecords`.

`datasets_map.py STORIES ENCODER_JSON VOCAB_BPE OUT CLEANING CORES` prints the seconds, imports not counted. CLEANING is
`plain`, the steps as most write them (ftfy on the whole of every text), or the path of our `cleaning.py`, whose
functions are then used. The files are opened and read in the mapped function, batched, in as many processes as cores.
"""

import importlib.util
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import ftfy
from datasets import Dataset
from transformers import GPT2TokenizerFast

BATCH = 1000
STAMP = re.compile(r"(PUBLISHED:|UPDATED:|Last updated|\||\d{1,2}:\d{2} )")
DATELINE = re.compile(r"[^\n]{0,80}\(CNN\)\s*(--|-)?\s*")


def main() -> None:
    """Map the stories and save them as Arrow files."""
    stories, encoder, merges, out, cleaning, cores = sys.argv[1:]
    clean_article, clean_highlight = _plain() if cleaning == "plain" else _ours(Path(cleaning))
    tokenizer = GPT2TokenizerFast(vocab_file=encoder, merges_file=merges)

    def tokenise(batch: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        texts = []
        for path in batch["path"]:
            article, *highlights = Path(path).read_text("utf-8").split("@highlight")
            summary = "\n".join(clean_highlight(highlight) for highlight in highlights)
            texts.append(f"{clean_article(article)}\nTL;DR:\n{summary}<|endoftext|>")
        return {"input_ids": tokenizer(texts, return_attention_mask=False)["input_ids"]}

    began = time.perf_counter()
    paths = sorted(str(path) for path in Path(stories).glob("*/stories/*.story"))
    dataset = Dataset.from_dict({"path": paths})
    tokens = dataset.map(
        tokenise, batched=True, batch_size=BATCH, num_proc=int(cores), remove_columns=["path"]
    )
    tokens.save_to_disk(out)
    print(time.perf_counter() - began)


def _plain() -> tuple[Callable[[str], str], Callable[[str], str]]:
    def article(text: str) -> str:
        lines = [" ".join(line.split()) for line in ftfy.fix_text(text).split("\n")]
        lines = [line for line in lines if line]
        if lines and lines[0].startswith("By"):
            lines = lines[2:] if lines[0] == "By" else lines[1:]
        while lines and STAMP.match(lines[0]):
            del lines[0]
        return DATELINE.sub("", "\n".join(lines), count=1)

    return article, lambda text: " ".join(ftfy.fix_text(text).split())


def _ours(path: Path) -> tuple[Callable[[str], str], Callable[[str], str]]:
    spec = importlib.util.spec_from_file_location("cleaning", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: not a module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.clean_article, module.clean_highlight


if __name__ == "__main__":
    main()
