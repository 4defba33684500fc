from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_truncated_file_is_called_so(tmp_path: Path, share: float) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["scan"] = np.zeros((10, 50, 60))
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.truncate(int(size * share))

    with pytest.raises(nef.FileOpenError, match=r"scan\.h5 .* truncated; copy it"):
        nef.read(path)
