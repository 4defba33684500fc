"""Files that are written to while signals of an earlier reading are alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

import napari_emd_flatfield as nef
from napari_emd_flatfield.lazy import H5Array
from napari_emd_flatfield.lazy.blocks import Blocks

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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


def test_a_read_that_was_overtaken_by_a_new_file_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(value: int, before: int) -> None:
        with h5py.File(tmp_path / "new.h5", "w") as file:
            file["before"] = np.zeros(before, "u1")
            data = np.full((4, 300, 300), value, "u2")
            file.create_dataset("d", data=data, chunks=(4, 64, 64), shuffle=True)
        (tmp_path / "a.h5").write_bytes((tmp_path / "new.h5").read_bytes())

    save(1, 100)
    array = H5Array(tmp_path / "a.h5", "d")
    assert array[3].max() == 1
    read = Blocks.read

    def overtaken(blocks: Blocks, *arguments: Any) -> np.ndarray:
        monkeypatch.setattr(Blocks, "read", read)
        save(2, 5000)  # what was looked at lies elsewhere now
        array._file.opening()  # as any other array on the file does
        return read(blocks, *arguments)

    monkeypatch.setattr(Blocks, "read", overtaken)
    for _ in range(2):
        np.testing.assert_array_equal(array[0], np.full((300, 300), 2))
    array.close()


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
