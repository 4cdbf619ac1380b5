"""Event files: what TensorBoard reads from them, read by another way."""

from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest
import tensorflow as tf

from trainer.history import History
from trainer.tensorboard import VALIDATION_TAG, EventLog


def curves(folder: Path) -> dict[str, dict[int, float]]:
    """Tag -> step -> value of all event files of a folder, by record framing and event proto."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for file in folder.glob("events.out.tfevents.*"):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found[value.tag][event.step] = float(tf.make_ndarray(value.tensor))
    return dict(found)


def entry(step: int) -> dict[str, float]:
    return {"step": step, "loss": 1 / step, "learning_rate": 0.5, "tokens_per_s": 100.0}


def test_every_curve_can_be_read_back(tmp_path: Path) -> None:
    with closing(EventLog(tmp_path, History())) as events:
        events.add(entry(2))
        events.add({"step": 2, "loss": 0.75}, VALIDATION_TAG)
        events.add(entry(4) | {"gradient_norm": 8.0})
        # at once, not only when the training has ended
        assert curves(tmp_path)["loss"] == {2: 0.5, 4: 0.25}
    assert curves(tmp_path) == {
        "loss": {2: 0.5, 4: 0.25},
        "learning_rate": {2: 0.5, 4: 0.5},
        "tokens_per_s": {2: 100.0, 4: 100.0},
        "gradient_norm": {4: 8.0},
        "validation_loss": {2: 0.75},
    }


def test_a_resumed_training_begins_its_file_with_what_was_before(tmp_path: Path) -> None:
    history = History(steps=[entry(1), entry(2)], validation=[{"step": 2, "loss": 0.75}])
    with closing(EventLog(tmp_path, history)) as events:
        events.add(entry(4))
    assert curves(tmp_path)["loss"] == {1: 1.0, 2: 0.5, 4: 0.25}
    assert curves(tmp_path)["validation_loss"] == {2: 0.75}


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(EventLog(None, History())) as events:
        events.add(entry(1))
    assert list(tmp_path.iterdir()) == []
