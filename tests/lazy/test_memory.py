from __future__ import annotations

import gc
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_emd_flatfield.lazy.memory import _LEAST, Pool


@pytest.fixture
def _all_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_emd_flatfield.lazy.memory._LEAST", 0)


def test_little_memory_is_not_kept() -> None:
    pool = Pool()
    pool.give(pool.take(_LEAST - 1))
    assert not pool._spare
    pool.give(pool.take(_LEAST))
    assert len(pool._spare) == 1


@pytest.mark.usefixtures("_all_is_large")
def test_memory_is_used_again() -> None:
    pool = Pool()
    memory = pool.take(1000)
    memory[:] = 7
    pool.give(memory)
    assert pool.take(900) is memory
    assert pool.take(900) is not memory


def test_what_is_lent_twice_at_a_time_differs() -> None:
    pool = Pool()
    with pool.lent((3, 5), np.dtype("f4")) as one:
        with pool.lent((3, 5), np.dtype(">u2")) as other:
            one[...], other[...] = 1, 2
            assert other.dtype == ">u2"
        assert one.shape == other.shape == (3, 5)
        assert np.all(one == 1)


@pytest.mark.usefixtures("_all_is_large")
def test_the_smallest_that_is_large_enough_is_lent() -> None:
    pool = Pool()
    small, middle, large = pool.take(10), pool.take(100), pool.take(1000)
    for memory in (large, small, middle):
        pool.give(memory)
    assert pool.take(2000).size >= 2000
    assert pool.take(50) is middle
    assert pool.take(50) is large
    assert pool.take(10) is small


@pytest.mark.usefixtures("_all_is_large")
def test_of_equal_ones_that_which_was_used_last_is_lent() -> None:
    pool = Pool()
    lent = [pool.take(100) for _ in range(3)]
    for memory in lent:
        pool.give(memory)
    assert [pool.take(100) is memory for memory in reversed(lent)] == [True] * 3


def test_of_equal_ones_that_which_was_used_first_goes() -> None:
    pool = Pool()
    first, *others = [pool.take(2**25) for _ in range(3)]
    for memory in (first, *others):
        pool.give(memory)
    assert list(pool._spare) == [id(memory) for memory in others]


@pytest.mark.usefixtures("_all_is_large")
def test_of_more_than_is_kept_the_smallest_goes() -> None:
    pool = Pool()
    sizes = [10, 2**25, 2**25]  # a little more than 64 MiB
    for memory in [pool.take(size) for size in sizes]:
        pool.give(memory)
    assert pool.take(10).size == 2**25
    assert pool.take(10).size == 2**25
    assert pool.take(10).size == 10
    assert not pool._spare


def test_one_block_is_kept_beside_what_is_small() -> None:
    pool = Pool(exact=True, keeps_largest=True)
    sizes = [2**28, 2**25, 2**28, 2**25, 2**25]
    for memory in [pool.take(size) for size in sizes]:
        pool.give(memory)
    kept = sorted(memory.size for memory in pool._spare.values())
    assert kept == [2**25, 2**25, 2**28]


@pytest.mark.usefixtures("_all_is_large")
def test_memory_comes_back_after_an_error() -> None:
    pool = Pool()

    def fail() -> None:
        with pool.lent((4,), np.dtype("u1")):
            raise OSError("disk on fire")

    with pytest.raises(OSError, match="on fire"):
        fail()
    assert len(pool._spare) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_little_is_kept_and_nothing_once_closed() -> None:
    def resident() -> int:
        gc.collect()
        lines = Path("/proc/self/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("RssAnon"))
        return int(line.split()[1]) // 1024

    pool, before = Pool(), resident()
    taken = [pool.take(16 * 2**20) for _ in range(8)]
    for memory in taken:
        memory[:] = 1
    assert resident() > before + 100
    while taken:
        pool.give(taken.pop())
    del memory
    assert 50 < resident() - before < 80
    pool.close()
    assert resident() < before + 10


@pytest.mark.usefixtures("_all_is_large")
def test_nothing_larger_is_lent_where_that_matters() -> None:
    pool = Pool(exact=True)
    memory = pool.take(1000)
    pool.give(memory)
    assert pool.take(999).size == 999
    assert pool.take(1000) is memory


def test_an_array_is_lent_until_nobody_refers_to_it() -> None:
    pool, shape = Pool(), (3, 700, 512)
    array = pool.array(shape, np.dtype(">f4"))
    assert (array.shape, array.dtype) == (shape, np.dtype(">f4"))
    assert array.flags.c_contiguous
    assert array.flags.writeable
    array[...] = 1
    view = array[1, ::2].T
    address = array.ctypes.data
    del array
    assert not pool._spare
    other = pool.array(shape, np.dtype("f4"))
    assert other.ctypes.data != address
    assert np.all(view == 1)
    del view
    gc.collect()
    again = pool.array((3, 512, 700), np.dtype("i4"))
    assert again.ctypes.data == address


@pytest.mark.parametrize("shape", [(5,), (2, 0, 3), (3, 600, 700)])
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 0, 1)])
def test_a_copy_is_in_the_order_of_the_original(
    shape: tuple[int, ...], order: tuple[int, ...]
) -> None:
    array = np.arange(math.prod(shape), dtype="u2").reshape(shape)
    for part in (
        array[::2],
        array.transpose(order[: len(shape)]) if array.ndim > 1 else array,
    ):
        copy = Pool().copy(part)
        np.testing.assert_array_equal(copy, part)
        assert copy.strides == part.copy("K").strides
        assert not np.shares_memory(copy, part)
        assert copy.flags.writeable


def test_small_and_empty_arrays_are_ordinary() -> None:
    for shape in [(), (0, 5), (3, 4)]:
        array = Pool().array(shape, np.dtype("u2"))
        assert (array.shape, array.dtype) == (shape, np.dtype("u2"))
        assert array.flags.owndata
