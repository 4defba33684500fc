"""Files other programs write, as those read them and as we do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ncempy.io import emd as ncem
from rsciio import emd as rsciio_emd

import napari_emd_flatfield as nef
from napari_emd_flatfield import units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_emd_flatfield import Signal

dtypes = st.sampled_from(["u1", "u2", "i4", "f4", "f8"])
steps = st.sampled_from([1.0, 0.5, 0.013, 2e-10, -0.25, 30.0])
offsets = st.sampled_from([0.0, -7.5, 1e-9, 60.0])
lengths = st.sampled_from(["nm", "µm", "Å", "m", "mrad", "1/nm", "eV", "s"])


@st.composite
def described_arrays(draw: st.DrawFn, names: Sequence[str]) -> tuple[Any, list[Any]]:
    """An array with (coordinates, name, unit) for each of its axes."""
    chosen = names[-draw(st.integers(2, len(names))) :]
    shape = [draw(st.integers(2, 5)) for _ in chosen]
    random = np.random.default_rng(draw(st.integers(0, 99)))
    data = (random.normal(size=shape) * 100).astype(draw(dtypes))
    dims = [
        (draw(offsets) + draw(steps) * np.arange(n), name, draw(lengths))
        for n, name in zip(shape, chosen, strict=True)
    ]
    return data, dims


def assert_described(signal: Signal, truth: Sequence[tuple[Any, str, str]]) -> None:
    for axis, (values, name, unit) in zip(signal.axes, truth, strict=True):
        assert (axis.name, axis.unit) == (name, units.parse(unit))
        np.testing.assert_allclose(axis.values, values, rtol=1e-12, atol=1e-21)


@settings(max_examples=25)
@given(described_arrays(["t", "z", "y", "x"]), st.sampled_from(["a", "scan 1", "µ"]))
def test_ncempy(
    tmp_path_factory: pytest.TempPathFactory, array: tuple[Any, list[Any]], label: str
) -> None:
    data, dims = array
    path = tmp_path_factory.mktemp("ncempy") / "x.emd"
    with ncem.fileEMD(path, readonly=False) as file:
        file.put_emdgroup(label, data, dims)
    with ncem.fileEMD(path) as file:
        truth, axes = file.get_emdgroup(file.list_emds[0])
    (signal,) = nef.read(path)
    assert signal.name == label
    assert signal.dtype == data.dtype
    np.testing.assert_array_equal(signal.data, truth)
    assert_described(signal, axes)


@settings(max_examples=15)
@given(described_arrays(["x", "y", "z", "t"][::-1]))
def test_ncempy_with_x_first(
    tmp_path_factory: pytest.TempPathFactory, array: tuple[Any, list[Any]]
) -> None:
    data, dims = array
    path = tmp_path_factory.mktemp("ncempy") / "x.emd"
    with ncem.fileEMD(path, readonly=False) as file:
        file.put_emdgroup("turned", data.T, dims[::-1])
    (signal,) = nef.read(path)
    np.testing.assert_array_equal(signal.data, data)
    assert_described(signal, dims)


def test_ncempy_keeps_several_groups_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "x.emd"
    dims = [(np.arange(n), name, "nm") for n, name in ((3, "y"), (4, "x"))]
    images = {name: np.full((3, 4), i, "f4") for i, name in enumerate("abc")}
    with ncem.fileEMD(path, readonly=False) as file:
        for name, image in images.items():
            file.put_emdgroup(name, image, dims)
        file.microscope.attrs["voltage"] = 300
        file.put_comment("as written by ncempy")
    signals = nef.read(path)
    assert [signal.name for signal in signals] == list(images)
    for signal in signals:
        np.testing.assert_array_equal(signal.data, images[signal.name])
        assert signal.metadata["microscope"] == {"voltage": 300}
        assert list(signal.metadata["comments"].values()) == ["as written by ncempy"]


def written_by_rosettasciio(
    path: Path, data: Any, dims: Sequence[Any]
) -> dict[str, Any]:
    axes = [
        {
            "name": name,
            "units": unit,
            "size": len(values),
            "offset": values[0],
            "scale": values[1] - values[0],
            "navigate": i < data.ndim - 2,
        }
        for i, (values, name, unit) in enumerate(dims)
    ]
    general: dict[str, Any] = {"General": {"title": "scan"}, "Signal": {}}
    rsciio_emd.file_writer(
        str(path),
        {"data": data, "axes": axes, "metadata": general, "original_metadata": {}},
    )
    (truth,) = rsciio_emd.file_reader(str(path))
    return truth


@settings(max_examples=25)
@given(described_arrays(["t", "z", "y", "x"]))
def test_rosettasciio(
    tmp_path_factory: pytest.TempPathFactory, array: tuple[Any, list[Any]]
) -> None:
    data, dims = array
    path = tmp_path_factory.mktemp("rsciio") / "x.emd"
    truth = written_by_rosettasciio(path, data, dims)
    (signal,) = nef.read(path)
    assert signal.name == "scan"
    np.testing.assert_array_equal(signal.data, truth["data"])
    np.testing.assert_array_equal(signal.data, data)
    for axis, other in zip(signal.axes, truth["axes"], strict=True):
        assert (axis.name, axis.scale) == (other["name"], pytest.approx(other["scale"]))
        assert axis.offset == pytest.approx(other["offset"])
        assert axis.unit == units.parse(other["units"])


@pytest.mark.parametrize(
    ("scan", "pattern"), [("y x", "ky kx"), ("y x", "dy dx"), ("Ry Rx", "Qy Qx")]
)
def test_rosettasciio_scanned_diffraction(
    tmp_path: Path, scan: str, pattern: str
) -> None:
    names = [*scan.split(), *pattern.split()]
    data = np.arange(2 * 3 * 4 * 5, dtype="u2").reshape(2, 3, 4, 5)
    dims = [
        (0.5 * np.arange(n), name, "nm")
        for n, name in zip(data.shape, names, strict=True)
    ]
    truth = written_by_rosettasciio(tmp_path / "x.emd", data, dims)
    (signal,) = nef.read(tmp_path / "x.emd")
    assert [axis.name for axis in signal.axes] == names
    np.testing.assert_array_equal(signal.data, truth["data"])
