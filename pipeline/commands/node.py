"""`gpt2-tfx node`: do one node of a run, as a container does."""

import argparse

from pipeline.commands.run import report_failure
from pipeline.config_reading import load_config
from pipeline.node_process import NodeFailureError
from pipeline.nodes import node_table
from pipeline.path_checks import check_paths
from pipeline.progress_display import ProgressDisplay
from pipeline.runner import run_single_node


def run(arguments: argparse.Namespace) -> int:
    """Reuse or launch one node in this process."""
    loaded = load_config(arguments.config, arguments.overrides)
    check_paths(loaded, [n for n in node_table(loaded.config) if n.name == arguments.node])
    try:
        run_single_node(loaded, arguments.node, arguments.run_id, ProgressDisplay())
    except NodeFailureError as failure:
        return report_failure(failure)
    return 0
