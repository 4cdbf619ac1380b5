"""Beam's pool of workers for `--environment_type=EXTERNAL` on the loopback, where its own module listens everywhere."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer


def main() -> None:
    """Serve until ended at the port that is the first argument."""
    # The pool starts whatever `python` is first.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    pool = BeamFnExternalWorkerPoolServicer(use_process=True, data_buffer_time_limit_ms=-1)
    server = grpc.server(ThreadPoolExecutor())
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        server.wait_for_termination()
    finally:
        server.stop(None)
        for worker in pool._worker_processes.values():
            worker.kill()


if __name__ == "__main__":
    main()
