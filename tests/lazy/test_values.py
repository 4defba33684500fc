"""Lazy arrays behave as values: converted, copied and sent as any other."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from napari_emd_flatfield.lazy import (
    H5Array,
    LazyArray,
    PartArray,
    StackedArray,
    adapt,
)

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = np.random.default_rng(0).integers(0, 60_000, (4, 5, 6)).astype("u2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["counts"], file["wave"] = COUNTS, COUNTS * (1 - 1j)
        file.create_dataset("chunked", data=COUNTS, chunks=(2, 5, 3))
    return tmp_path / "x.h5"


@pytest.fixture
def lazy(path: Path) -> LazyArray:
    return H5Array(path, "/counts")


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8", ">i4", "c8"])
def test_asarray_converts(lazy: LazyArray, dtype: str) -> None:
    array = np.asarray(lazy, dtype=dtype)
    assert array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(array, COUNTS.astype(dtype))


def test_array_is_a_copy_each_time(lazy: LazyArray) -> None:
    first, second = np.array(lazy, copy=True), np.asarray(lazy)
    first[...] = 0
    np.testing.assert_array_equal(second, COUNTS)


def test_no_array_without_a_copy(lazy: LazyArray) -> None:
    with pytest.raises(ValueError, match="copy"):
        lazy.__array__(copy=False)


def test_copies_share_the_source(lazy: LazyArray) -> None:
    assert copy.copy(lazy) is lazy
    assert copy.deepcopy(lazy) is lazy
    assert copy.deepcopy({"data": [lazy]})["data"][0] is lazy


def test_pickled_it_reads_in_another_process(path: Path) -> None:
    counts, wave = H5Array(path, "/counts"), H5Array(path, "/wave")
    arrays = [
        counts,
        counts.transpose(2, 0, 1),
        StackedArray([counts, counts]),
        PartArray(wave, "imaginary").transpose(),
        adapt(COUNTS),
    ]
    program = (
        "import pickle, sys; arrays = pickle.load(sys.stdin.buffer);"
        "pickle.dump([a[1] for a in arrays], sys.stdout.buffer)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(arrays),
        stdout=subprocess.PIPE,
        check=True,
    )
    expected = [
        COUNTS[1],
        COUNTS.transpose(2, 0, 1)[1],
        COUNTS,
        (-COUNTS.astype("f8")).T[1],
        COUNTS[1],
    ]
    for found, truth in zip(pickle.loads(process.stdout), expected, strict=True):
        np.testing.assert_array_equal(found, truth)


def test_a_pickle_holds_no_data(lazy: LazyArray) -> None:
    lazy[...]
    assert len(pickle.dumps(lazy)) < COUNTS.nbytes


def test_unpickled_in_one_process_it_shares_the_file(path: Path) -> None:
    lazy = H5Array(path, "/counts")
    other = pickle.loads(pickle.dumps(lazy))
    assert other._file is lazy._file


def test_a_view_with_its_axes_in_order_is_the_array(lazy: LazyArray) -> None:
    assert lazy.transpose(0, 1, 2) is lazy
    assert adapt(lazy) is lazy


def test_chunks_follow_the_axes(path: Path) -> None:
    chunked = H5Array(path, "/chunked")
    assert chunked.chunks == (2, 5, 3)
    assert chunked.transpose(2, 0, 1).chunks == (3, 2, 5)
    assert StackedArray([chunked, chunked]).chunks == (1, 2, 5, 3)


def test_a_frame_is_the_chunk_of_what_has_none(lazy: LazyArray) -> None:
    assert lazy.chunks == (1, 5, 6)
    assert adapt(COUNTS).chunks == (1, 5, 6)


def test_it_says_what_it_is(lazy: LazyArray) -> None:
    assert repr(lazy) == "<H5Array (4, 5, 6) uint16>"
