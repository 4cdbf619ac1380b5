from pathlib import Path

from preprocessing.corpus.spill import SpillWriter, read_spilled, remove_spills, spill_folder


def test_bytes_come_back_from_several_files_in_any_order(tmp_path: Path) -> None:
    folder = str(tmp_path / "spill")
    with SpillWriter(folder) as one, SpillWriter(folder) as other:
        places = {data: one.write(data) for data in (b"first", b"", b"\n\0 second")}
        places[b"of another"] = other.write(b"of another")
    wanted = [b"\n\0 second", b"of another", b"first", b"", b"of another"]
    assert sorted(read_spilled(places[data] for data in wanted)) == sorted(wanted)
    assert len({place.file for place in places.values()}) == 2


def test_a_writer_without_records_leaves_no_file(tmp_path: Path) -> None:
    with SpillWriter(str(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_job_is_hidden_among_its_outputs_and_can_be_removed_twice(
    tmp_path: Path,
) -> None:
    folder = Path(spill_folder(str(tmp_path)))
    assert folder.parent == tmp_path
    assert folder.name.startswith(".")
    with SpillWriter(str(folder)) as spill:
        spill.write(b"data")
    remove_spills(str(folder))
    remove_spills(str(folder))
    assert list(tmp_path.iterdir()) == []
