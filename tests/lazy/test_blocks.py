"""Blocks are kept, shared, read ahead, dropped; and say the same as the file."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import psutil
import pytest

from napari_emd_flatfield.lazy import (
    H5Array,
    StackedArray,
    blocks,
    memory,
    read_once,
)
from napari_emd_flatfield.lazy.cache import CACHE
from napari_emd_flatfield.lazy.chunked import Chunked
from napari_emd_flatfield.lazy.descriptor import Descriptor
from napari_emd_flatfield.lazy.grid import overlaps
from napari_emd_flatfield.lazy.work import Helpers, Work, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHAPE = (24, 128, 160)


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Of frames as small as here, none would be read ahead.
    monkeypatch.setattr(blocks, "_LEAST_AHEAD", 0)
    limit = CACHE.limit
    yield
    CACHE.limit = limit
    gc.collect()
    assert CACHE.nbytes == 0, "blocks outlive the arrays they are of"


@pytest.fixture
def chunks_read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Which chunks were fetched, in order."""
    read: list[tuple[int, ...]] = []
    decode = Chunked._decode

    def counted(self: Chunked, index: tuple[int, ...], chunk: np.ndarray) -> Any:
        read.append(index)
        return decode(self, index, chunk)

    monkeypatch.setattr(Chunked, "_decode", counted)
    return read


def stack(path: Path, chunks: tuple[int, ...], shape: Any = SHAPE) -> np.ndarray:
    data = np.random.default_rng(0).integers(0, 999, shape).astype("u2")
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=data, chunks=chunks, compression="gzip")
    return data


def settled(count: Any, seconds: float = 5.0) -> Any:
    """Wait until a number no longer changes; return it."""
    end = time.monotonic() + seconds
    last = None
    while last != (last := count()) and time.monotonic() < end:
        time.sleep(0.1)
    return last


@pytest.mark.parametrize("chunks", [(1, 128, 160), (6, 50, 160), (24, 64, 64)])
@pytest.mark.parametrize("limit", [10_000, 200_000, 2**29])
def test_any_limit_reads_the_same(
    tmp_path: Path, chunks: tuple[int, ...], limit: int
) -> None:
    CACHE.limit = limit
    data = stack(tmp_path / "a.h5", chunks)
    with H5Array(tmp_path / "a.h5", "d") as array:
        for axis, index in itertools.product(range(3), (0, 1, 2, 3, 2, 1, 99, 5)):
            key = (slice(None),) * axis + (index % SHAPE[axis],)
            np.testing.assert_array_equal(array[key], data[key])
            assert CACHE.nbytes <= limit


def test_chunks_across_the_frames_are_decoded_once(
    tmp_path: Path, chunks_read: list[tuple[int, ...]]
) -> None:
    data = stack(tmp_path / "a.h5", (12, 64, 64))
    with H5Array(tmp_path / "a.h5", "d") as array:
        for index in range(len(data)):
            np.testing.assert_array_equal(array[index], data[index])
        assert len(chunks_read) == len(set(chunks_read)) == 2 * 2 * 3


def test_the_other_views_share_what_is_kept(
    tmp_path: Path, chunks_read: list[tuple[int, ...]]
) -> None:
    data = stack(tmp_path / "a.h5", (1, 128, 160))
    with H5Array(tmp_path / "a.h5", "d") as array:
        for row in (5, 6, 100):
            np.testing.assert_array_equal(array[:, row], data[:, row])
        for index in (3, 20):
            np.testing.assert_array_equal(array[index], data[index])
        assert len(chunks_read) == len(data)


def test_a_stack_stored_last_axis_first_is_read_in_slabs(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 999, (300, 200, 40)).astype("u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["d"] = data
    with H5Array(tmp_path / "a.h5", "d") as array:
        frames = array.transpose(2, 1, 0)
        for index in (0, 1, 2, 30, 5):
            np.testing.assert_array_equal(frames[index], data[..., index].T)
        assert CACHE.nbytes == data.nbytes


def test_a_block_goes_where_one_was_that_made_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = np.random.default_rng(0).integers(0, 999, (300, 200, 80)).astype("u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["d"] = data
    block = data.nbytes // 5
    CACHE.limit = 2 * block
    made: list[int] = []

    def new(nbytes: int, new: Callable[[int], np.ndarray] = memory.fresh) -> np.ndarray:
        made.append(nbytes)
        return new(nbytes)

    memory.FRAMES.clear()
    monkeypatch.setattr(memory, "fresh", new)
    with H5Array(tmp_path / "a.h5", "d") as array:
        frames = array.transpose(2, 1, 0)
        for index in range(80):
            np.testing.assert_array_equal(frames[index], data[..., index].T)
            assert CACHE.nbytes <= CACHE.limit
        assert made == [block, block]
    gc.collect()
    assert not memory.FRAMES._spare, "nothing is kept once no file is open"


@pytest.mark.parametrize("step", [1, -1, 3])
def test_steps_find_the_next_frames_decoded(
    tmp_path: Path, chunks_read: list[tuple[int, ...]], step: int
) -> None:
    stack(tmp_path / "a.h5", (1, 128, 160))
    with H5Array(tmp_path / "a.h5", "d") as array:
        steps = list(range(0, 24, abs(step)))[:: 1 if step > 0 else -1]
        # To the next is a direction; elsewhere is one if it is done again.
        enough = 2 if abs(step) == 1 else 3
        for index in steps[: enough - 1]:
            array[index]
        settled(lambda: len(chunks_read))
        assert len(chunks_read) == enough - 1
        array[steps[enough - 1]]
        settled(lambda: len(chunks_read))
        expected = [(i, 0, 0) for i in steps[: enough + 2 * thread_count()]]
        assert sorted(chunks_read) == sorted(expected)


def test_a_step_on_looks_at_one_selection_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack(tmp_path / "a.h5", (12, 128, 160))
    looked_at: list[int] = []
    ahead = H5Array._ahead

    def counted(self: H5Array, slices: tuple[slice, ...]) -> Any:
        looked_at.append(slices[0].start)
        return ahead(self, slices)

    monkeypatch.setattr(H5Array, "_ahead", counted)
    with H5Array(tmp_path / "a.h5", "d") as array:
        for index in range(len(array)):
            array[index]
        assert looked_at == [*range(2, len(array))]
        looked_at.clear()
        for index in (9, 8, 7):
            array[index]
        last = 7 - 2 * thread_count()
        assert looked_at == [*range(7, max(last, 0) - 1, -1)]


def test_steps_through_views_read_ahead(
    tmp_path: Path, chunks_read: list[tuple[int, ...]]
) -> None:
    data = stack(tmp_path / "a.h5", (1, 128, 160))
    with StackedArray([H5Array(tmp_path / "a.h5", "d")]) as stacked:
        view = stacked.transpose(1, 0, 3, 2)
        for index in range(3):
            np.testing.assert_array_equal(view[index, 0], data[index].T)
        assert settled(lambda: len(chunks_read)) > 3


def test_a_jump_takes_back_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack(tmp_path / "a.h5", (1, 128, 160))
    begun: list[tuple[int, ...]] = []
    going = threading.Event()
    decode = Chunked._decode

    def slow(self: Chunked, index: tuple[int, ...], chunk: np.ndarray) -> Any:
        begun.append(index)
        if threading.current_thread() is not threading.main_thread():
            going.wait(5)
        return decode(self, index, chunk)

    monkeypatch.setattr(Chunked, "_decode", slow)
    with H5Array(tmp_path / "a.h5", "d") as array:
        for index in (0, 2, 4):
            array[index]
        array[20]
        going.set()
        settled(lambda: len(begun))
        # Only what its threads had taken up already was finished.
        assert len(begun) <= 4 + thread_count()


def test_threads_share_one_decoding(
    tmp_path: Path, chunks_read: list[tuple[int, ...]]
) -> None:
    data = stack(tmp_path / "a.h5", (1, 128, 160))
    with H5Array(tmp_path / "a.h5", "d") as array, ThreadPoolExecutor(8) as pool:
        order = list(range(24)) * 4
        for index, frame in zip(order, pool.map(array.__getitem__, order), strict=True):
            np.testing.assert_array_equal(frame, data[index])
        assert len(chunks_read) == 24


def test_close_while_reading_ahead(tmp_path: Path) -> None:
    data = stack(tmp_path / "a.h5", (1, 128, 160))
    before = set(threading.enumerate())
    for _ in range(5):
        array = H5Array(tmp_path / "a.h5", "d")
        for index in range(4):
            np.testing.assert_array_equal(array[index], data[index])
        array.close()
        assert CACHE.nbytes == 0
    settled(lambda: len(threading.enumerate()))
    assert set(threading.enumerate()) <= before
    held = {file.path for file in psutil.Process().open_files()}
    assert str(tmp_path / "a.h5") not in held


def test_nothing_runs_on_at_exit(tmp_path: Path) -> None:
    stack(tmp_path / "a.h5", (1, 128, 160))
    script = (
        "import sys\n"
        "from napari_emd_flatfield.lazy import H5Array\n"
        "a = H5Array(sys.argv[1], 'd')\n"
        "for i in range(5): a[i]\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script, tmp_path / "a.h5"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""


def test_what_is_written_meanwhile_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    data = np.arange(8 * 128 * 160, dtype="u4").reshape(8, 128, 160)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "d", data=data, chunks=(4, 128, 160), shuffle=True
        )
        (_, first), (_, second) = (
            dataset.id.read_direct_chunk((i, 0, 0)) for i in (0, 4)
        )
        place = dataset.id.get_chunk_info_by_coord((0, 0, 0)).byte_offset
    assert len(first) == len(second)
    with H5Array(path, "d") as array:
        np.testing.assert_array_equal(array[0], data[0])
        time.sleep(0.1)  # more than the resolution of file times
        with path.open("r+b") as raw:
            raw.seek(place)
            raw.write(second)
        np.testing.assert_array_equal(array[0], data[4])


def test_overlaps_are_the_selection() -> None:
    rng = np.random.default_rng(1)
    data = np.arange(23 * 31).reshape(23, 31)
    for _ in range(200):
        size = tuple(int(n) for n in rng.integers(1, 12, 2))
        slices = []
        for n in data.shape:
            start, stop = sorted(int(i) for i in rng.choice(n + 1, 2, replace=False))
            slices.append(slice(start, stop, int(rng.integers(1, 14))))
        found = np.full(data[tuple(slices)].shape, -1)
        for block, inside, where in overlaps(tuple(slices), size):
            corner = tuple(
                slice(i * s, (i + 1) * s) for i, s in zip(block, size, strict=True)
            )
            part = data[corner][inside]
            assert part.size
            assert (found[where] == -1).all()
            found[where] = part
        np.testing.assert_array_equal(found, data[tuple(slices)])


def test_work_hands_on_what_went_wrong() -> None:
    def fail() -> None:
        raise OSError("no such luck")

    work = Work(np.zeros(1), [fail])
    with pytest.raises(OSError, match="no such luck"):
        work.help()
    with pytest.raises(OSError, match="no such luck"):
        work.result()


def test_what_pieces_leave_is_done_too() -> None:
    array = np.zeros((4, 3), int)

    def fill(row: int, column: int) -> None:
        array[row, column] += 1

    def begin(row: int) -> list[Callable[[], None]]:
        return [partial(fill, row, column) for column in range(3)]

    helpers = Helpers()
    for _ in range(200):
        array[...] = 0
        work = Work(array, [partial(begin, row) for row in range(4)], helpers)
        helpers.help(work, but=1)
        assert work.result() is array
        assert np.all(array == 1)


@pytest.mark.skipif(not hasattr(os, "preadv"), reason="HDF5 reads it there")
@pytest.mark.parametrize("chunks", [None, (1, 512, 512)])
def test_what_comes_slowly_is_read_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: tuple[int, ...] | None
) -> None:
    data = np.arange(12 * 512 * 512, dtype="u2").reshape(12, 512, 512)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("d", data=data, chunks=chunks)
    read, seen = Descriptor.read, set()

    def slowly(self: Descriptor, offset: int, target: np.ndarray) -> None:
        time.sleep(0.003)
        seen.add(offset)
        read(self, offset, target)

    array = H5Array(tmp_path / "a.h5", "d")
    monkeypatch.setattr(Descriptor, "read", slowly)
    for index in range(6):
        frame = array[index]
        np.testing.assert_array_equal(frame, data[index])
        frame += 1  # nobody else gets it
    settled(lambda: len(seen))
    assert len(seen) > 6
    np.testing.assert_array_equal(array[3], data[3])
    np.testing.assert_array_equal(array[6], data[6])
    array.close()
    assert CACHE.nbytes == 0


def test_what_is_read_once_is_decoded_once_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = np.random.default_rng(0).integers(0, 99, (40, 256, 256)).astype("u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("d", data=data, chunks=(4, 128, 128), compression="gzip")
    begun, origin = [], Chunked.origin

    def counted(self: Chunked, index: tuple[int, ...]) -> tuple[int, ...]:
        begun.append(index)
        return origin(self, index)

    monkeypatch.setattr(Chunked, "origin", counted)
    CACHE.clear()
    with H5Array(tmp_path / "a.h5", "d") as array, read_once():
        for index, frame in enumerate(data):
            np.testing.assert_array_equal(array[index], frame)
            assert CACHE.nbytes <= 2 * 4 * frame.nbytes
    assert sorted(begun) == [*np.ndindex(10, 2, 2)]
