"""Dim vectors in every state they are found in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from ncempy.io import emd as ncem

import napari_emd_flatfield as nef
from factories import berkeley
from napari_emd_flatfield import Axis

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)
FOUR = np.arange(4.0)
PIXELS = Axis.index(4, "x")


def axis_of(path: Path, dim: Any, attributes: Any = None) -> Axis:
    """Read what a dim vector of the last of two axes, four long, makes of it."""
    given = {"name": "x", "units": "[n_m]"} if attributes is None else attributes
    berkeley(path, IMAGE, [(np.arange(3), {}), (dim, given)])
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, IMAGE)
    return signal.axes[1]


@pytest.mark.parametrize(
    ("dim", "values"),
    [
        pytest.param(0.5 * FOUR + 2, [2, 2.5, 3, 3.5], id="(n,)"),
        pytest.param(0.5 * FOUR[:, np.newaxis], [0, 0.5, 1, 1.5], id="(n, 1)"),
        pytest.param(0.5 * FOUR[np.newaxis, :], [0, 0.5, 1, 1.5], id="(1, n)"),
        pytest.param([2.0, 2.5], [2, 2.5, 3, 3.5], id="first two"),
        pytest.param([[2.0], [2.5]], [2, 2.5, 3, 3.5], id="first two in a column"),
        pytest.param([1.0, 3.0, 5.0], [1, 3, 5, 7], id="too short"),
        pytest.param(2 * np.arange(9.0), [0, 2, 4, 6], id="too long"),
        pytest.param(np.arange(9.0) ** 2, [0, 1, 4, 9], id="too long, uneven"),
        pytest.param([3.0, 2, 1, 0], [3, 2, 1, 0], id="decreasing"),
        pytest.param([2.0, 1.0], [2, 1, 0, -1], id="first two, decreasing"),
        pytest.param([0, 100, 299, 300], [0, 100, 299, 300], id="uneven"),
        pytest.param([0.0, 0, 1, 1], [0, 0, 1, 1], id="in pairs"),
        pytest.param(FOUR.astype(">f4"), FOUR, id="big-endian"),
        pytest.param(FOUR.astype("f2"), FOUR, id="half floats"),
        pytest.param(FOUR.astype("u8"), FOUR, id="unsigned"),
        pytest.param(FOUR.astype("i1"), FOUR, id="bytes"),
        pytest.param([-1e308, 0, 1, 1e308], [-1e308, 0, 1, 1e308], id="huge"),
    ],
)
def test_what_calibrates(tmp_path: Path, dim: Any, values: Any) -> None:
    assert axis_of(tmp_path / "x.emd", dim) == Axis("x", "nm", values)


@pytest.mark.parametrize(
    "dim",
    [
        pytest.param(5.0, id="scalar"),
        pytest.param([5.0], id="one value"),
        pytest.param(np.zeros(4), id="zeros"),
        pytest.param([7.0, 7.0], id="first two, equal"),
        pytest.param([7.0, 7.0, 8.0], id="too short, no step"),
        pytest.param(np.full(4, np.nan), id="NaN"),
        pytest.param([0, np.nan, 2, 3], id="NaN inside"),
        pytest.param([np.nan, 1.0], id="first two, NaN"),
        pytest.param([0, 1, np.inf, 3], id="infinite"),
        pytest.param(np.zeros(0), id="no values"),
        pytest.param(h5py.Empty("f8"), id="empty"),
        pytest.param(1j * FOUR, id="complex"),
        pytest.param(np.zeros(4, [("a", "f4")]), id="compound"),
        pytest.param(np.bytes_("x"), id="text"),
    ],
)
def test_what_does_not_calibrates_nothing(tmp_path: Path, dim: Any) -> None:
    assert axis_of(tmp_path / "x.emd", dim) == PIXELS


def test_no_dim_vector_at_all(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE)
    (signal,) = nef.read(path)
    assert signal.axes == (Axis.index(3), Axis.index(4))


def test_a_group_where_a_dim_vector_belongs(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, [(FOUR[:3], {"name": "y"})])
    with h5py.File(path, "r+") as file:
        file["data/image"].create_group("dim2")
    (signal,) = nef.read(path)
    assert signal.axes == (Axis("y", "", FOUR[:3]), Axis.index(4))


def test_one_image_keeps_where_it_lies(tmp_path: Path) -> None:
    dims = [([45.0], {"name": "angle", "units": "[deg]"})]
    path = berkeley(tmp_path / "x.emd", IMAGE[np.newaxis], dims)
    (signal,) = nef.read(path)
    angle = signal.axes[0]
    assert (angle.offset, angle.scale, angle.units) == (45, 1, "deg")


def test_dims_counted_from_zero(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE)
    with h5py.File(path, "r+") as file:
        file["data/image/dim0"], file["data/image/dim1"] = 2 * FOUR[:3], 3 * FOUR
    (signal,) = nef.read(path)
    assert [axis.scale for axis in signal.axes] == [2, 3]


@pytest.mark.parametrize(
    ("attributes", "name", "units"),
    [
        pytest.param({"name": "x", "units": "[n_m]"}, "x", "nm", id="str"),
        pytest.param(
            {"name": np.bytes_("x"), "units": np.bytes_("[n_m]")}, "x", "nm", id="bytes"
        ),
        pytest.param(
            {"name": np.array([b"x"]), "units": np.array([b"[n_m]"])},
            *("x", "nm"),
            id="arrays of bytes",
        ),
        pytest.param(
            {
                "name": np.array(["x"], h5py.string_dtype()),
                "units": np.array(["[n_m]"], h5py.string_dtype()),
            },
            *("x", "nm"),
            id="arrays of str",
        ),
        pytest.param(
            {"name": np.bytes_("µ".encode()), "units": np.bytes_("µm".encode())},
            *("µ", "µm"),
            id="UTF-8 bytes",
        ),
        pytest.param(
            {"name": np.bytes_(b"\xb5"), "units": np.bytes_(b"\xb5m")},
            *("µ", "µm"),
            id="latin-1 bytes",
        ),
        pytest.param({"units": "nm"}, "", "nm", id="no name"),
        pytest.param({"name": "x"}, "x", "", id="no units"),
        pytest.param({}, "", "", id="neither"),
        pytest.param({"name": "x", "unit": "nm"}, "x", "nm", id="unit"),
        pytest.param({"name": "", "units": ""}, "", "", id="blank"),
        pytest.param(
            {"name": h5py.Empty("S1"), "units": h5py.Empty("S1")}, "", "", id="empty"
        ),
        pytest.param(
            {"name": np.zeros(0, "S1"), "units": np.zeros(0, "S1")}, "", "", id="none"
        ),
        pytest.param({"name": 3, "units": 1}, "3", "", id="numbers"),
        pytest.param({"name": "x", "units": "a.u."}, "x", "a.u.", id="unknown unit"),
    ],
)
def test_names_and_units_however_stored(
    tmp_path: Path, attributes: Any, name: str, units: str
) -> None:
    axis = axis_of(tmp_path / "x.emd", 0.5 * FOUR, attributes)
    assert axis == Axis(name, units, 0.5 * FOUR)


def test_latin_1_text_of_variable_length(tmp_path: Path) -> None:
    path = berkeley(tmp_path / "x.emd", IMAGE, [None, (FOUR, {"name": "x"})])
    with h5py.File(path, "r+") as file:
        dim = file["data/image/dim2"]
        dim.attrs.create("units", b"\xb5m", dtype=h5py.string_dtype())
    (signal,) = nef.read(path)
    assert signal.axes[1].units == "µm"


@pytest.mark.parametrize("shape", [(6,), (6, 1), (2,)])
def test_coordinates_are_those_ncempy_reads(tmp_path: Path, shape: Any) -> None:
    path = tmp_path / "x.emd"
    values = np.linspace(-3, 7, int(np.prod(shape))).reshape(shape)
    dims = [(values, {"name": name, "units": "nm"}) for name in ("y", "x")]
    berkeley(path, np.zeros((6, 6)), dims)
    (signal,) = nef.read(path)
    with ncem.fileEMD(path) as file:
        _, truth = file.get_emdgroup(file.list_emds[0])
    for axis, (vector, name, units) in zip(signal.axes, truth, strict=True):
        stored = np.ravel(vector)
        np.testing.assert_array_equal(axis.values[: len(stored)], stored)
        assert (axis.name, axis.units) == (name, units)


def test_an_acquisition_without_frames_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        group = file.create_group("data/stopped")
        group.attrs["emd_group_type"] = 1
        group.create_dataset("data", (0, 4, 5), "u2")
        group["dim1"] = np.empty(0)
    with pytest.raises(nef.NoSignalError, match="holds no image"):
        nef.read(path)
