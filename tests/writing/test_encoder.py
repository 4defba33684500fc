from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from pathlib import Path


# Parts of a block, whole blocks, and as many as make one or several pieces.
@pytest.mark.parametrize(
    "shape", [(1, 3), (7, 1), (64, 128), (512, 1024), (1021, 1031), (777, 2048)]
)
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">i2", "f4", "f8", "c16"])
def test_bitshuffle_is_what_the_plugin_makes_of_it(
    tmp_path: Path, shape: tuple[int, int], dtype: str
) -> None:
    frames = np.random.default_rng(0).poisson(40, (2, *shape)).astype(dtype)
    path = nef.write(
        tmp_path / "x.emd", nef.Signal("a", frames), compression="bitshuffle-lz4"
    )
    with h5py.File(path) as file, h5py.File(tmp_path / "by_hdf5.h5", "w") as other:
        ours = file["data/a/data"]
        theirs: Any = other.create_dataset(
            "data", data=frames, chunks=ours.chunks, **hdf5plugin.Bitshuffle()
        )
        for index in range(2):
            offset = (index, 0, 0)
            assert ours.id.read_direct_chunk(offset) == theirs.id.read_direct_chunk(
                offset
            )
        np.testing.assert_array_equal(ours[()], frames)


@pytest.mark.parametrize("compression", ["gzip", "bitshuffle-lz4", "zstd", "blosc2"])
@pytest.mark.parametrize("itemsize", [3, 6, 12, 20])
def test_elements_of_any_size_are_saved(
    tmp_path: Path, compression: Any, itemsize: int
) -> None:
    colours = np.dtype([(f"c{i}", "u1") for i in range(itemsize)])
    values = np.random.default_rng(0).integers(0, 9, (3, 511, 700, itemsize), "u1")
    frames = values.view(colours)[..., 0]
    path = tmp_path / "x.emd"
    nef.write(path, nef.Signal("a", frames), compression=compression, verify=True)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data/a/data"][()], frames)
