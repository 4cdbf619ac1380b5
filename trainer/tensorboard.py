"""A training as TensorBoard shows it."""

from pathlib import Path

import tensorflow as tf

from trainer.history import Entry, History

VALIDATION_TAG = "validation_"  # before the name of a value of `History.validation`


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
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=plugin, data_class="DATA_CLASS_SCALAR"
        )
        for entry in history.steps:
            self.add(entry)
        for entry in history.validation:
            self.add(entry, VALIDATION_TAG)

    def close(self) -> None:
        """Nothing comes any more."""
        self._writer.close()

    def add(self, entry: Entry, prefix: str = "") -> None:
        """Write the values of an entry, the prefix before their names, where they can be seen at once."""
        with self._writer.as_default(step=entry["step"]):  # which flushes
            for name, value in entry.items():
                if name != "step":
                    number = tf.constant(value, tf.float32)
                    tf.summary.write(prefix + name, number, metadata=self._metadata)
