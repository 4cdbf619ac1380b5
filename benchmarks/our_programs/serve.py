"""Answer clients over HTTP with a 124M model of random weights, and write the same texts by `generate`.

`python -m benchmarks.our_programs.serve FOLDER CLIENTS PROMPT_TOKENS NEW_TOKENS TURNS`: FOLDER caches the export, in
bfloat16. In turns: the clients at once, each with a prompt of its own; one call of `generate` with all their prompts;
one client alone up to its first piece of text; `generate` of one token for its prompt.
"""

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.our_programs.generate import TOP_P, WORDS, exported_model


class Answer(NamedTuple):
    """tokens: that were written. first: seconds up to the first piece of text."""

    tokens: int
    first: float


def main() -> None:
    """Warm up once, then time: tokens/s of `serve` and `generate`, seconds of `first` and `one_token`."""
    folder = Path(sys.argv[1], "savedmodel")
    clients, length, new, turns = map(int, sys.argv[2:])
    model = exported_model(folder)
    random = np.random.default_rng(1)
    prompts = ["".join(random.choice(WORDS, length)) for _ in range(clients)]
    found: dict[str, list[float]] = {}

    def note(label: str, value: float, turn: int) -> None:
        if turn:
            found.setdefault(label, []).append(value)

    with _server(folder) as port:
        for turn in range(1 + turns):
            began = time.perf_counter()
            answers = _asked_at_once(port, prompts, new, seed=turn)
            tokens = sum(answer.tokens for answer in answers)
            note("serve", tokens / (time.perf_counter() - began), turn)
            began = time.perf_counter()
            done = model.generate(prompts, max_new_tokens=new, top_p=TOP_P, seed=turn)
            tokens = sum(completion.tokens for completion in done)
            note("generate", tokens / (time.perf_counter() - began), turn)
            note("first", _ask(port, prompts[0], new, turn).first, turn)
            began = time.perf_counter()
            model.generate(prompts[:1], max_new_tokens=1, top_p=TOP_P, seed=turn)
            note("one_token", time.perf_counter() - began, turn)
    print(json.dumps(found))


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    """The port of a server of the model, which ends with the block."""
    command = [sys.executable, "-m", "pipeline", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found is None:
                raise RuntimeError(f"the server did not start: {line!r}")
            yield int(found[1])
        finally:
            process.terminate()


def _asked_at_once(port: int, prompts: Sequence[str], new: int, seed: int) -> list[Answer]:
    with ThreadPoolExecutor(len(prompts)) as threads:
        return list(threads.map(lambda prompt: _ask(port, prompt, new, seed), prompts))


def _ask(port: int, prompt: str, new: int, seed: int) -> Answer:
    request: dict[str, Any] = {"prompt": prompt, "max_tokens": new, "top_p": TOP_P, "seed": seed}
    request |= {"stream": True, "stream_options": {"include_usage": True}}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    began = time.perf_counter()
    connection.request("POST", "/v1/completions", json.dumps(request))
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(response.read().decode())
    first, tokens = 0.0, 0
    for line in response:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line.removeprefix(b"data: "))
        first = first or time.perf_counter() - began
        tokens = event.get("usage", {}).get("completion_tokens", tokens)
    connection.close()
    return Answer(tokens, first)


if __name__ == "__main__":
    main()
