"""Croissant 1.1: the corpus that a model was made from, as far as files, columns and numbers say it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pipeline.claims.slsa import time_text
from pipeline.lineage.export.exported import PROVIDER, ExportedModel, Node

_CONFORMS = "http://mlcommons.org/croissant/1.1"
# Terms that are in Croissant's namespace under their own names.
_TERMS = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace "
    "samplingRate separator source subField transform"
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
}
_FORMATS = {
    ".txt": "text/plain",
    ".story": "text/plain",
    ".md": "text/markdown",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".csv": "text/csv",
    ".parquet": "application/x-parquet",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
}
# The formats whose rows are documents, and which configuration keys name their columns.
_TABLES = frozenset({".jsonl", ".csv", ".parquet"})
_COLUMNS = {
    "cnn_dailymail": ("corpus.article_column", "corpus.highlights_column"),
    "text": ("corpus.text_column",),
}


def document(model: ExportedModel) -> dict[str, Any]:
    """The description of the corpus. Names of files are not in it: they may be names of people."""
    corpus = model.shown["corpus"]
    suffixes = _suffixes(model)
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS,
        "name": f"corpus of {model.name}",
        "description": _description(model, suffixes),
        "url": f"urn:gpt2-tfx:corpus:{corpus['digest']}",
        "version": f"1.0.0+{corpus['digest'][:16]}",
        "license": PROVIDER,
        "creator": {"@type": "Organization", "name": PROVIDER},
        "citeAs": PROVIDER,
        **_published(_corpus_node(model)),
        "isLiveDataset": False,
        "distribution": [_file_set(suffix) for suffix in suffixes],
        "recordSet": [_record_set(model, suffix) for suffix in suffixes],
    }


def _corpus_node(model: ExportedModel) -> Node:
    """The node that read it."""
    node, *_ = (
        each
        for each in model.shown["nodes"]
        if each["externals"].get("corpus") == model.shown["corpus"]["digest"]
    )
    return node


def _published(node: Node) -> dict[str, str]:
    """Of a corpus only the time is known at which it was read."""
    return {} if node["finished"] is None else {"datePublished": time_text(node["finished"])}


def _suffixes(model: ExportedModel) -> dict[str, int]:
    """What the names of its files end in -> how many do; nothing in particular where no list of them was kept."""
    if model.corpus_files is None:
        return {"": model.shown["corpus"]["files"]}
    counts = Counter(PurePosixPath(name).suffix.lower() for name in model.corpus_files)
    return dict(sorted(counts.items()))


def _description(model: ExportedModel, suffixes: dict[str, int]) -> str:
    corpus, report = model.shown["corpus"], model.shown["corpus_report"]
    kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in suffixes.items())
    sentences = [
        f"The corpus of the task {corpus['task']} as a GPT-2 was trained and evaluated on it: "
        f"{corpus['records']} records from {corpus['files']} files ({kinds}).",
        f"Digest of its files: {corpus['digest']}.",
    ]
    if report is not None:
        splits = ", ".join(f"{count} {split}" for split, count in (report["splits"] or {}).items())
        reasons = ", ".join(f"{count} {why}" for why, count in report["reasons"].items())
        sentences += [
            f"Splits: {splits}.",
            f"Left out: {report['dropped']}{f' ({reasons})' if reasons else ''}.",
            f"Documents with copies in their split: {report['duplicates']}; in another split: {report['leaks']}.",
        ]
    sentences.append(
        "The date of publication is the time at which the pipeline read it; origin, licence and authors are "
        f"{PROVIDER}."
    )
    return " ".join(sentences)


def _files(suffix: str) -> str:
    return f"files{suffix.replace('.', '-')}"


def _file_set(suffix: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": _files(suffix),
        "name": _files(suffix),
        "encodingFormat": _FORMATS.get(suffix, "application/octet-stream"),
        "includes": [f"*{suffix}", f"**/*{suffix}"],
    }


def _record_set(model: ExportedModel, suffix: str) -> dict[str, Any]:
    """A document a row of a table, or a file."""
    name = f"documents{suffix.replace('.', '-')}"
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": f"{name}/{field}",
                "dataType": "sc:Text",
                "source": {"fileSet": {"@id": _files(suffix)}, "extract": extract},
            }
            for field, extract in _fields(model, suffix)
        ],
    }


def _fields(model: ExportedModel, suffix: str) -> Iterator[tuple[str, dict[str, str]]]:
    columns = _COLUMNS.get(model.shown["corpus"]["task"], ())
    if suffix in _TABLES and columns:
        parameters = _corpus_node(model)["parameters"]
        for key in columns:
            yield key.removeprefix("corpus.").removesuffix("_column"), {"column": parameters[key]}
    else:
        yield "file", {"fileProperty": "filename"}
        yield "content", {"fileProperty": "content"}
