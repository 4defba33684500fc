from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from napari_emd_flatfield import ReadError
from napari_emd_flatfield.lazy import filters

PLUGINS = {
    "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "blosc": hdf5plugin.Blosc(),
    "blosc2": hdf5plugin.Blosc2(cname="zstd", clevel=1),
    "bzip2": hdf5plugin.BZip2(),
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
}


def chunk(dtype: str) -> np.ndarray:
    return np.random.default_rng(0).poisson(2, (80, 70)).astype(dtype)


def encoded(code: int, options: tuple[int, ...], data: np.ndarray) -> np.ndarray:
    def fill(memory: np.ndarray) -> None:
        memory.view(data.dtype).reshape(data.shape)[...] = data

    return filters.encode(code, options, data.nbytes, fill)


def stored_by_hdf5(
    path: Path, data: np.ndarray, options: Any
) -> tuple[int, tuple[int, ...], bytes]:
    """Have HDF5 itself encode: filter, its options and what is in the file."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", data=data, chunks=data.shape, **options)
        code, _, values, _ = dataset.id.get_create_plist().get_filter(0)
        mask, stored = dataset.id.read_direct_chunk((0, 0))
    assert mask == 0
    return code, values, stored


@pytest.mark.parametrize("dtype", ["u1", "u2", ">i4", "f4", "f8"])
@pytest.mark.parametrize("plugin", PLUGINS)
def test_filters_do_what_hdf5_does(tmp_path: Path, plugin: str, dtype: str) -> None:
    data = chunk(dtype)
    code, options, stored = stored_by_hdf5(tmp_path / "x.h5", data, PLUGINS[plugin])
    assert filters.available(code)
    assert encoded(code, options, data).tobytes() == stored
    decoded = filters.decode(code, options, np.frombuffer(stored, np.uint8))
    np.testing.assert_array_equal(decoded.view(dtype).reshape(data.shape), data)
    assert decoded.flags.writeable


def test_unknown_filters_are_not_available() -> None:
    assert not filters.available(1)
    assert not filters.available(65000)


@pytest.mark.parametrize("plugin", ["bitshuffle-lz4", "blosc2", "lz4", "zstd"])
def test_a_corrupt_chunk_is_an_error(tmp_path: Path, plugin: str) -> None:
    code, options, stored = stored_by_hdf5(
        tmp_path / "x.h5", chunk("u2"), PLUGINS[plugin]
    )
    spoilt = np.frombuffer(stored, np.uint8).copy()
    spoilt[12:] = 0xFF
    with pytest.raises(ReadError, match=f"filter {code} could not decode"):
        filters.decode(code, options, spoilt)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_returned() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    data = np.zeros(4 * 2**20, np.uint8)
    code = hdf5plugin.FILTERS["lz4"]
    before = resident()
    for _ in range(100):
        stored = encoded(code, (), data)
        filters.decode(code, (), stored)
    assert resident() - before < 100 * 2**20
