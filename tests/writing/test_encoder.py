from __future__ import annotations

from typing import TYPE_CHECKING, Any

import blosc2
import h5py
import hdf5plugin
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import filters

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


SHAPES = [(2048, 1000), (2047, 509), (619, 1031), (195, 487), (100, 7000), (7, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">i2", "f4", "f8", "c16"])
def test_blosc2_tells_the_shape_of_chunks(
    tmp_path: Path, shape: tuple[int, int], dtype: str
) -> None:
    counts = np.random.default_rng(0).poisson(40, (2, *shape)).astype(dtype)
    counts[1] = 0  # Blosc2 does not store a value that is all there is
    path = nef.write(
        tmp_path / "x.emd", nef.Signal("a", counts), compression="blosc2", verify=True
    )
    with h5py.File(path) as file:
        data = file["data/a/data"]
        np.testing.assert_array_equal(data[()], counts)
        for index in range(2):
            _, stored = data.id.read_direct_chunk((index, 0, 0))
            chunk = blosc2.ndarray_from_cframe(stored)
            assert chunk.shape == chunk.chunks == (1, *shape)
            part = np.s_[:, shape[0] // 3 : shape[0] // 2 + 1, 1:-1]
            expected = counts[index : index + 1][part]
            assert chunk[part].tobytes() == expected.tobytes()


def test_blosc2_blocks_are_whole_rows(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).normal(size=(1, 2048, 1000)).astype("f4")
    path = nef.write(tmp_path / "x.emd", nef.Signal("a", frames), compression="blosc2")
    with h5py.File(path) as file:
        _, stored = file["data/a/data"].id.read_direct_chunk((0, 0, 0))
    assert blosc2.ndarray_from_cframe(stored).blocks == (1, 32, 1000)


def test_blosc2_of_an_unknown_kind_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    encode = filters.encode

    def with_a_layer(code: int, options: Any, *more: Any) -> np.ndarray:
        return encode(code, (*options, 3, 1, 64, 64), *more)

    monkeypatch.setattr(filters, "encode", with_a_layer)
    frames = nef.Signal("a", np.ones((1, 64, 64), "f4"))
    with pytest.raises(nef.WriteError, match="unknown kind; use compression='gzip'"):
        nef.write(tmp_path / "x.emd", frames, compression="blosc2")


def test_blosc2_cannot_take_large_values(tmp_path: Path) -> None:
    frames = np.zeros((2, 64, 64), "S256")
    signal = nef.Signal("a", frames.view("V256"))
    with pytest.raises(nef.WriteError, match="256 bytes; use compression='gzip'"):
        nef.write(tmp_path / "x.emd", signal, compression="blosc2")


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
