"""Berkeley EMD as its many writers really write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from ncempy.io import emd as ncem
from rsciio import emd as rsciio_emd

import napari_emd_flatfield as nef

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_emd_flatfield import Signal

VOLUME = np.random.default_rng(1).integers(0, 60_000, (3, 4, 5)).astype("u2")


def write_group(
    parent: h5py.Group,
    name: str,
    data: np.ndarray,
    dims: Sequence[tuple[Any, Any, Any]] = (),
    **options: Any,
) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["emd_group_type"] = 1
    group.create_dataset("data", data=data, **options)
    for i, (values, axis_name, units) in enumerate(dims, 1):
        dim = group.create_dataset(f"dim{i}", data=values)
        dim.attrs["name"] = axis_name
        dim.attrs["units"] = units
    return group


def described(signal: Signal) -> list[tuple[str, str, float, float]]:
    return [(a.name, a.units, a.offset, pytest.approx(a.scale)) for a in signal.axes]


def test_ncempy(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    dims = (
        (np.linspace(-60, 60, 3), "angle", "[deg]"),
        (2 + 0.5 * np.arange(4), "y", "[n_m]"),
        (0.25 * np.arange(5), "x", "[n_m]"),
    )
    with ncem.fileEMD(path, readonly=False) as file:
        file.put_emdgroup("tilts", VOLUME, dims)
    (signal,) = nef.read(path)
    truth = ncem.emdReader(path)
    np.testing.assert_array_equal(signal.data, truth["data"])
    assert signal.name == "tilts"
    assert described(signal) == [
        ("angle", "deg", -60, 60),
        ("y", "nm", 2, 0.5),
        ("x", "nm", 0, 0.25),
    ]
    assert [axis.scale for axis in signal.axes] == pytest.approx(truth["pixelSize"])


def test_ncempy_writer_gives_units_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    ncem.emdWriter(path, VOLUME, pixel_size=(1, 0.5, 0.25))
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert [axis.scale for axis in signal.axes] == pytest.approx((1, 0.5, 0.25))


def test_ncempy_ser_series(tmp_path: Path) -> None:
    step = 2e-10
    with h5py.File(tmp_path / "x.emd", "w") as file:
        dims = (
            (np.arange(3), "number", "[#]"),
            (step * np.arange(4), "y", "[m]"),
            (step * np.arange(5), "x", "[m]"),
        )
        group = write_group(file, "data/scan.ser", VOLUME, dims)
        time = group.create_dataset("dim1_time", data=[10, 11, 12])
        time.attrs["name"], time.attrs["units"] = "timestamp", "[s]"
        write_group(group, "timestamp", np.array([10, 11, 12]), dims[:1])
    (signal,) = nef.read(tmp_path / "x.emd")
    assert signal.name == "scan.ser"
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert described(signal)[1:] == [("y", "m", 0, step), ("x", "m", 0, step)]


def test_ncem_team_acquisition(tmp_path: Path) -> None:
    dims = [
        (np.arange(4, dtype="f4"), np.bytes_("Y"), np.bytes_("n_m")),
        (np.arange(5, dtype="f4"), np.bytes_("X"), np.bytes_("n_m")),
    ]
    with h5py.File(tmp_path / "x.emd", "w") as file:
        group = write_group(file, "data/single", VOLUME[0], dims)
        group["acquisition times"] = 1570217141.5
        file.create_group("microscope").attrs["high tension"] = 200e3
        file.create_group("stage").attrs["position"] = [1.0, 2.0]
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, VOLUME[0])
    assert described(signal) == [("Y", "nm", 0, 1), ("X", "nm", 0, 1)]
    assert signal.metadata["microscope"] == {"high tension": 200e3}
    assert signal.metadata["stage"] == {"position": [1.0, 2.0]}
    assert signal.metadata["acquisition times"] == 1570217141.5


def test_mrc2emd(tmp_path: Path) -> None:
    """It writes no version, an 8-bit group type, and empty units as bytes."""
    names = [np.bytes_(name) for name in "zyx"]
    dims = [
        (np.linspace(0, n - 1, n), name, np.bytes_(""))
        for n, name in zip(VOLUME.shape, names, strict=True)
    ]
    with h5py.File(tmp_path / "x.emd", "w") as file:
        group = write_group(file, "data/data", VOLUME, dims, compression="gzip")
        group.attrs["emd_group_type"] = np.int8(1)
        file.create_group("Microscope").attrs["voxel sizes"] = [1.0, 1.0, 1.0]
        file.create_group("User")
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert described(signal) == [(name, "", 0, 1) for name in "zyx"]
    assert signal.metadata["Microscope"] == {"voxel sizes": [1, 1, 1]}


def hyperspy_axis(name: str, size: int, offset: float, scale: float, units: str) -> Any:
    return {
        "name": name,
        "size": size,
        "offset": offset,
        "scale": scale,
        "units": units,
        "navigate": name not in ("x", "y"),
    }


def test_hyperspy_stores_x_first_and_is_shown_y_down(tmp_path: Path) -> None:
    axes = [
        hyperspy_axis("t", 3, 0, 2.0, "s"),
        hyperspy_axis("y", 4, -1.0, 0.5, "nm"),
        hyperspy_axis("x", 5, 7.0, 0.25, "nm"),
    ]
    metadata = {"General": {"title": "series"}, "Signal": {"signal_type": "EDS"}}
    written = {
        "data": VOLUME,
        "axes": axes,
        "metadata": metadata,
        "original_metadata": {"microscope": {"name": "Talos"}},
    }
    path = tmp_path / "x.emd"
    rsciio_emd.file_writer(str(path), written)
    with h5py.File(path) as file:
        assert file["signals/series/data"].shape == VOLUME.T.shape
        assert file["signals"].attrs["emd_group_type"] == 1
    (signal,) = nef.read(path)
    (truth,) = rsciio_emd.file_reader(str(path))
    np.testing.assert_array_equal(signal.data, truth["data"])
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert signal.name == "series"
    assert described(signal) == [
        (a["name"], a["units"], a["offset"], a["scale"]) for a in truth["axes"]
    ]
    assert signal.metadata["microscope"] == {"name": "Talos"}
    assert signal.metadata["signal_type"] == "EDS"


def test_hyperspy_axes_without_names_are_in_its_order_too(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    steps = (2.0, 0.5, 0.25)
    axes = [
        hyperspy_axis("", n, 0, step, "nm")
        for n, step in zip(VOLUME.shape, steps, strict=True)
    ]
    metadata = {"General": {"title": ""}, "Signal": {"signal_type": ""}}
    written = {"data": VOLUME, "axes": axes, "metadata": metadata}
    written["original_metadata"] = {}
    rsciio_emd.file_writer(str(path), written)
    (signal,) = nef.read(path)
    (truth,) = rsciio_emd.file_reader(str(path))
    np.testing.assert_array_equal(signal.data, truth["data"])
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert [axis.scale for axis in signal.axes] == pytest.approx(steps)


def test_hyperspy_diffraction_units(tmp_path: Path) -> None:
    axes = [
        hyperspy_axis("y", 4, -1.0, 0.5, "1/nm"),
        hyperspy_axis("x", 5, -1.0, 0.5, "1/nm"),
    ]
    metadata = {"General": {"title": ""}, "Signal": {}}
    path = tmp_path / "x.emd"
    rsciio_emd.file_writer(
        str(path),
        {
            "data": VOLUME[0],
            "axes": axes,
            "metadata": metadata,
            "original_metadata": {},
        },
    )
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, VOLUME[0])
    assert described(signal) == [("y", "1/nm", -1, 0.5), ("x", "1/nm", -1, 0.5)]


def tomviz_dataset(array: np.ndarray, angles: np.ndarray | None = None) -> Any:
    tomviz = pytest.importorskip("tomviz_pipeline.dataset")
    dataset = tomviz.Dataset({"density": array, "error": array / 2}, "density")
    dataset.spacing = [0.5, 0.25, 2.0]
    if angles is not None:
        dataset.tilt_angles, dataset.tilt_axis = angles, 2
    return dataset


def test_tomviz_volume_and_its_further_scalars(tmp_path: Path) -> None:
    emd = pytest.importorskip("tomviz_pipeline.io.emd")
    path = tmp_path / "x.emd"
    volume = VOLUME.astype("f4")
    emd._write_emd(path, tomviz_dataset(volume))
    with h5py.File(path) as file:
        scalars = file["data/tomography/tomviz_scalars"]
        assert isinstance(scalars.get("density", getlink=True), h5py.SoftLink)
    density, error = nef.read(path)
    # Stored x, y, z.
    np.testing.assert_array_equal(density.data, volume.T)
    np.testing.assert_array_equal(error.data, volume.T / 2)
    assert (density.name, error.name) == ("tomography", "error")
    expected = [("z", "nm", 0, 2.0), ("y", "nm", 0, 0.25), ("x", "nm", 0, 0.5)]
    assert described(density) == described(error) == expected
    assert density.metadata["data"] == {"name": "density"}


def test_tomviz_tilt_series(tmp_path: Path) -> None:
    emd = pytest.importorskip("tomviz_pipeline.io.emd")
    path = tmp_path / "x.emd"
    angles = np.array([-60.0, -20.0, 30.0])
    # In memory the angles are tomviz's last axis.
    emd._write_emd(path, tomviz_dataset(VOLUME.T.astype("f4"), angles))
    signal = nef.read(path)[0]
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert (signal.axes[0].name, signal.axes[0].units) == ("angles", "deg")
    np.testing.assert_array_equal(signal.axes[0].values, angles)
    # It may write a dim vector of another length than its axis.
    assert [len(axis) for axis in signal.axes] == [3, 4, 5]


def test_scopefoundry_unit_and_zero_dims(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("measurement/scan/counts")
        group.attrs["emd_group_type"] = 1
        group.create_dataset("data", data=VOLUME, maxshape=(None, 4, 5))
        for i, (size, values) in enumerate(
            [(3, None), (4, 0.5 * np.arange(4)), (5, 0.5 * np.arange(5))], 1
        ):
            dim = group.create_dataset(
                f"dim{i}", data=np.zeros(size) if values is None else values
            )
            dim.attrs["name"] = ("frame", "y", "x")[i - 1]
            dim.attrs["unit"] = "[u_m]"
        file.create_group("hardware/stage").attrs["speed"] = 3
    (signal,) = nef.read(tmp_path / "x.h5")
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert described(signal) == [
        ("frame", "pixel", 0, 1),
        ("y", "µm", 0, 0.5),
        ("x", "µm", 0, 0.5),
    ]
    assert signal.metadata["hardware"] == {"stage": {"speed": 3}}


def test_merlin_big_endian_five_axes_and_text_dims(tmp_path: Path) -> None:
    data = np.arange(2 * 3 * 1 * 4 * 5).reshape(2, 3, 1, 4, 5).astype(">u2")
    names = ("scanY", "scanX", "colour", "detY", "detX")
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        experiment = file.create_group("fpd_expt")
        dims = [
            (np.arange(n), name, "pixels")
            for n, name in zip(data.shape, names, strict=True)
        ]
        options = {
            "compression": "gzip",
            "shuffle": True,
            "fletcher32": True,
            "chunks": (1, 1, 1, 4, 5),
        }
        cube = write_group(experiment, "fpd_data", data, dims, **options)
        cube["data"].attrs.update(name="Intensity", units="Counts", CLASS="IMAGE")
        early = write_group(experiment, "DAC", VOLUME[0])
        for i, name in enumerate((b"y", b"x"), 1):
            early[f"dim{i}"] = np.bytes_(name)
        header = experiment.create_group("binary_hdr")
        header.attrs["emd_group_type"] = 1
        header["data"] = np.full((2, 3), b"HDR,0001")
    signals = {signal.name: signal for signal in nef.read(tmp_path / "x.hdf5")}
    assert set(signals) == {"fpd_data", "DAC"}
    np.testing.assert_array_equal(signals["fpd_data"].data, data)
    assert signals["fpd_data"].dtype == np.dtype(">u2")
    assert described(signals["fpd_data"]) == [(n, "pixel", 0, 1) for n in names]
    assert signals["fpd_data"].metadata["data"] == {
        "name": "Intensity",
        "units": "Counts",
    }
    np.testing.assert_array_equal(signals["DAC"].data, VOLUME[0])
    assert described(signals["DAC"]) == [("y", "pixel", 0, 1), ("x", "pixel", 0, 1)]


def test_dataset_named_like_its_group_with_column_dims(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        group = file.create_group("data/EDS")
        group.attrs["emd_group_type"] = 1
        group.create_dataset("EDS", data=VOLUME, compression=7)
        group["preview"] = VOLUME[0]
        for i, n in enumerate(VOLUME.shape, 1):
            dim = group.create_dataset(f"dim{i}", data=0.5 * np.arange(n)[:, None])
            dim.attrs["name"] = np.bytes_("zyx"[i - 1])
            dim.attrs["units"] = np.bytes_("[n_m]")
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert described(signal) == [(name, "nm", 0, 0.5) for name in "zyx"]


def test_type_on_the_parent_and_data_in_a_subgroup(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        folder = file.create_group("data/datacubes")
        folder.attrs["emd_group_type"] = np.array([1], "u4")
        folder["datacube_0/datacube"] = VOLUME
    (signal,) = nef.read(tmp_path / "x.emd")
    assert signal.dataset == "/data/datacubes/datacube_0/datacube"
    np.testing.assert_array_equal(signal.data, VOLUME)


def test_two_values_stand_for_a_uniform_dim_vector(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        dims = [([5.0, 5.5], "y", "Å"), ([1.0, 3.0], "x", "A")]
        write_group(file, "data/a", VOLUME[0], dims)
    (signal,) = nef.read(tmp_path / "x.emd")
    assert described(signal) == [("y", "Å", 5, 0.5), ("x", "Å", 1, 2)]
    np.testing.assert_allclose(signal.axes[1].values, [1, 3, 5, 7, 9])


def test_texts_name_the_images_of_a_stack(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        group = write_group(file, "data/a", VOLUME.transpose(1, 2, 0))
        group["dim3"] = np.array([b"Fe", b"Co", b"Ni"])
        group["dim3"].attrs["name"] = "element"
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert signal.axes[0].name == "element"
    assert signal.metadata["labels"] == ["Fe", "Co", "Ni"]


def test_a_bad_group_does_not_hide_the_good_one(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        write_group(file, "data/good", VOLUME)
        bad = write_group(file, "data/bad", VOLUME)
        dim = bad.create_dataset("dim1", data=[0.0, 1, 2], chunks=True, fletcher32=True)
        place = dim.id.get_chunk_info(0).byte_offset
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"\xff")
    with pytest.warns(UserWarning, match=r"x\.emd:/data/bad is left out"):
        (signal,) = nef.read(path)
    assert signal.name == "good"
    np.testing.assert_array_equal(signal.data, VOLUME)


def test_dangling_links_in_a_group(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        group = write_group(file, "data/a", VOLUME)
        group["dim1"] = h5py.SoftLink("/nowhere")
        group["dim2"] = np.dtype("f4")
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, VOLUME)
    assert described(signal) == [("", "pixel", 0, 1)] * 3
