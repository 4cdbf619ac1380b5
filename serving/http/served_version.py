"""One version of a model as it is served: loaded, and with what its answers are traced by."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary
from preprocessing.tokens.vocabulary_files import SHIPPED, vocabulary_digest
from serving.checksums import CHECKSUMS, stated_digest
from serving.continuous_batching import ContinuousBatching
from serving.generation_settings import checked_settings
from serving.metrics import BatchingMetrics
from serving.model import LanguageModel, load_model
from serving.running_rows import RunningRows, Sampling
from serving.versions import PROVENANCE
from trainer.export_layout import METADATA_FILE, SAMPLING_DEFAULTS, read_sampling_defaults
from trainer.options import GenerationOptions


@dataclass(frozen=True, eq=False)
class ServedVersion:
    """What answers.

    version: the number of a pushed version; 1 for a model that has none. digest: of the files that a
        pushed version states, else None. provenance: what lies beside it, else None.
    defaults: what a request leaves open. vocabulary: None where that of the model is not here.
    created: seconds since the epoch.
    """

    version: str
    digest: str | None
    provenance: Any
    created: int
    model: LanguageModel
    defaults: GenerationOptions
    vocabulary: Vocabulary | None
    batching: ContinuousBatching


@dataclass(frozen=True)
class LoadOptions:
    """What a model is loaded with. vocabulary, defaults: of weights alone; an export brings its own."""

    vocabulary: str
    defaults: GenerationOptions
    metrics: BatchingMetrics


def load_version(folder: Path, options: LoadOptions) -> ServedVersion:
    """Load a model and use it once, so that its graphs are there when the first request comes.

    Raises InputError where the folder is none, or damaged.
    """
    model = load_model(folder, options.vocabulary)
    _use(model)
    return ServedVersion(
        version=folder.name if re.fullmatch("[0-9]+", folder.name) else "1",
        digest=stated_digest(folder) if (folder / CHECKSUMS).is_file() else None,
        provenance=_provenance(folder / PROVENANCE),
        created=int(folder.stat().st_mtime),
        model=model,
        defaults=_defaults(folder, options.defaults),
        vocabulary=_vocabulary(folder / METADATA_FILE, options.vocabulary),
        batching=ContinuousBatching(model, options.metrics),
    )


def _use(model: LanguageModel) -> None:
    rows = RunningRows(model)
    for prompt in ("a", "b"):
        model.count_tokens([prompt])
        rows.start([prompt], [0], Sampling(max_new_tokens=2))
    rows.step()
    rows.keep([1])


def _defaults(folder: Path, otherwise: GenerationOptions) -> GenerationOptions:
    """Those of an export; of weights, which have none, those otherwise."""
    path = folder / SAMPLING_DEFAULTS
    if not path.is_file():
        return otherwise
    defaults = read_sampling_defaults(folder)
    try:
        checked_settings(asdict(defaults), seed=0, stop=())
    except InputError as error:
        raise InputError(*(f"{path}: {message}" for message in error.messages)) from error
    return defaults


def _provenance(path: Path) -> Any:
    try:
        return parse_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from error


def _vocabulary(metadata: Path, name: str) -> Vocabulary | None:
    """That of an export by its digest; that of weights is the one that they were loaded with."""
    if not metadata.is_file():
        return load_vocabulary(name)
    wanted = parse_json(metadata.read_bytes())["vocabulary_digest"]
    for candidate in dict.fromkeys((name, *SHIPPED)):
        try:
            if vocabulary_digest(candidate, sha256_file) == wanted:
                return load_vocabulary(candidate)
        except InputError:  # of a folder that is not there
            continue
    return None
