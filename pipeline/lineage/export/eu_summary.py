"""The public summary of training content that the AI Act asks of providers, after the Commission's template.

The template is of July 2025 (C(2025) 8311), for article 53(1)(d) of Regulation (EU) 2024/1689. What was recorded is
filled in, what only a person can answer is marked, and nothing is guessed.
"""

from pipeline.claims.slsa import time_text
from pipeline.lineage.export.exported import PROVIDER, ExportedModel

_ASK = f"*{PROVIDER}*"
_NO = "not applicable"
# Operations of training from which the Commission's guidelines of July 2025 take a model for one of general purpose;
# who changes such a model counts as a provider from a third of its training on.
_THRESHOLD = 1e23
_BILLION = 10**9


def text(model: ExportedModel) -> str:
    """The summary as Markdown."""
    corpus = model.shown["corpus"]
    return f"""# Public summary of training content

> This summary is voluntary. {_scale(model)}

| | |
|---|---|
| Version of the summary | of model version {model.version}, made from its lineage |
| Last update | {_day(model.shown["nodes"][-1]["finished"])} |
| Digest of the model's files | `{model.root}` |

## 1. General information

### 1.1 Provider

| | |
|---|---|
| Name and contact of the provider | {_ASK} |
| Name and contact of the authorised representative | {_ASK} |

### 1.2 Model

| | |
|---|---|
| Versioned name | {model.name}, version {model.version} |
| Model dependencies | {_dependencies(model)} |
| Date of placement on the Union market | {_ASK} |

### 1.3 Modalities, size and other characteristics of the training data

| | |
|---|---|
| Text | yes: {_size(model)} |
| Image | {_NO} |
| Audio | {_NO} |
| Video | {_NO} |
| Other modalities | {_NO} |
| Types of content | the task `{corpus["task"]}`; in words: {_ASK} |
| Latest date at which data were acquired | {_ASK}; the pipeline read them on {_read_on(model)} |
| Training on new data after that date | no: a version does not change once it is pushed |
| Languages | {_ASK} |
| Other characteristics | {corpus["records"]} records from {corpus["files"]} files{_splits(model)} |
| Digest of the files | `{corpus["digest"]}` |

## 2. List of data sources

The pipeline reads the files of one corpus and records their digests. It does not know where they came from before,
so it answers here only for what it does itself.

### 2.1 Publicly available datasets

| | |
|---|---|
| Used | {_ASK} |
| Modalities | text, where used |
| Large datasets, each with its link | {_ASK} |
| Other datasets, in general words | {_ASK} |

### 2.2 Private datasets from third parties

| | |
|---|---|
| 2.2.1 Licensed commercially by rightsholders or their representatives | {_ASK} |
| 2.2.2 Obtained from other third parties | {_ASK} |
| Datasets that are publicly known | {_ASK} |
| Other datasets, in general words | {_ASK} |
| Modalities | text, where used |

### 2.3 Data crawled and scraped from online sources

| | |
|---|---|
| Crawled by this pipeline | no: it has no crawler |
| Crawled by the provider or for it | {_ASK} |
| Crawlers, what they were for, how they behaved | {_ASK} |
| Period of collection | {_ASK} |
| Content and online sources, with the most relevant domain names | {_ASK} |
| Modalities | text, where used |

### 2.4 User data

| | |
|---|---|
| From users of this model | none through this pipeline; else {_ASK} |
| From users of the provider's other services and products | {_ASK} |
| Modalities | text, where used |

### 2.5 Synthetic data

| | |
|---|---|
| Made by this pipeline | none: each record is read from a file |
| Among the files that it read | {_ASK} |
| Models that made them | {_ASK} |
| Modalities | text, where used |

### 2.6 Other sources of data

| | |
|---|---|
| Used, and which | {_ASK} |

## 3. Data processing aspects

### 3.1 Reservations of rights under the exception for text and data mining

| | |
|---|---|
| Signatory of the Code of Practice for general-purpose AI | {_ASK} |
| Measures to respect reservations, before and during collection | {_ASK} |

### 3.2 Removal of illegal content

| | |
|---|---|
| Measures to keep it out or to remove it | {_ASK}; what was left out by the pipeline is under 3.3 |

### 3.3 Other information

| | |
|---|---|
{_processing(model)}
| Further comments | {_ASK} |
"""


def _scale(model: ExportedModel) -> str:
    training = model.shown["training"]
    used = (
        f"this training took {training['operations']:.1e}"
        if training
        else "training GPT-2 takes far fewer"
    )
    return (
        f"The Commission's guidelines take a model for one of general purpose from {_THRESHOLD:.0e} operations of "
        f"training on, and who changes one for a provider from a third of its training on; {used}. "
        "GPT-2's scale is far under these thresholds, so by it no summary is owed."
    )


def _dependencies(model: ExportedModel) -> str:
    base = model.shown["base_model"]
    if base is None:
        return f"{_NO}: training began with random weights"
    return (
        f"training began with the weights of digest `{base['digest']}`; their name, provider and summary: {_ASK}. This "
        "summary is of the data of the modification alone"
    )


def _size(model: ExportedModel) -> str:
    if model.tokens is None:
        return f"size: {_ASK}, since the count of tokens is gone from the workspace"
    sizes = ((_BILLION, "less than 1 billion"), (10_000 * _BILLION, "1 billion to 10 trillion"))
    size = next((name for most, name in sizes if model.tokens < most), "more than 10 trillion")
    return f"{size} tokens ({model.tokens:,} in the training set)"


def _read_on(model: ExportedModel) -> str:
    digest = model.shown["corpus"]["digest"]
    nodes = model.shown["nodes"]
    times = [each["finished"] for each in nodes if each["externals"].get("corpus") == digest]
    return _day(min((time for time in times if time is not None), default=None))


def _day(seconds: float | None) -> str:
    return "a day that was not recorded" if seconds is None else time_text(seconds)[:10]


def _splits(model: ExportedModel) -> str:
    splits = (model.shown["corpus_report"] or {}).get("splits") or {}
    found = ", ".join(f"{count} {split}" for split, count in splits.items())
    return f" ({found})" if found else ""


def _processing(model: ExportedModel) -> str:
    """What the pipeline did with the data."""
    parameters, report = model.shown["parameters"], model.shown["corpus_report"]
    rows: list[tuple[str, object]] = [
        (
            "Names of records and files that the configuration leaves out",
            len(parameters["corpus.exclude"]),
        )
    ]
    if report is not None:
        reasons = ", ".join(f"{count} {reason}" for reason, count in report["reasons"].items())
        rows += [
            (
                "Documents that were dropped",
                f"{report['dropped']}{f' ({reasons})' if reasons else ''}",
            ),
            ("Documents with a copy in their split", report["duplicates"]),
            ("Documents with a copy in another split", report["leaks"]),
        ]
    if (training := model.shown["training"]) is not None:
        rows.append(
            (
                "Training",
                f"{training['steps']} steps over {training['tokens']:,} tokens, {training['parameters']:,} trained "
                f"weights, {training['operations']:.3g} operations on {training['device']}",
            )
        )
    return "\n".join(f"| {name} | {value} |" for name, value in rows)
