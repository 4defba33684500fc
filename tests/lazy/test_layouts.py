"""Datasets as large as makes a difference, however stored, index as in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emd_flatfield.lazy import CACHE, H5Array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Frames of megabytes, rows that it is no use to read on over, chunks worth decoding
# in threads, blocks worth keeping.
STACK = np.random.default_rng(0).integers(0, 60_000, (6, 300, 4500)).astype("u2")
GZIP = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
STORED: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "raw chunks": {"chunks": (2, 100, 1000)},
    "gzip, a frame a chunk": {"chunks": (1, 300, 4500), **GZIP},
    "gzip, tiles": {"chunks": (4, 64, 256), **GZIP},
    "Bitshuffle, tiles": {"chunks": (1, 64, 256), **hdf5plugin.Bitshuffle()},
}


@pytest.fixture(scope="module", params=["plain", "behind a user block"])
def path(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A file that can be read without HDF5, and one that cannot."""
    path = tmp_path_factory.mktemp("layouts") / "x.h5"
    size = 512 if request.param == "behind a user block" else 0
    with h5py.File(path, "w", userblock_size=size) as file:
        for name, options in STORED.items():
            file.create_dataset(name, data=STACK, **options)
    return path


@pytest.fixture(autouse=True)
def _limit_as_before() -> Iterator[None]:
    before = CACHE.limit
    yield
    CACHE.limit = before


@st.composite
def keys(draw: st.DrawFn) -> tuple[Any, ...]:
    def part(n: int) -> Any:
        ends = st.none() | st.integers(-n, n)
        step = st.none() | st.sampled_from([1, 2, 7, 70, -1, -3])
        return st.integers(-n, n - 1) | st.builds(slice, ends, ends, step)

    return tuple(draw(part(n)) for n in STACK.shape)


@pytest.mark.parametrize("name", STORED)
@given(
    wanted=st.lists(keys(), min_size=1, max_size=4),
    limit=st.sampled_from([0, 10**5, 10**6, 10**8]),
)
def test_any_selections_with_any_memory(
    path: Path, name: str, wanted: list[tuple[Any, ...]], limit: int
) -> None:
    CACHE.limit = limit
    with H5Array(path, name) as array:
        for key in wanted:
            np.testing.assert_array_equal(array[key], STACK[key], strict=True)
        assert CACHE.nbytes <= limit


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("options", [{}, GZIP], ids=["raw", "gzip"])
@pytest.mark.parametrize("unlimited", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2), ()])
def test_chunks_are_where_they_are_whichever_axis_may_grow(
    tmp_path: Path, libver: str, options: dict[str, Any], unlimited: tuple[int, ...]
) -> None:
    stack = STACK[:, :, :400]
    limits = tuple(
        None if axis in unlimited else n + 7 for axis, n in enumerate(stack.shape)
    )
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset(
            "d", data=stack, chunks=(2, 110, 120), maxshape=limits, **options
        )
    with H5Array(path, "d") as array:
        np.testing.assert_array_equal(array[...], stack)
        np.testing.assert_array_equal(array[4, 100:290, 7:], stack[4, 100:290, 7:])
