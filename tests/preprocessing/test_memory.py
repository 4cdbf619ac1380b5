import pytest

from preprocessing.base import memory
from preprocessing.base.errors import InputError
from preprocessing.base.memory import machine_memory, require_memory


def test_what_is_as_large_as_the_memory_passes():
    require_memory("a.b 1", "it", machine_memory())


@pytest.mark.parametrize(
    ("size", "shown"),
    [(3 * 2**30, "3.0 GiB"), (3 * 2**40, "3,072.0 GiB"), (10**4400, "more than any machine has")],
    ids=["3 GiB", "3 TiB", "beyond any text"],
)
def test_what_is_larger_is_refused_with_what_it_takes_and_what_there_is(monkeypatch, size, shown):
    monkeypatch.setattr(memory, "machine_memory", lambda: 2**31)
    with pytest.raises(InputError) as error:
        require_memory("a.b 7", "a row alone", size)
    assert str(error.value) == (
        f"a.b 7: a row alone would take {shown} of memory, and this machine has 2.0 GiB; lower it"
    )
