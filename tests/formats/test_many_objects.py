"""A file of endlessly many objects: the first are looked at, others when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef
from napari_emd_flatfield.formats import tree

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tree, "_MOST_NAMES", 20)
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        file["a"] = IMAGE
        for i in range(30):
            file[f"groups/{i:02}/image"] = IMAGE + i
        file["z"] = IMAGE
    return path


def test_the_first_are_looked_at(path: Path) -> None:
    with pytest.warns(UserWarning, match=r"many\.h5 holds more than 20 objects"):
        found = nef.read(path)
    assert {"/a", "/z"} <= {signal.dataset for signal in found}


@pytest.mark.parametrize("asked", ["/groups/28/image", "groups/28", "/groups/28/"])
def test_what_is_asked_for_is_found(path: Path, asked: str) -> None:
    with pytest.warns(UserWarning, match="holds more than 20 objects"):
        (signal,) = nef.read(path, dataset=asked)
    np.testing.assert_array_equal(signal.data, IMAGE + 28)


def test_few_are_all_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_MOST_NAMES", 3)
    with h5py.File(tmp_path / "few.h5", "w") as file:
        for name in "abc":
            file[name] = IMAGE
    assert len(nef.read(tmp_path / "few.h5")) == 3
