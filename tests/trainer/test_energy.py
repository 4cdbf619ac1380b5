from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer.energy import EnergyMeter


def package(powercap: Path, name: str, microjoules: int, span: int = 1_000_000_000) -> Path:
    folder = powercap / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "max_energy_range_uj").write_text(f"{span}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


class TestProcessors:
    def test_the_packages_are_added_and_their_parts_left_out(self, tmp_path: Path) -> None:
        counters = [package(tmp_path, f"intel-rapl:{n}", 5_000_000) for n in (0, 1)]
        part = package(tmp_path, "intel-rapl:0:0", 1)
        meter = EnergyMeter(False, tmp_path)
        for file, microjoules in ((counters[0], 7_000_000), (counters[1], 6_500_000), (part, 9)):
            file.write_text(f"{microjoules}\n")
        assert meter.joules() == pytest.approx(3.5)
        assert meter.measures == ["processor"]

    def test_a_counter_that_starts_again_loses_nothing(self, tmp_path: Path) -> None:
        counter = package(tmp_path, "intel-rapl:0", 9_000_000, span=10_000_000)
        meter = EnergyMeter(False, tmp_path)
        for microjoules, joules in ((2_000_000, 3), (8_000_000, 6), (1_000_000, 3)):
            counter.write_text(f"{microjoules}\n")
            assert meter.joules() == pytest.approx(joules)

    def test_what_cannot_be_read_is_not_guessed(self, tmp_path: Path) -> None:
        package(tmp_path, "intel-rapl:0", 5).unlink()
        meter = EnergyMeter(False, tmp_path)
        assert (meter.joules(), meter.measures) == (None, [])


class TestGpus:
    def nvml(self, monkeypatch: pytest.MonkeyPatch, readings: list[int] | None) -> None:
        """A driver whose counter (millijoules) reads so; None: a GPU that has none."""

        class NVMLError(Exception):
            pass

        begun: list[None] = []

        def energy(handle: str) -> int:
            assert handle == "GPU 0"
            assert begun
            if readings is None:
                raise NVMLError
            return readings.pop(0)

        fake = SimpleNamespace(
            NVMLError=NVMLError,
            nvmlInit=lambda: begun.append(None),
            nvmlDeviceGetHandleByIndex=lambda index: f"GPU {index}",
            nvmlDeviceGetTotalEnergyConsumption=energy,
        )
        monkeypatch.setitem(__import__("sys").modules, "pynvml", fake)

    def test_the_first_is_counted_beside_the_processor(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.nvml(monkeypatch, [1000, 1000, 6000])
        counter = package(tmp_path, "intel-rapl:0", 0)
        meter = EnergyMeter(True, tmp_path)
        counter.write_text("1000000\n")
        assert meter.joules() == pytest.approx(1 + 5)
        assert meter.measures == ["GPU", "processor"]

    def test_one_beside_a_training_on_the_processor_is_not_counted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.nvml(monkeypatch, [1000, 1000, 6000])
        assert EnergyMeter(False, tmp_path).measures == []

    def test_one_without_a_counter_is_not_guessed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.nvml(monkeypatch, None)
        assert EnergyMeter(True, tmp_path).joules() is None

    def test_without_a_driver_there_is_none(self, tmp_path: Path) -> None:
        """NVIDIA's own library, on a machine that has no GPU."""
        assert EnergyMeter(True, tmp_path).measures in ([], ["GPU"])
