"""`gpt2-tfx node`: do one node of a run, as a container does."""

import argparse
import sys

from pipeline.commands.failure_report import command_line, report_failure
from pipeline.config_reading import load_config
from pipeline.node_process import NodeFailureError
from pipeline.path_checks import paths_of_node
from pipeline.progress_display import ProgressDisplay
from pipeline.runner import run_single_node
from pipeline.serving_history import pinned_text
from serving.versions import LATEST


def run(arguments: argparse.Namespace) -> int:
    """Reuse or launch one node in this process."""
    loaded = load_config(arguments.config, arguments.overrides, paths_of_node(arguments.node))
    try:
        result = run_single_node(loaded, arguments.node, arguments.run_id, ProgressDisplay())
    except NodeFailureError as failure:
        again = f"{command_line(arguments)} node {arguments.node} --run-id {arguments.run_id}"
        return report_failure(failure, again)
    if result.pinned is not None:
        print(f"gpt2-tfx: {LATEST} {pinned_text(result.pinned)}", file=sys.stderr)
    return 0
