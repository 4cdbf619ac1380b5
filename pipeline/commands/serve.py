"""`gpt2-tfx serve`: answer over HTTP with a pushed model, a SavedModel or a checkpoint."""

import argparse
import asyncio
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pipeline import locations
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.framework_imports import quiet_tensorflow
from pipeline.listening import listening_on, open_to_others
from pipeline.node_process import output_set_aside
from pipeline.version_check import check_version
from serving.http.application import Settings, application_of
from serving.http.current_version import CurrentVersion, Source
from serving.http.served_version import LoadOptions, ServedVersion, load_version
from serving.http.server import serve
from serving.metrics import BatchingMetrics
from serving.versions import LATEST, Versions

TOKEN_VARIABLE = "GPT2_TFX_SERVE_TOKEN"
_SECONDS_BETWEEN_LOOKS = 2.0


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    loaded = load_config(arguments.config, arguments.overrides)
    versions = Versions(loaded.workspace / "serving")
    versions.resolve(arguments.model)
    quiet_tensorflow()
    with listening_on(arguments.host, arguments.port) as listening, _log_on_stderr() as log:
        metrics = BatchingMetrics()
        current = _opened(arguments, loaded, versions, metrics, log)
        token, address = os.environ.get(TOKEN_VARIABLE) or None, open_to_others(listening)
        settings = Settings(token, address is None, arguments.verify, log)
        if token is None and address is not None:
            log(
                f"anyone who reaches {address} can use this server; "
                f"the variable {TOKEN_VARIABLE} makes it ask for a token"
            )
        application = application_of(current, metrics, settings)
        follows = arguments.model == LATEST

        def ready(address: str) -> None:
            version = current.version
            about = f"version {version.version}, digest {version.digest or 'not stated'}"
            print(f"serving {current.name} ({about}) on {address}", flush=True)

        async def until_asked_to_end() -> None:
            stopped = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
            follow = partial(current.follow, _SECONDS_BETWEEN_LOOKS, log) if follows else None
            await serve(application, listening, stopped, ready, follow)

        asyncio.run(until_asked_to_end())
    return 0


def _opened(
    arguments: argparse.Namespace,
    loaded: LoadedConfig,
    versions: Versions,
    metrics: BatchingMetrics,
    log: Callable[[str], None],
) -> CurrentVersion:
    """The version that is named, loaded."""
    options = LoadOptions(locations.vocabulary(loaded), loaded.config.generation, metrics)

    def checked(folder: Path) -> ServedVersion:
        if unchecked := check_version(folder, arguments.verify):
            log(unchecked)
        return load_version(folder, options)

    source = Source(partial(versions.resolve, arguments.model), checked)
    is_pushed = arguments.model == LATEST or arguments.model.isdecimal()
    name = loaded.config.name if is_pushed else Path(arguments.model).resolve().name
    with output_set_aside():
        return CurrentVersion(re.sub(r"[^\w.-]", "-", name), source)


@contextmanager
def _log_on_stderr() -> Iterator[Callable[[str], None]]:
    """What prints a line with its time, on the stderr of now, whatever is done with that meanwhile."""
    with os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace") as stderr:
        yield lambda line: print(
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), line, file=stderr
        )
