"""What happens under an array when its file is replaced, rewritten or gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import H5Array

if TYPE_CHECKING:
    from pathlib import Path

OLD = np.arange(60, dtype="u2").reshape(3, 4, 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "x.h5", OLD)


def written(path: Path, data: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["a"] = data
    return path


def replace(path: Path, data: np.ndarray) -> None:
    os.replace(written(path.with_name("new.h5"), data), path)  # noqa: PTH105


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps open files in place")
def test_a_replaced_file_is_still_shown_to_those_who_had_it(path: Path) -> None:
    lazy = H5Array(path, "/a")
    replace(path, OLD[::-1])
    np.testing.assert_array_equal(lazy, OLD)
    np.testing.assert_array_equal(H5Array(path, "/a"), OLD[::-1])
    np.testing.assert_array_equal(lazy, OLD)


def test_a_file_replaced_while_closed_is_not_taken_for_the_old_one(path: Path) -> None:
    lazy = H5Array(path, "/a")
    lazy.close()
    replace(path, OLD + 1)
    with pytest.raises(nef.ReadError, match=r"x\.h5.*replaced.*open it again"):
        lazy[0]
    np.testing.assert_array_equal(H5Array(path, "/a"), OLD + 1)


def test_a_vanished_file_is_named(path: Path) -> None:
    lazy = H5Array(path, "/a")
    lazy.close()
    path.unlink()
    with pytest.raises(nef.ReadError, match=r"x\.h5:/a cannot be read.*does not exist"):
        lazy[0]


def test_a_file_that_is_hdf5_no_more_is_named(path: Path) -> None:
    lazy = H5Array(path, "/a")
    lazy.close()
    path.write_bytes(b"overwritten")
    with pytest.raises(
        nef.ReadError, match=r"x\.h5:/a cannot be read.*not an HDF5 file"
    ):
        lazy[0]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OLD[:1], id="fewer frames"),
        pytest.param(OLD[:, :, :2], id="smaller frames"),
        pytest.param(OLD.astype("f8"), id="another dtype"),
        pytest.param(OLD[0], id="fewer axes"),
        pytest.param(OLD[..., np.newaxis], id="more axes"),
    ],
)
def test_a_dataset_rewritten_in_place_never_gives_a_wrong_shape(
    path: Path, data: np.ndarray
) -> None:
    lazy = H5Array(path, "/a")
    lazy.close()
    written(path, data)
    with pytest.raises(nef.ReadError, match=r"x\.h5:/a"):
        lazy[...]


def test_a_group_where_a_dataset_was_is_named(path: Path) -> None:
    lazy = H5Array(path, "/a")
    lazy.close()
    with h5py.File(path, "r+") as file:
        del file["a"]
        file.create_group("a")
    with pytest.raises(nef.ReadError, match=r"x\.h5 no longer has a dataset /a"):
        lazy[0]


def test_a_deleted_dataset_is_named(path: Path) -> None:
    lazy = H5Array(path, "/a")
    lazy.close()
    with h5py.File(path, "r+") as file:
        del file["a"]
    with pytest.raises(nef.ReadError, match=r"x\.h5 no longer has a dataset /a"):
        lazy[0]


def test_no_array_of_what_is_no_dataset(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group("group")
    for name in ("/group", "/nothing"):
        with pytest.raises(nef.ReadError, match=f"x.h5 has no dataset {name}"):
            H5Array(path, name)


def test_frames_added_later_change_nothing(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=OLD, maxshape=(None, 4, 5))
    lazy = H5Array(path, "/a")
    lazy.close()
    with h5py.File(path, "r+") as file:
        file["a"].resize(6, 0)
    assert lazy.shape == OLD.shape
    np.testing.assert_array_equal(lazy, OLD)
