from __future__ import annotations

import subprocess
import sys
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


def test_a_file_with_something_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    for version in ("earliest", "latest"):
        with h5py.File(path, "w", userblock_size=1024, libver=version) as file:
            file["scan"] = np.ones((10, 50, 60))
        assert len(nef.read(path)) == 1
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with pytest.raises(nef.FileOpenError, match=r"truncated; .* \(1 bytes are"):
            nef.read(path)


@pytest.mark.parametrize("at", [11, 44])
def test_a_damaged_superblock_is_not_waited_for(tmp_path: Path, at: int) -> None:
    # In SWMR mode HDF5 tries again and again, for hours.
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file["scan"] = np.ones((10, 50, 60))
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 64
    path.write_bytes(damaged)
    program = "import sys, napari_emd_flatfield as nef; nef.read(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "FileOpenError" in done.stderr
    assert "scan.h5 cannot be opened" in done.stderr
