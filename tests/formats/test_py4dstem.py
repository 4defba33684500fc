"""py4DSTEM up to 0.12, and Prismatic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emd_flatfield import Signal

random = np.random.default_rng(4)
CUBE = random.integers(0, 900, (2, 3, 4, 5)).astype("u2")
SLICES = random.normal(size=(2, 3, 4)).astype("f4")
WAVE = (random.normal(size=(2, 3)) + 1j * random.normal(size=(2, 3))).astype("c8")


def described(signal: Signal) -> list[tuple[str, str, float, float]]:
    return [(a.name, a.units, a.offset, pytest.approx(a.scale)) for a in signal.axes]


def write_slice(
    parent: h5py.Group, path: str, key: str, data: Any, dims: list[tuple[Any, str, str]]
) -> h5py.Group:
    group = parent.create_group(path)
    group.attrs["emd_group_type"] = 1
    if data is not None:
        group[key] = data
    for i, (values, name, units) in enumerate(dims, 1):
        group[f"dim{i}"] = values
        group[f"dim{i}"].attrs["name"] = np.bytes_(name)
        group[f"dim{i}"].attrs["units"] = np.bytes_(units.encode())
    return group


def top_group(file: h5py.File, name: str, version: tuple[int, int]) -> h5py.Group:
    top = file.create_group(name)
    top.attrs["emd_group_type"] = 2
    top.attrs["version_major"], top.attrs["version_minor"] = version
    for kind in ("datacubes", "realslices", "diffractionslices", "pointlists"):
        top.create_group(f"data/{kind}")
    return top


@pytest.mark.parametrize(
    ("version", "keys"),
    [((0, 5), ("datacube", "realslice")), ((0, 12), ("data", "data"))],
)
def test_py4dstem(
    tmp_path: Path, version: tuple[int, int], keys: tuple[str, str]
) -> None:
    names = ("R_x", "R_y", "Q_x", "Q_y")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        top = top_group(file, "4DSTEM_experiment", version)
        dims = [
            (np.arange(n), name, "[pix]")
            for n, name in zip(CUBE.shape, names, strict=True)
        ]
        write_slice(top, "data/datacubes/scan", keys[0], CUBE, dims)
        labels = np.array([b"e_xx", b"e_yy", b"e_xy", b"mask"], "S64")
        stacked = [*dims[:2], (labels, "", "")]
        write_slice(top, "data/realslices/strain", keys[1], SLICES, stacked)
        peaks = write_slice(top, "data/pointlists/peaks", "", None, [])
        peaks["qx/data"] = np.arange(3.0)
        calibration = top.create_group("metadata/calibration")
        calibration["R_pixel_size"], calibration["R_pixel_units"] = 0.5, "nm"
        calibration["Q_pixel_size"], calibration["Q_pixel_units"] = 0.02, "A^-1"
        top.create_group("metadata/microscope").attrs["voltage"] = 300
    scan, strain = nef.read(tmp_path / "x.h5")
    np.testing.assert_array_equal(scan.data, CUBE.transpose(1, 0, 3, 2))
    assert described(scan) == [
        ("R_y", "nm", 0, 0.5),
        ("R_x", "nm", 0, 0.5),
        ("Q_y", "1/Å", 0, 0.02),
        ("Q_x", "1/Å", 0, 0.02),
    ]
    assert scan.metadata["microscope"] == {"voltage": 300}
    np.testing.assert_array_equal(strain.data, SLICES.transpose(2, 1, 0))
    assert strain.metadata["labels"] == ["e_xx", "e_yy", "e_xy", "mask"]
    assert described(strain)[1:] == [("R_y", "nm", 0, 0.5), ("R_x", "nm", 0, 0.5)]


def test_dims_hold_where_nothing_was_calibrated(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        top = top_group(file, "4DSTEM_experiment", (0, 12))
        dims = [(np.arange(2), "R_x", "[pix]"), (np.arange(3), "R_y", "[pix]")]
        write_slice(top, "data/realslices/a", "data", SLICES[..., 0], dims)
        calibration = top.create_group("metadata/calibration")
        calibration.attrs.update(R_pixel_size=1, R_pixel_units="pixels")
    (signal,) = nef.read(tmp_path / "x.h5")
    np.testing.assert_array_equal(signal.data, SLICES[..., 0].T)
    assert described(signal) == [("R_y", "pixel", 0, 1), ("R_x", "pixel", 0, 1)]


def scan_dims(length: str) -> list[tuple[Any, str, str]]:
    return [
        (0.25 * np.arange(2, dtype="f4"), "R_x", length),
        (0.25 * np.arange(3, dtype="f4"), "R_y", length),
    ]


def test_prismatic_that_says_nm_means_angstrom(tmp_path: Path) -> None:
    # Outer angles of bins 1 mrad wide, as it stores them under the name of mrad.
    angles = 1e-3 * (np.arange(4, dtype="f4") + 0.5)
    with h5py.File(tmp_path / "x.emd", "w") as file:
        top = top_group(file, "4DSTEM_simulation", (0, 5))
        write_slice(
            top,
            "data/realslices/virtual_detector_depth0000",
            "realslice",
            SLICES,
            [*scan_dims("[n_m]"), (angles, "bin_outer_angle", "[mrad]")],
        )
        parameters = "metadata/metadata_0/original/simulation_parameters"
        top.create_group(parameters).attrs["d"] = 1.0
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, SLICES.transpose(2, 1, 0))
    assert signal.name == "virtual_detector_depth0000"
    assert described(signal) == [
        ("bin_outer_angle", "rad", pytest.approx(0.5e-3), 1e-3),
        ("R_y", "Å", 0, 0.25),
        ("R_x", "Å", 0, 0.25),
    ]
    simulation = signal.metadata["metadata_0"]["original"]["simulation_parameters"]
    assert simulation == {"d": 1.0}


def test_prismatic_that_says_angstrom_is_right(tmp_path: Path) -> None:
    angles = np.arange(4, dtype="f4") + 0.5
    with h5py.File(tmp_path / "x.emd", "w") as file:
        top = top_group(file, "4DSTEM_simulation", (0, 9))
        dims = [*scan_dims("[Å]"), (angles, "bin_outer_angle", "[mrad]")]
        group = write_slice(top, "data/realslices/vd_depth0000", "data", SLICES, dims)
        group.attrs["output_depth"] = 12.5
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, SLICES.transpose(2, 1, 0))
    assert [axis.units for axis in signal.axes] == ["mrad", "Å", "Å"]
    assert signal.axes[0].scale == 1
    assert signal.metadata["output_depth"] == 12.5


@pytest.mark.parametrize(
    ("component", "function"),
    [
        ("modulus", np.abs),
        ("phase", np.angle),
        ("real", np.real),
        ("imaginary", np.imag),
    ],
)
def test_prismatic_complex_waves(tmp_path: Path, component: Any, function: Any) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        top = top_group(file, "4DSTEM_simulation", (0, 9))
        write_slice(top, "data/realslices/wave", "data", WAVE, scan_dims("[Å]"))
        assert file["4DSTEM_simulation/data/realslices/wave/data"].dtype == "c8"
    (signal,) = nef.read(tmp_path / "x.emd", component=component)
    np.testing.assert_array_equal(signal.data, function(WAVE).T)
    assert signal.dtype == np.float32
    assert signal.metadata["component"] == component


def test_prismatic_names_the_images_of_a_center_of_mass(tmp_path: Path) -> None:
    labels = np.array([b"DPC_CoM_x", b"DPC_CoM_y"], "S256")
    with h5py.File(tmp_path / "x.emd", "w") as file:
        top = top_group(file, "4DSTEM_simulation", (0, 9))
        dims = [*scan_dims("[Å]"), (labels, "X/Y", "[none]")]
        write_slice(top, "data/realslices/DPC", "data", SLICES[..., :2], dims)
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, SLICES[..., :2].transpose(2, 1, 0))
    assert signal.metadata["labels"] == ["DPC_CoM_x", "DPC_CoM_y"]
    assert [axis.name for axis in signal.axes] == ["X/Y", "R_y", "R_x"]


def test_prismatic_virtual_stacks(tmp_path: Path) -> None:
    """A depth series, and images sorted by beam tilt with tilts that lack one."""
    tilts = np.array([[0.0, 0], [0, 1], [1, 0], [2, 1]])
    with h5py.File(tmp_path / "x.emd", "w") as file:
        top = top_group(file, "4DSTEM_simulation", (0, 9))
        dims = [*scan_dims("[Å]"), (tilts, "Tilts", "[mrad]")]
        write_slice(top, "data/realslices/HRTEM", "data", SLICES, dims)
        source = h5py.VirtualSource(
            ".", "/4DSTEM_simulation/data/realslices/HRTEM/data", SLICES.shape
        )

        grid = h5py.VirtualLayout((2, 3, 3, 2), "f4")
        for i, (x, y) in enumerate(tilts.astype(int)):
            grid[:, :, x, y] = source[:, :, i]
        axes = [([0.0, 1, 2], "Tilt_x", "[mrad]"), ([0.0, 1], "Tilt_y", "[mrad]")]
        virtual = write_slice(
            top, "data/datacubes/HRTEM_virtual", "", None, [*scan_dims("[Å]"), *axes]
        )
        virtual.create_virtual_dataset("data", grid, fillvalue=np.nan)

        series = h5py.VirtualLayout((2, 3, 4, 1), "f4")
        series[..., 0] = source
        group = top.create_group("data/supergroups/series")
        group.attrs["emd_group_type"] = 3
        group.create_virtual_dataset("supergroup", series)
        for name in ("dim1", "dim2", "dim3"):
            top.copy(f"data/realslices/HRTEM/{name}", group, name)
        group["sgdim1"] = [20.0]
        group["sgdim1"].attrs.update(name="Depth", units="[Å]")
    signals = {signal.name: signal for signal in nef.read(tmp_path / "x.emd")}
    beams, by_tilt = signals["HRTEM"], signals["HRTEM_virtual"]
    assert beams.metadata["labels"] == tilts.tolist()
    np.testing.assert_array_equal(beams.data, SLICES.transpose(2, 1, 0))

    truth = np.full((2, 3, 3, 2), np.nan, "f4")
    for i, (x, y) in enumerate(tilts.astype(int)):
        truth[:, :, x, y] = SLICES[:, :, i]
    # The image is in real space; the tilts are what it was taken at.
    np.testing.assert_array_equal(by_tilt.data, truth.transpose(3, 2, 1, 0))
    assert described(by_tilt) == [
        ("Tilt_y", "mrad", 0, 1),
        ("Tilt_x", "mrad", 0, 1),
        ("R_y", "Å", 0, 0.25),
        ("R_x", "Å", 0, 0.25),
    ]
    series = signals["series"]
    np.testing.assert_array_equal(series.data, SLICES.transpose(2, 1, 0)[:, None])
    assert [axis.name for axis in series.axes] == ["Tilts", "Depth", "R_y", "R_x"]
    assert described(series)[1] == ("Depth", "Å", 20, 1)
    assert series.metadata["labels"] == tilts.tolist()
