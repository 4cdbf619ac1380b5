"""The results of benchmarks: a block for each kind of machine, whose rows never merge."""

from pathlib import Path
from typing import Any

from benchmarks.__main__ import with_row
from benchmarks.machine import machine, same_machine
from benchmarks.table import table

CPUINFO = """processor : 0
cpu family : 25
model : {model}
model name : AMD EPYC
flags : fpu avx2 avx512f {flags}

processor : 1
model : 0
"""


def on(tmp_path: Path, model: int, flags: str = "avx512_bf16") -> dict[str, Any]:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(CPUINFO.format(model=model, flags=flags))
    return {**machine(cpuinfo), "bfloat16_gflops": 400}


def row(name: str, ours: float) -> dict[str, Any]:
    return {"name": name, "ours": ours}


def test_a_machine_is_told_by_family_model_and_instructions(tmp_path: Path) -> None:
    older = on(tmp_path, 17)
    assert (older["processor"], older["family"], older["model"]) == ("AMD EPYC", 25, 17)
    assert older["flags"] == ["avx2", "avx512_bf16", "avx512f"]
    assert same_machine(older, {**on(tmp_path, 17), "bfloat16_gflops": 390, "python": "3.99"})
    assert not same_machine(older, on(tmp_path, 2))
    assert not same_machine(older, on(tmp_path, 17, flags="amx_bf16"))


def test_rows_of_two_machines_never_merge(tmp_path: Path) -> None:
    older, newer = on(tmp_path, 17), on(tmp_path, 2)
    results = with_row({"blocks": []}, older, row("noop_run", 1))
    results = with_row(results, newer, row("noop_run", 2))
    results = with_row(results, newer, row("generate", 3))
    results = with_row(results, older, row("noop_run", 4))
    assert [(b["machine"]["model"], b["rows"]) for b in results["blocks"]] == [
        (17, [row("noop_run", 4)]),
        (2, [row("generate", 3), row("noop_run", 2)]),
    ]


def test_a_machine_of_which_little_was_recorded_takes_no_new_rows(tmp_path: Path) -> None:
    here = on(tmp_path, 2)
    unknown = {**here, "family": None, "model": None, "flags": None}
    results = with_row({"blocks": [{"machine": unknown, "rows": []}]}, here, row("noop_run", 1))
    assert len(results["blocks"]) == 2
    assert "AMD EPYC (family and model not recorded), " in table(results["blocks"][0])
