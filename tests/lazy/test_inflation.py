"""Chunks that decode to far more than they may hold are refused, not decoded."""

from __future__ import annotations

import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import H5Array

if TYPE_CHECKING:
    from pathlib import Path

FILTERS: dict[str, dict[str, Any]] = {
    "gzip": {"compression": "gzip"},
    "gzip-shuffle": {"compression": "gzip", "shuffle": True},
    "gzip-fletcher": {"compression": "gzip", "fletcher32": True},
    "bitshuffle-lz4": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle-zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "blosc": dict(hdf5plugin.Blosc()),
    "blosc2": dict(hdf5plugin.Blosc2()),
    "lz4": dict(hdf5plugin.LZ4()),
    "zstd": dict(hdf5plugin.Zstd()),
}
LARGE = 2**27

READ = """
import resource, sys, napari_emd_flatfield as nef
from pathlib import Path
from napari_emd_flatfield.lazy import H5Array
array = H5Array(Path(sys.argv[1]), "d")
array[0]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    array[1]
except nef.ReadError as error:
    print(error)
array[2]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def bomb(path: Path, options: dict[str, Any]) -> bytes:
    """What a chunk of 128 MB is stored as."""
    with h5py.File(path, "w") as file:
        image = file.create_dataset("d", (LARGE,), "u1", chunks=(LARGE,), **options)
        image[:] = 0
        return bytes(image.id.read_direct_chunk((0,))[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kB by ru_maxrss")
@pytest.mark.parametrize("name", FILTERS)
def test_a_chunk_that_inflates_takes_no_memory(tmp_path: Path, name: str) -> None:
    stored = bomb(tmp_path / "bomb.h5", FILTERS[name])
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        image = file.create_dataset(
            "d", (3, 300, 300), "u1", chunks=(1, 300, 300), **FILTERS[name]
        )
        image[...] = 7
        image.id.write_direct_chunk((1, 0, 0), stored)
    done = subprocess.run(
        [sys.executable, "-c", READ, path], capture_output=True, text=True
    )
    assert done.stderr == ""
    said, megabytes = done.stdout.splitlines()
    assert "x.h5:d cannot be read: a chunk of 90000 bytes decodes to many" in said
    assert int(megabytes) < 32


def test_what_hdf5_decodes_is_looked_at_before(tmp_path: Path) -> None:
    stored = bomb(tmp_path / "bomb.h5", FILTERS["gzip"])
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        image = file.create_dataset(
            "d", (3, 60, 60), "u1", chunks=(1, 60, 60), compression="gzip"
        )
        image[...] = 7
        image.id.write_direct_chunk((1, 0, 0), stored)
    with pytest.raises(nef.ReadError, match="chunk of 3600 bytes decodes to many more"):
        H5Array(path, "d")[1]


def test_one_of_many_small_chunks_is_looked_at_before(tmp_path: Path) -> None:
    stored = bomb(tmp_path / "bomb.h5", FILTERS["gzip"])
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        shape = (1 + len(stored) // 4000, 60, 60)
        image = file.create_dataset(
            "d", shape, "u1", chunks=(1, 60, 60), compression="gzip"
        )
        image[...] = 7
        image.id.write_direct_chunk((1, 0, 0), stored)
    with pytest.raises(nef.ReadError, match="chunk of 3600 bytes decodes to many more"):
        H5Array(path, "d")[1]


@pytest.mark.parametrize("shape", [(1, 300, 300), (3, 20, 20)])
@pytest.mark.parametrize("name", FILTERS)
def test_what_cannot_be_compressed_is_no_bomb(
    tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (6, 300, 300)).astype("u1")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("d", data=noise, chunks=shape, **FILTERS[name])
    np.testing.assert_array_equal(H5Array(tmp_path / "x.h5", "d"), noise)


def test_a_chunk_stored_in_more_than_it_holds_is_read(tmp_path: Path) -> None:
    # As some programs that compress in small pieces do.
    image = np.random.default_rng(0).integers(0, 255, (300, 300)).astype("u1")
    packer = zlib.compressobj(0)
    pieces = [
        packer.compress(image.tobytes()[at : at + 9]) + packer.flush(zlib.Z_FULL_FLUSH)
        for at in range(0, image.size, 9)
    ]
    stored = b"".join(pieces) + packer.flush()
    assert len(stored) > 2 * image.size
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset(
            "d", image.shape, "u1", chunks=image.shape, compression="gzip"
        )
        dataset.id.write_direct_chunk((0, 0), stored)
    np.testing.assert_array_equal(H5Array(tmp_path / "x.h5", "d"), image)


@pytest.mark.parametrize("said", ["has 1000000000000 values", "decodes to many more"])
def test_what_describes_an_image_is_of_bounded_size(tmp_path: Path, said: str) -> None:
    path = tmp_path / "x.emd"
    nef.write(path, nef.Signal("raw", np.ones((3, 40, 50))))
    stored = zlib.compress(bytes(LARGE))
    with h5py.File(path, "r+") as file:
        group = file["data/raw"]
        del group["dim1"]
        if "values" in said:
            group.create_dataset("dim1", (10**12,), "f8", chunks=(1000,))
        else:
            dim = group.create_dataset(
                "dim1", (3,), "f8", chunks=(3,), compression="gzip"
            )
            dim.id.write_direct_chunk((0,), stored)
    with pytest.warns(UserWarning, match=rf"x\.emd:/data/raw is left out: .*{said}"):
        nef.read(path)
