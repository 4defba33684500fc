"""Only what is asked is read, and what cannot be read is named."""

from __future__ import annotations

import os
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import psutil
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import CACHE, H5Array, StackedArray, memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATA = np.random.default_rng(0).integers(0, 60_000, (8, 64, 96)).astype("u2")
NO_SUCH_FILTER = 39_999


def chunked(path: Path, name: str = "a", **storage: Any) -> Path:
    with h5py.File(path, "a") as file:
        file.create_dataset(name, data=DATA, chunks=(2, 32, 48), **storage)
    return path


def overwrite_chunks(path: Path, *spared: tuple[int, ...]) -> None:
    """Make all chunks of dataset ``a`` unreadable but some."""
    with h5py.File(path, "r+") as file:
        dataset = file["a"].id
        stored = [dataset.get_chunk_info(i) for i in range(dataset.get_num_chunks())]
    with path.open("r+b") as raw:
        for chunk in stored:
            if chunk.chunk_offset not in spared:
                raw.seek(chunk.byte_offset)
                raw.write(b"\x5a" * chunk.size)


@contextmanager
def bytes_read() -> Iterator[list[int]]:
    process, count = psutil.Process(), [0]
    if not hasattr(process, "io_counters"):
        pytest.skip("this system does not count what a process reads")
    before = process.io_counters().read_chars
    yield count
    count[0] = process.io_counters().read_chars - before


def test_only_the_chunks_asked_for_are_read(tmp_path: Path) -> None:
    path = chunked(tmp_path / "x.h5", compression="gzip")
    overwrite_chunks(path, (4, 32, 0), (4, 32, 48))
    lazy = H5Array(path, "/a")
    np.testing.assert_array_equal(lazy[5, 40:50], DATA[5, 40:50])
    turned = StackedArray([lazy]).transpose(0, 3, 2, 1)
    np.testing.assert_array_equal(turned[0, 3:9, -1, 4], DATA[4, -1, 3:9])
    with pytest.raises(nef.ReadError):
        lazy[5]


def test_one_frame_of_a_contiguous_stack_costs_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    stack = np.tile(DATA, (16, 1, 1))
    with h5py.File(path, "w") as file:
        file["a"] = stack
    lazy = H5Array(path, "/a")
    lazy[0]
    with bytes_read() as count:
        np.testing.assert_array_equal(lazy[100], stack[100])
    # HDF5 reads at least 64 KiB at once.
    assert count[0] < 2**16 + 2 * DATA[0].nbytes < stack.nbytes / 10


def test_one_frame_of_a_series_reads_one_dataset(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    for i in range(8):
        chunked(path, f"series/{i}", compression="gzip")
    lazy = StackedArray([H5Array(path, f"/series/{i}") for i in range(8)])
    with bytes_read() as count:
        np.testing.assert_array_equal(lazy[3, 0], DATA[0])
    assert count[0] < 2 * DATA.nbytes


def test_memory_is_bounded_by_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros((64, 256, 256), "f4")
    turned = H5Array(path, "/a").transpose(2, 1, 0)
    monkeypatch.setattr(CACHE, "_limit", CACHE.limit)
    most = 6 * 2**20
    CACHE.limit = 2**20
    assert memory_of(lambda: turned[17], monkeypatch) < most < turned.nbytes
    # All of it is read to get at one row of each frame, and is kept where it may be.
    CACHE.limit = 4 * turned.nbytes
    assert memory_of(lambda: turned[200], monkeypatch) > turned.nbytes


def memory_of(read: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """Most of what Python takes for a read, and all that comes from the system."""
    taken = 0
    new = memory.fresh

    def counted(nbytes: int) -> np.ndarray:
        nonlocal taken
        taken += nbytes
        return new(nbytes)

    memory.FRAMES.clear()
    memory.SCRATCH.clear()
    with monkeypatch.context() as patched:
        patched.setattr(memory, "fresh", counted)
        tracemalloc.start()
        read()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak + taken


def test_a_long_series_keeps_few_datasets_open(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for i in range(50):
            file.create_dataset(str(i), data=DATA[0] + i, chunks=DATA[0].shape)
    lazy = StackedArray([H5Array(path, f"/{i}") for i in range(50)])
    for i in (*range(50), 3, 2, 1):
        np.testing.assert_array_equal(lazy[i], DATA[0] + i)
    opened = h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_DATASET)
    names = [h5py.h5f.get_name(dataset) for dataset in opened]
    assert 0 < names.count(os.fsencode(path)) < 10


@pytest.mark.parametrize(
    "storage",
    [
        pytest.param({"compression": "gzip", "shuffle": True}, id="gzip"),
        pytest.param({"compression": "lzf", "fletcher32": True}, id="lzf"),
        pytest.param({"scaleoffset": 0}, id="scale and offset"),
        pytest.param(hdf5plugin.Bitshuffle(cname="lz4"), id="bitshuffle"),
        pytest.param(hdf5plugin.Blosc2(), id="blosc2"),
        pytest.param(hdf5plugin.Zstd(), id="zstd"),
        pytest.param(hdf5plugin.LZ4(), id="lz4"),
    ],
)
def test_filters_people_use_are_there(tmp_path: Path, storage: Any) -> None:
    path = chunked(tmp_path / "x.h5", **storage)
    np.testing.assert_array_equal(H5Array(path, "/a")[3], DATA[3])


def test_a_missing_filter_is_named_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_chunk((1, 4))
        # An optional filter may be missing when writing; claim it was used.
        layout.set_filter(NO_SUCH_FILTER, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((2, 4))
        dataset = h5py.h5d.create(
            file.id, b"a", h5py.h5t.NATIVE_UINT16, space, dcpl=layout
        )
        dataset.write_direct_chunk((0, 0), b"\x01" * 8, filter_mask=0)
    (signal,) = nef.read(path)
    with pytest.raises(nef.ReadError) as caught:
        signal.data[0]
    for word in (str(path), ":/a ", str(NO_SUCH_FILTER), "pip install", "hdf5plugin"):
        assert word in str(caught.value)


@pytest.mark.parametrize("storage", [{"compression": "gzip"}, {"fletcher32": True}])
def test_a_corrupt_chunk_is_named_and_the_rest_still_read(
    tmp_path: Path, storage: Any
) -> None:
    path = chunked(tmp_path / "x.h5", **storage)
    overwrite_chunks(path, (0, 0, 0), (0, 0, 48), (0, 32, 0), (0, 32, 48))
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data[1], DATA[1])
    with pytest.raises(nef.ReadError, match=r"x\.h5:/a cannot be read.*HDF5 says"):
        signal.data[7]
    np.testing.assert_array_equal(signal.data[0], DATA[0])
