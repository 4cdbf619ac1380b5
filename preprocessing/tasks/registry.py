"""The tasks by name."""

from collections.abc import Mapping
from types import MappingProxyType

from preprocessing.tasks import cnn_dailymail, coqa, text
from preprocessing.tasks.task import Task

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (cnn_dailymail.TASK, coqa.TASK, text.TASK)}
)
