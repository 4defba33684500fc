"""What tests of the lazy arrays share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_emd_flatfield.lazy.quick import Quick

if TYPE_CHECKING:
    import h5py


@pytest.fixture(params=["by us", "by HDF5 where it is sooner"])
def decoded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small chunks are decoded as large ones are, or as is usual."""

    def none(_cls: type[Quick], _dataset: h5py.Dataset) -> Quick:
        return Quick(0, 0, ())

    if request.param == "by us":
        monkeypatch.setattr(Quick, "of", classmethod(none))
