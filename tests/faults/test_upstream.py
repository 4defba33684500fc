"""Files kept because HDF5 does not survive them are refused before it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import napari_emd_flatfield as nef

KEPT = sorted((Path(__file__).parent / "upstream").glob("*.h5"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_it_is_refused(path: Path, tally: Any) -> None:
    with (
        tally("HDF5's own faults").fault(),
        pytest.raises(nef.FileOpenError, match=rf"{path.name} cannot be opened"),
    ):
        nef.read(path)
