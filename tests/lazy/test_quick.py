"""Chunks that HDF5 decodes sooner are left to it, if that does no harm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from napari_emd_flatfield.lazy import CACHE, H5Array, blocks, chunked
from napari_emd_flatfield.lazy.chunked import Chunked
from napari_emd_flatfield.lazy.files import SharedFile
from napari_emd_flatfield.lazy.quick import Quick

if TYPE_CHECKING:
    from pathlib import Path

BITSHUFFLE = dict(hdf5plugin.Bitshuffle(cname="lz4"))
DATA = np.random.default_rng(0).integers(0, 999, (16, 256, 256)).astype("u2")


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    CACHE.clear()


@pytest.fixture
def decoded_here(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Which chunks HDF5 did not decode, in order."""
    chunks: list[tuple[int, ...]] = []
    decode = Chunked._decode

    def counted(self: Chunked, index: tuple[int, ...], chunk: np.ndarray) -> Any:
        chunks.append(index)
        return decode(self, index, chunk)

    monkeypatch.setattr(Chunked, "_decode", counted)
    return chunks


def stack(path: Path, **options: Any) -> H5Array:
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=DATA, **options)
    return H5Array(path, "d")


@pytest.mark.parametrize(
    ("options", "below"),
    [
        ({"compression": "gzip", "shuffle": True}, 0),
        ({"compression": "gzip", "fletcher32": True}, 0),
        ({"shuffle": True}, 2**20),
        ({"shuffle": True, "fletcher32": True}, np.inf),
        (BITSHUFFLE, 2**22),
        ({**BITSHUFFLE, "fletcher32": True}, 2**22),
        (dict(hdf5plugin.Bitshuffle(cname="zstd")), 2**19),
        ({"shuffle": True, **hdf5plugin.Zstd()}, 2**19),
        ({"shuffle": True, "compression": "lzf"}, 2**17),
        (dict(hdf5plugin.BZip2()), 0),
    ],
)
def test_how_small_they_are(
    tmp_path: Path, options: dict[str, Any], below: float
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("d", (2, 9, 9), "u2", chunks=True, **options)
        assert Quick.of(dataset).below == below


def test_what_is_compressed_twice_is_not_left_to_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((1, 256, 256))
        created.set_filter(hdf5plugin.LZ4.filter_id)
        created.set_filter(hdf5plugin.Zstd.filter_id)
        space = h5py.h5s.create_simple(DATA.shape)
        h5py.h5d.create(file.id, b"d", h5py.h5t.NATIVE_UINT16, space, created)
        assert Quick.of(file["d"]).below == 0


def test_frames_are_left_to_hdf5_what_lies_across_is_not(
    tmp_path: Path, decoded_here: list[tuple[int, ...]]
) -> None:
    with stack(tmp_path / "a.h5", chunks=(1, 128, 256), **BITSHUFFLE) as array:
        for index in (3, 4, 5, 0):
            np.testing.assert_array_equal(array[index], DATA[index])
        assert not decoded_here
        for row in (7, 8):
            np.testing.assert_array_equal(array[:, row], DATA[:, row])
        assert sorted(decoded_here) == [(i, 0, 0) for i in range(16)]
        # What is kept is used.
        np.testing.assert_array_equal(array[3, :100], DATA[3, :100])
        assert len(decoded_here) == 16


def test_frames_of_a_chunk_of_many_are_kept(
    tmp_path: Path, decoded_here: list[tuple[int, ...]]
) -> None:
    with stack(tmp_path / "a.h5", chunks=(8, 256, 256), **BITSHUFFLE) as array:
        for index in range(16):
            np.testing.assert_array_equal(array[index], DATA[index])
        assert sorted(decoded_here) == [(0, 0, 0), (1, 0, 0)]


def test_a_chunk_stored_without_its_filter_is_not_left_to_hdf5(
    tmp_path: Path, decoded_here: list[tuple[int, ...]]
) -> None:
    # It begins as one would that decodes to far too much.
    frame = np.full((256, 256), 0xFFFF, "u2")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset(
            "d", data=DATA, chunks=(1, 256, 256), **BITSHUFFLE
        )
        dataset.id.write_direct_chunk((2, 0, 0), frame.tobytes(), 1)
    with H5Array(tmp_path / "a.h5", "d") as array:
        np.testing.assert_array_equal(array[1], DATA[1])
        np.testing.assert_array_equal(array[2], frame)
    assert decoded_here == [(2, 0, 0)]


def test_few_are_remembered_to_be_harmless(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    decoded_here: list[tuple[int, ...]],
) -> None:
    monkeypatch.setattr(chunked, "_MOST_KNOWN", 3)
    with stack(tmp_path / "a.h5", chunks=(1, 128, 128), **BITSHUFFLE) as array:
        for _ in range(2):
            np.testing.assert_array_equal(array[...], DATA)
            known: Any = array._seen[1]
            assert len(known._layout._harmless) <= 3
    assert not decoded_here


def test_what_hdf5_reads_slowly_is_read_ahead(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    decoded_here: list[tuple[int, ...]],
) -> None:
    monkeypatch.setattr(blocks, "_LEAST_AHEAD", DATA[0].nbytes)
    read = SharedFile.read

    def slowly(self: SharedFile, *args: Any) -> Any:
        time.sleep(0.005)
        return read(self, *args)

    monkeypatch.setattr(SharedFile, "read", slowly)
    with stack(tmp_path / "a.h5", chunks=(1, 256, 256), **BITSHUFFLE) as array:
        for index in range(12):
            np.testing.assert_array_equal(array[index], DATA[index])
        # Two steps tell where it goes.
        assert {(i, 0, 0) for i in range(3, 12)} <= set(decoded_here)
