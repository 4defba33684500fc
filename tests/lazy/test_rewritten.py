"""Files that are written to while signals of an earlier reading are alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, image: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["image"] = image


def test_a_file_rewritten_in_place_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "result.h5"
    write(path, np.zeros((3, 4, 5)))
    (before,) = nef.read(path)
    assert before.data[0].max() == 0

    write(path, np.full((7, 8, 9), 2.0))
    (after,) = nef.read(path)

    assert after.shape == (7, 8, 9)
    np.testing.assert_array_equal(after.data[6], np.full((8, 9), 2))


def test_a_file_that_has_grown_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("scan", data=np.zeros((2, 4, 5)), maxshape=(None, 4, 5))
    (before,) = nef.read(path)
    assert before.data[1].max() == 0

    with h5py.File(path, "a") as file:
        file["scan"].resize(5, axis=0)
        file["scan"][2:] = 7
    (after,) = nef.read(path)

    assert after.shape == (5, 4, 5)
    assert after.data[4].min() == 7
    assert before.data[1].max() == 0
