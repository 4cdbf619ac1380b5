"""Sources in columns are the sources that were put in."""

import pickle
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.file_state import FileState
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.records.record import SPLITS, Drop

SIZES = st.integers(0, 2**40)
STATES = st.builds(FileState, SIZES, SIZES, st.integers(1, 2**62), st.integers(0, 2**63 - 1))


@st.composite
def source_files(draw: st.DrawFn) -> SourceFile:
    state = draw(st.none() | STATES)
    # A file that is compressed has another size than its content.
    size = state.size if state and draw(st.booleans()) else draw(SIZES)
    source = SourceFile.whole(draw(st.text("ab/\u00e9\U0001f600")), size, state)
    source = source._replace(split=draw(st.sampled_from([None, *SPLITS])))
    match draw(st.integers(0, 6)):
        case 0:
            return source._replace(drop=Drop("empty", source.name, "a", "no text"))
        case 1:
            digest = draw(st.text("ab", min_size=1))
            return source._replace(start=size // 2, rows_before=3, digest=digest)
        case 2:
            return source._replace(start=size // 2)
        case 3:
            return source._replace(companion=SourceFile.whole("b", 1))
    return source


@given(st.lists(source_files()), st.data())
def test_sources_in_columns_are_those_that_were_put_in(
    sources: list[SourceFile], data: st.DataObject
) -> None:
    columns = Sources(sources[: len(sources) // 2])
    columns.extend(sources[len(sources) // 2 :])
    assert [*columns] == sources
    assert [*pickle.loads(pickle.dumps(columns))] == sources
    assert columns.size == sum(source.stop - source.start for source in sources)
    start, stop = (data.draw(st.integers(0, len(sources))) for _ in range(2))
    part = columns[start:stop]
    assert [*part] == [part[place] for place in range(len(part))] == sources[start:stop]
    assert [*pickle.loads(pickle.dumps(part))] == sources[start:stop]
    assert part.size == sum(source.stop - source.start for source in sources[start:stop])
    assert part.splits == {source.split for source in sources[start:stop]}
    assert part.fingerprint() == Sources(sources[start:stop]).fingerprint()
    assert [(name.decode(), size, is_piece) for name, size, is_piece in part.measures()] == [
        (source.name, source.stop - source.start, bool(source.digest)) for source in part
    ]


@given(st.lists(source_files(), min_size=1), st.data())
def test_a_fingerprint_is_of_all_that_is_known_of_sources_whose_changes_show(
    sources: list[SourceFile], data: st.DataObject
) -> None:
    known = Sources(sources).fingerprint()
    shows = all(source.drop or (source.state and not source.companion) for source in sources)
    assert (known is not None) == shows
    place = data.draw(st.integers(0, len(sources) - 1))
    other = data.draw(source_files().filter(lambda source: source != sources[place]))
    changed = Sources([*sources[:place], other, *sources[place + 1 :]]).fingerprint()
    assert known is None or changed != known
    assert known is None or Sources(sources[1:]).fingerprint() != known


def test_a_million_sources_take_less_than_a_hundred_bytes_each() -> None:
    count = 10_000
    tracemalloc.start()
    try:
        sources = Sources(
            SourceFile.whole(f"stories/{number:020d}.story", 28, FileState(28, 1, number + 1, 2))
            for number in range(count)
        )
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(sources) == count
    assert held < peak < 100 * count
