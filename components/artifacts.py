"""The artifact types that TFX does not have."""

from tfx.types.artifact import Artifact


class RecordIndex(Artifact):
    """One JSON line for each record: id, source, position, digest, split, shard."""

    TYPE_NAME = "RecordIndex"


class CorpusReport(Artifact):
    """What happened to every record of a corpus, as JSON and as a page."""

    TYPE_NAME = "CorpusReport"


class TokenStatistics(Artifact):
    """Counts of records, rows and tokens by split, and what was cut or dropped."""

    TYPE_NAME = "TokenStatistics"


class Attestation(Artifact):
    """The provenance statement and the model card of one model."""

    TYPE_NAME = "Attestation"


def recorded_digest(artifact: Artifact) -> str:
    """The canonical digest that the launcher recorded; without it nothing could be said of it."""
    digest = artifact.get_string_custom_property("digest")
    if not digest:
        raise ValueError(f"artifact {artifact.id} at {artifact.uri} has no recorded digest")
    return digest
