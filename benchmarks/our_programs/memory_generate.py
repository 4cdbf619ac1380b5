"""The peak memory of generation with an exported model of random weights, in bfloat16.

`python -m benchmarks.our_programs.memory_generate export FOLDER SIZE` writes one; `... generate FOLDER NEW_TOKENS`
loads it as a server does, continues one prompt, and prints the most memory that its process had resident, in bytes.
"""

import json
import sys
from pathlib import Path

from pipeline.framework_imports import quiet_tensorflow

PROMPT = " the rain on the open bridge" * 10


def main() -> None:
    """Do what the command line says."""
    quiet_tensorflow()
    action, folder, argument = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if action == "export":
        export_random(folder, argument)
    else:
        print(json.dumps(generate(folder, int(argument))))


def export_random(folder: Path, size: str) -> None:
    """Export random weights, which are bfloat16 from the start, so that 1558M takes 6 GB here."""
    import tensorflow as tf

    from preprocessing.tokens.vocabulary import load_vocabulary
    from trainer.config import SIZES, variable_shapes
    from trainer.export import export
    from trainer.gpt2 import GPT2
    from trainer.initial_weights import initial_value
    from trainer.options import GenerationOptions

    config = SIZES[size]
    variables = {
        name: tf.Variable(tf.cast(initial_value(config, name, shape, 1), tf.bfloat16), name=name)
        for name, shape in variable_shapes(config).items()
    }
    model = GPT2(config, precision="bfloat16", variables=variables)
    export(model, load_vocabulary(), GenerationOptions(), folder)


def generate(folder: Path, new_tokens: int) -> dict[str, int]:
    """Tokens generated, and bytes of peak memory."""
    from serving.model import load_model

    (completion,) = load_model(folder).generate([PROMPT], max_new_tokens=new_tokens, top_p=0.9)
    return {"tokens": completion.tokens, "peak": peak_memory()}


def peak_memory() -> int:
    """The most bytes that this process had resident at once."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM: this needs Linux")


if __name__ == "__main__":
    main()
