"""Chunks without filters, read where they lie, are what h5py reads."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emd_flatfield.errors import ReadError
from napari_emd_flatfield.lazy import CACHE, H5Array
from napari_emd_flatfield.lazy.files import SharedFile
from napari_emd_flatfield.lazy.rawchunks import RawChunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# One row of a chunk is worth reading without HDF5.
SHAPE, CHUNKS = (7, 300, 350), (3, 128, 160)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no preadv")


def layout(path: Path) -> RawChunks | None:
    """The layout of dataset d, where its chunks can be read without HDF5."""
    file = SharedFile.of(path)
    with file.held() as handle:
        found = RawChunks.of(file, "d", handle["d"])
    return found if found and found.places is not None else None


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A dataset and what is in it, the second chunk along each axis not written."""
    path = tmp_path_factory.mktemp("raw") / "a.h5"
    data = np.random.default_rng(0).integers(0, 60000, SHAPE).astype(">u2")
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("d", SHAPE, ">u2", chunks=CHUNKS, fillvalue=7)
        dataset[:3] = data[:3]
        dataset[3:, :128] = data[3:, :128]
        expected = dataset[...]
    assert np.all(expected[3:, 128:] == 7)
    return path, expected


@st.composite
def keys(draw: st.DrawFn) -> tuple[Any, ...]:
    def part(n: int) -> Any:
        ends = st.none() | st.integers(-n, n)
        step = st.none() | st.sampled_from([1, 2, 5, 70, -1, -3])
        return st.integers(-n, n - 1) | st.builds(slice, ends, ends, step)

    return tuple(draw(part(n)) for n in SHAPE)


@given(keys())
def test_any_selection(stored: Any, key: tuple[Any, ...]) -> None:
    path, expected = stored
    with H5Array(path, "d") as array:
        found = array[key]
        assert found.dtype == expected[key].dtype
        np.testing.assert_array_equal(found, expected[key])


def test_only_the_rows_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_emd_flatfield.lazy.descriptor import Descriptor

    data = np.arange(8 * 256 * 256, dtype="u2").reshape(8, 256, 256)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("d", data=data, chunks=(8, 128, 128))
    nbytes = []
    read = Descriptor.read

    def counted(self: Descriptor, offset: int, target: np.ndarray) -> None:
        nbytes.append(target.nbytes)
        read(self, offset, target)

    monkeypatch.setattr(Descriptor, "read", counted)
    CACHE.clear()
    with H5Array(tmp_path / "a.h5", "d") as array:
        np.testing.assert_array_equal(array[3], data[3])
        assert sum(nbytes) == data[3].nbytes
        # A column of each frame takes all there is: it is kept.
        np.testing.assert_array_equal(array[:, :, 5], data[:, :, 5])
        nbytes.clear()
        np.testing.assert_array_equal(array[:, :, 6], data[:, :, 6])
        assert not nbytes


def test_a_chunk_that_comes_later_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", (2, 128, 128), "u2", chunks=(1, 128, 128))
    with H5Array(path, "d") as array:
        assert np.all(array[1] == 0)
        with h5py.File(path, "r+") as file:
            file["d"][1] = 5
        assert np.all(array[1] == 5)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=np.ones((4, 128, 128)), chunks=(1, 128, 128))
    with H5Array(path, "d") as array:
        array[0]
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 1000)
        with pytest.raises(ReadError, match=r"a\.h5:d cannot be read"):
            array[3]


def test_what_does_not_lie_where_hdf5_says_is_left_to_it(tmp_path: Path) -> None:
    data = np.arange(4 * 128 * 128, dtype="u2").reshape(4, 128, 128)
    for name, more in {"plain": {}, "userblock": {"userblock_size": 512}}.items():
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w", **more) as file:
            file.create_dataset("d", data=data, chunks=(1, 128, 128))
        assert (layout(path) is None) == (name == "userblock")
        with H5Array(path, "d") as array:
            np.testing.assert_array_equal(array[2], data[2])
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["d"] = h5py.ExternalLink("plain.h5", "d")
    assert layout(tmp_path / "link.h5") is None
    with H5Array(tmp_path / "link.h5", "d") as array:
        np.testing.assert_array_equal(array[2], data[2])


def test_small_or_filtered_chunks_are_not_raw(tmp_path: Path) -> None:
    for name, options in {
        "small": {"chunks": (1, 64, 64)},
        "filtered": {"chunks": (1, 128, 128), "shuffle": True},
    }.items():
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file.create_dataset("d", (4, 128, 128), "u2", **options)
        assert layout(tmp_path / f"{name}.h5") is None
