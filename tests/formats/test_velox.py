"""Velox files made after real ones, against rosettasciio's reading of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pint
import pytest
from rsciio import emd as rsciio_emd

import napari_emd_flatfield as nef
from napari_emd_flatfield import NoSignalError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emd_flatfield import Signal

random = np.random.default_rng(5)
FRAMES = random.integers(-900, 900, (3, 4, 5)).astype("i2")
WAVE = (random.normal(size=(4, 5)) + 1j * random.normal(size=(4, 5))).astype("c8")
STEP, WIDE = "2.5e-10", "3.5e-10"


def document(content: Any) -> np.ndarray:
    """A JSON document as Velox stores it: slashes escaped, one string."""
    text = json.dumps(content, indent=4).replace("/", "\\/")
    return np.array([text], h5py.string_dtype())


def metadata(detector: str = "HAADF", **changes: Any) -> dict[str, Any]:
    result = {
        "DetectorIndex": "1",
        "Detector": detector,
        "ImageSize": {"width": "128", "height": "128"},
        "PixelSize": {"width": WIDE, "height": STEP},
        "PixelUnitX": "m",
        "PixelUnitY": "m",
        "Offset": {"x": "-1e-9", "y": "4e-9"},
    }
    detectors = {
        "Detector-0": {"DetectorName": "BF"},
        "Detector-1": {"DetectorName": detector, "ExposureTime": "0.8"},
    }
    return {
        "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1596041299"}},
        "Optics": {"AccelerationVoltage": "300000"},
        "Scan": {"FrameTime": "0.5"},
        "Detectors": detectors,
        "BinaryResult": result,
        "CustomProperties": "",
    } | changes


def without(values: dict[str, Any], path: str) -> dict[str, Any]:
    *parents, last = path.split(".")
    inner = values
    for key in parents:
        inner = inner[key]
    del inner[last]
    return values


def write_image(
    file: h5py.File, uuid: str, frames: np.ndarray, described: dict[str, Any] | None
) -> None:
    """Store frames last, each with a column of JSON."""
    group = file.create_group(f"Data/Image/{uuid}")
    stored = np.moveaxis(frames, 0, -1)
    shape = stored.shape
    group.create_dataset(
        "Data", data=stored, maxshape=(*shape[:2], None), chunks=(*shape[:2], 1)
    )
    if described is None:
        return
    columns = np.zeros((60000, shape[2]), "u1")
    for i in range(shape[2]):
        text = json.dumps({**described, "Frame": str(i)}).encode()
        columns[: len(text), i] = list(text)
    group.create_dataset("Metadata", data=columns, chunks=(60000, 1))


def write_version(file: h5py.File, version: int) -> None:
    file["Version"] = document({"version": str(version), "format": "Velox"})


def write_old(path: Path, frames: np.ndarray, described: dict[str, Any] | None) -> None:
    with h5py.File(path, "w") as file:
        write_version(file, 8)
        write_image(file, "aa", frames, described)
        operation = {"dataPath": "/Data/Image/aa", "detector": "HAADF"}
        file["Operations/StemInputOperation/cc"] = document(operation)


def in_metres(signal: Signal) -> list[tuple[str, float, float]]:
    return [(a.name, a.offset, pytest.approx(a.scale)) for a in signal.axes[-2:]]


def same_as_rosettasciio(signal: Signal, truth: dict[str, Any]) -> None:
    np.testing.assert_array_equal(signal.data, truth["data"])
    assert signal.dtype == truth["data"].dtype
    registry = pint.get_application_registry()
    for axis, other in zip(signal.axes, truth["axes"], strict=True):
        assert axis.name == other["name"].lower()
        unit = registry.Unit(other["units"])
        for value, expected in (
            (axis.scale, other["scale"]),
            (axis.offset, other["offset"]),
        ):
            converted = registry.Quantity(value, axis.units).to(unit).magnitude
            assert converted == pytest.approx(expected)


@pytest.mark.parametrize("count", [1, 3])
def test_images_and_series(tmp_path: Path, count: int) -> None:
    path = tmp_path / "x.emd"
    write_old(path, FRAMES[:count], metadata())
    (signal,) = nef.read(path)
    (truth,) = rsciio_emd.file_reader(str(path))
    same_as_rosettasciio(signal, truth)
    assert signal.shape == ((3, 4, 5) if count == 3 else (4, 5))
    assert signal.name == truth["metadata"]["General"]["title"] == "HAADF"
    assert in_metres(signal) == [
        ("y", 4e-9, float(STEP)),
        ("x", -1e-9, float(WIDE)),
    ]
    assert signal.metadata["Optics"] == {"AccelerationVoltage": "300000"}
    assert signal.metadata["Frame"] == "0"


def test_one_frame_is_one_chunk(tmp_path: Path) -> None:
    write_old(tmp_path / "x.emd", FRAMES, metadata())
    (signal,) = nef.read(tmp_path / "x.emd")
    assert signal.data.chunks == (1, 4, 5)
    np.testing.assert_array_equal(signal.data[1, ::-1, 2], FRAMES[1, ::-1, 2])


def test_cameras_tell_their_exposure_instead_of_a_frame_time(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    write_old(path, FRAMES, metadata(Scan={}))
    (signal,) = nef.read(path)
    (truth,) = rsciio_emd.file_reader(str(path))
    same_as_rosettasciio(signal, truth)
    assert (signal.axes[0].units, signal.axes[0].scale) == ("s", 0.8)


def test_fourier_transforms_and_components(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    fields = [("realFloatHalfEven", "<f4"), ("imagFloatHalfEven", "<f4")]
    described = metadata()
    described["BinaryResult"].update(PixelUnitX="1/m", PixelUnitY="1/m")
    write_old(path, WAVE[None].view(fields), described)
    (truth,) = rsciio_emd.file_reader(str(path))
    np.testing.assert_array_equal(truth["data"], WAVE)
    for component, function in (
        ("modulus", np.abs),
        ("phase", np.angle),
        ("real", np.real),
        ("imaginary", np.imag),
    ):
        (signal,) = nef.read(path, component=component)
        np.testing.assert_array_equal(signal.data, function(WAVE))
    assert {axis.units for axis in signal.axes} == {"1/m"}
    (default,) = nef.read(path)
    np.testing.assert_array_equal(default.data, np.abs(WAVE))


def test_differential_phase_contrast(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    waves = np.stack([WAVE, 2j * WAVE, -WAVE])
    fields = [("realFloat", "<f4"), ("imagFloat", "<f4")]
    write_old(path, waves.view(fields), metadata())
    (signal,) = nef.read(path, component="phase")
    np.testing.assert_array_equal(signal.data, np.angle(waves))
    assert signal.data.chunks == (1, 4, 5)


def test_titles_of_displays_before_version_11(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        write_version(file, 9)
        write_image(file, "aa", FRAMES[:1], metadata())
        write_image(file, "bb", FRAMES[1:2], metadata())
        for uuid, label in (("aa", "HAADF"), ("bb", "FFT%231%28HAADF%29")):
            file[f"Presentation/Displays/ImageDisplay/{uuid * 2}"] = document(
                {"display": {"label": label}, "dataPath": f"/Data/Image/{uuid}"}
            )
    signals = nef.read(tmp_path / "x.emd")
    assert [signal.name for signal in signals] == ["HAADF", "FFT#1(HAADF)"]
    np.testing.assert_array_equal(signals[1].data, FRAMES[1])


@pytest.mark.parametrize("version", [11, 13])
def test_titles_of_displays_since_version_11(tmp_path: Path, version: int) -> None:
    with h5py.File(tmp_path / "x.emd", "w") as file:
        write_version(file, version)
        for uuid, title in (("aa", "HAADF"), ("bb", "Ca")):
            write_image(file, uuid, FRAMES[:1], metadata("SuperXG2"))
            reference = f"SharedProperties/ImageSeriesDataReference/{uuid * 2}"
            file[reference] = document({"dataPath": f"/Data/Image/{uuid}"})
            file[f"Displays/ImageDisplay/{uuid * 3}"] = document(
                {"title": title, "id": title, "data": f"/{reference}"}
            )
        # The mix of colours shows no image of its own.
        file["Displays/ImageDisplay/dd"] = document({"title": "ColorMix", "id": "CM"})
    assert [signal.name for signal in nef.read(tmp_path / "x.emd")] == ["HAADF", "Ca"]


@pytest.mark.parametrize(
    ("kind", "operation", "name"),
    [
        ("CameraInputOperation", {"cameraName": "Ceta"}, "Ceta"),
        ("StemInputOperation", {"detector": "DF4-A"}, "DF4-A"),
        (
            "SurfaceReconstructionOperation",
            {"integrationMode": "true", "enableFilter": "true"},
            "Filtered iDPC",
        ),
        (
            "SurfaceReconstructionOperation",
            {"integrationMode": "false", "enableFilter": "false"},
            "dDPC",
        ),
        ("MathematicsOperation", {"outputs": [{"inputIndex": "0"}]}, "A-C"),
        ("MathematicsOperation", {"outputs": [{"inputIndex": "1"}]}, "B-D"),
        ("DpcOperation", {}, "DPC"),
        ("IntegrationOperation", {}, "DCFI"),
    ],
)
def test_names_by_operation(
    tmp_path: Path, kind: str, operation: dict[str, Any], name: str
) -> None:
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        write_version(file, 6)
        write_image(file, "aa", FRAMES[:1], metadata("detector"))
        operation = {"dataPath": "/Data/Image/aa", **operation}
        file[f"Operations/{kind}/cc"] = document(operation)
    (truth,) = rsciio_emd.file_reader(str(path))
    (signal,) = nef.read(path)
    assert signal.name == truth["metadata"]["General"]["title"] == name


@pytest.mark.parametrize(
    "path",
    [
        "Acquisition.AcquisitionStartDatetime",
        "Acquisition",
        "Scan",
        "Detectors",
        "BinaryResult.DetectorIndex",
        "BinaryResult.ImageSize",
        "CustomProperties",
    ],
)
def test_missing_keys_change_nothing_else(tmp_path: Path, path: str) -> None:
    write_old(tmp_path / "x.emd", FRAMES[:1], without(metadata(), path))
    (signal,) = nef.read(tmp_path / "x.emd")
    np.testing.assert_array_equal(signal.data, FRAMES[0])
    assert in_metres(signal) == [
        ("y", 4e-9, float(STEP)),
        ("x", -1e-9, float(WIDE)),
    ]


def test_missing_calibration(tmp_path: Path) -> None:
    described = metadata(Scan={})
    del described["BinaryResult"], described["Detectors"]
    for name, values in (("keys.emd", described), ("all.emd", None)):
        write_old(tmp_path / name, FRAMES, values)
        (signal,) = nef.read(tmp_path / name)
        np.testing.assert_array_equal(signal.data, FRAMES)
        assert [axis.name for axis in signal.axes] == ["frame", "y", "x"]
        assert all(axis.is_index for axis in signal.axes)


def test_missing_units_and_offset(tmp_path: Path) -> None:
    described = metadata()
    for key in ("PixelUnitX", "PixelUnitY", "Offset"):
        del described["BinaryResult"][key]
    write_old(tmp_path / "x.emd", FRAMES[:1], described)
    (signal,) = nef.read(tmp_path / "x.emd")
    assert {axis.units for axis in signal.axes} == {""}
    assert in_metres(signal) == [("y", 0, float(STEP)), ("x", 0, float(WIDE))]


def test_damaged_metadata(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    write_old(path, FRAMES[:1], metadata())
    with h5py.File(path, "r+") as file:
        file["Data/Image/aa/Metadata"][5, 0] = 1
    with pytest.warns(UserWarning, match=r"x\.emd:/Data/Image/aa/Metadata is damaged"):
        (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, FRAMES[0])


def test_a_bad_image_does_not_hide_the_good_one(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        write_version(file, 8)
        write_image(file, "aa", FRAMES[:1], metadata())
        write_image(file, "bb", FRAMES[:1], metadata())
        del file["Data/Image/aa/Data"]
    with pytest.warns(UserWarning, match=r"x\.emd:/Data/Image/aa is left out"):
        (signal,) = nef.read(path)
    assert signal.dataset == "/Data/Image/bb/Data"


def write_spectra(file: h5py.File) -> None:
    for kind, shape in (
        ("Spectrum", (4096, 1)),
        ("SpectrumStream", (99, 1)),
        ("EelsSpectrumImage", (4, 20, 5)),
    ):
        file[f"Data/{kind}/ee/Data"] = np.ones(shape, "u2")
    file.create_group("Data/SpectrumImage")


def test_spectra_are_named_in_one_warning(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    write_old(path, FRAMES[:1], metadata())
    with h5py.File(path, "r+") as file:
        write_spectra(file)
    with pytest.warns(UserWarning, match="spectra") as caught:
        (signal,) = nef.read(path)
    assert signal.name == "HAADF"
    (warning,) = caught
    message = str(warning.message)
    assert str(path) in message
    assert "1 Spectrum, 1 SpectrumStream, 1 EelsSpectrumImage" in message
    assert "left out" in message


def test_a_file_with_spectra_only(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    with h5py.File(path, "w") as file:
        write_version(file, 11)
        write_spectra(file)
    with pytest.raises(NoSignalError, match="only spectra"):
        nef.read(path)
    # They can be had as the arrays they are.
    (spectra,) = nef.read(path, dataset="/Data/EelsSpectrumImage/ee/Data")
    assert spectra.shape == (4, 20, 5)


def test_an_image_group_in_an_ordinary_file_is_not_velox(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["Data/Image/first"] = FRAMES[0]
    (signal,) = nef.read(tmp_path / "x.h5")
    np.testing.assert_array_equal(signal.data, FRAMES[0])
    assert signal.name == "first"


def test_an_image_stored_without_a_frame_axis(tmp_path: Path) -> None:
    path = tmp_path / "pruned.emd"
    with h5py.File(path, "w") as file:
        file["Version"] = document({"format": "Velox", "version": "11"})
        group = file.create_group("Data/Image/abc")
        group["Data"] = FRAMES[0]
        described = np.frombuffer(json.dumps(metadata()).encode(), "u1")
        group["Metadata"] = described[:, np.newaxis]
    (signal,) = nef.read(path)
    assert (signal.name, signal.shape) == ("HAADF", (4, 5))
    np.testing.assert_array_equal(signal.data, FRAMES[0])
    assert [axis.scale for axis in signal.axes] == [float(STEP), float(WIDE)]
