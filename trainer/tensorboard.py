"""A training as TensorBoard shows it."""

from pathlib import Path

import tensorflow as tf

from trainer.history import Entry, History


def _scalar_metadata() -> tf.compat.v1.SummaryMetadata:
    plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
    return tf.compat.v1.SummaryMetadata(plugin_data=plugin, data_class="DATA_CLASS_SCALAR")


class EventLog:
    """An event file with loss, validation_loss, learning_rate, gradient_norm and tokens_per_s by step.

    It is written with TensorFlow alone: `tf.summary.write` needs no TensorBoard, `tf.summary.scalar`
    does. A file is of one process, so it begins with what a resumed history holds already.

    folder: where the file goes; None writes nothing.
    """

    def __init__(self, folder: Path | None, history: History) -> None:
        self._writer = (
            tf.summary.create_noop_writer()
            if folder is None
            else tf.summary.create_file_writer(str(folder))
        )
        self._metadata = _scalar_metadata()
        for entry in history.steps:
            self._write(entry)
        for entry in history.validation:
            self._write(_as_validation(entry))
        self._writer.flush()

    def close(self) -> None:
        """Nothing comes any more."""
        self._writer.close()

    def add(self, entry: Entry) -> None:
        """Write an entry of `History.steps`, where it can be seen at once."""
        self._write(entry)
        self._writer.flush()

    def add_validation(self, entry: Entry) -> None:
        """Write an entry of `History.validation`, where it can be seen at once."""
        self.add(_as_validation(entry))

    def _write(self, entry: Entry) -> None:
        with self._writer.as_default(step=entry["step"]):
            for tag, value in entry.items():
                if tag != "step":
                    tf.summary.write(tag, tf.constant(value, tf.float32), metadata=self._metadata)


def _as_validation(entry: Entry) -> Entry:
    return {"step": entry["step"], "validation_loss": entry["loss"]}
