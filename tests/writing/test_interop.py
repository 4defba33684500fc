"""Files we write, as other programs read them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import emdfile
import numpy as np
import pytest
from ncempy.io import emd as ncem
from rsciio import emd as rsciio_emd
from tomviz_pipeline.io import emd as tomviz_emd

import napari_emd_flatfield as nef
from napari_emd_flatfield import Axis, Signal

if TYPE_CHECKING:
    from pathlib import Path

DATA = np.random.default_rng(0).integers(0, 900, (3, 4, 5)).astype("u2")
AXES = (
    Axis("angle", "deg", np.array([-60.0, 0, 60])),
    Axis("y", "nm", np.arange(4) * 0.5 + 2),
    Axis("x", "nm", np.arange(5) * 0.25),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    metadata = {"microscope": {"voltage": 300.0}, "user": {"name": "Ana"}}
    signals = [
        Signal("tomography", DATA, AXES, metadata=metadata),
        Signal("tomography_corrected", DATA / np.float32(2), AXES, metadata=metadata),
    ]
    return nef.write(tmp_path / "x.emd", signals)


def test_ncempy(path: Path) -> None:
    with ncem.fileEMD(path, readonly=True) as file:
        names = [group.name for group in file.list_emds]
        assert len(names) == 2
        data, dims = file.get_emdgroup(file.list_emds[0])
    np.testing.assert_array_equal(data, DATA)
    assert [(name, units) for _, name, units in dims] == [
        ("angle", "[deg]"),
        ("y", "[n_m]"),
        ("x", "[n_m]"),
    ]
    for (values, _, _), axis in zip(dims, AXES, strict=True):
        np.testing.assert_allclose(values, axis.values)


def test_rosettasciio_keeps_signals_apart_and_calibrated(path: Path) -> None:
    first, second = rsciio_emd.file_reader(path)
    # It reads EMD as HyperSpy writes it, with all axes reversed.
    np.testing.assert_array_equal(first["data"], DATA.T)
    np.testing.assert_array_equal(second["data"], (DATA / np.float32(2)).T)
    scales = {axis["name"]: (axis["scale"], axis["offset"]) for axis in first["axes"]}
    assert scales["y"] == pytest.approx((0.5, 2))
    assert scales["x"] == pytest.approx((0.25, 0))
    assert {axis["units"] for axis in first["axes"]} == {"deg", "nm"}


def test_emdfile(path: Path) -> None:
    root = emdfile.read(path)
    array = root.tree("1_tomography")
    np.testing.assert_array_equal(array.data, DATA)
    assert list(array.dim_names) == ["angle", "y", "x"]
    assert list(array.dim_units) == ["[deg]", "[n_m]", "[n_m]"]
    for values, axis in zip(array.dims, AXES, strict=True):
        np.testing.assert_allclose(values, axis.values)


def test_tomviz_sees_a_tilt_series(tmp_path: Path) -> None:
    angles = replace(AXES[0], name="angles")
    signal = Signal("tomography", DATA, (angles, *AXES[1:]))
    path = nef.write(tmp_path / "x.emd", signal)
    read = tomviz_emd._read_emd(path)
    (_, volume), *_ = read["arrays"]
    # It puts the tilt axis of a series last.
    np.testing.assert_array_equal(volume, DATA.transpose(2, 1, 0))
    assert read["tilt_axis"] == 2
    assert [str(dim.units) for dim in read["dims"]] == ["[n_m]", "[n_m]", "[deg]"]
    np.testing.assert_allclose(read["dims"][2].values, AXES[0].values)
